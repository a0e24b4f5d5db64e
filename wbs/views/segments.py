"""The segments of a company, and how they make its budget codes."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from companies.access import MemberRequest, admin, admin_reader
from wbs.errors import Refused
from wbs.forms import BudgetCodeForm, SegmentForm
from wbs.models import BudgetCode, Segment, SegmentItem
from wbs.views.tree import segment_of


@require_GET
@admin_reader
def segments(request: MemberRequest) -> HttpResponse:
    return segments_page(request, SegmentForm())


def segments_page(request: MemberRequest, form: SegmentForm) -> HttpResponse:
    company = request.member.company
    found = Segment.all_of(company)
    items = SegmentItem.objects.filter(segment__in=found).order_by().values("segment")
    counts = dict(items.annotate(number=Count("pk")).values_list("segment", "number"))
    budget_code = BudgetCode.of(company, found)
    context = {
        "rows": [(segment, counts.get(segment.pk, 0)) for segment in found],
        "form": form,
        "pattern": budget_code.chosen(found),
        "budget_code": budget_code,
        "example": budget_code.example(found),
        "is_full": sum(segment.is_custom for segment in found) >= Segment.MAX_CUSTOM,
    }
    return render(request, "wbs/segments.html", context)


@require_POST
@admin
def add_segment(request: MemberRequest) -> HttpResponse:
    form = SegmentForm(request.POST)
    if not form.is_valid():
        return segments_page(request, form)
    try:
        segment = Segment.add(request.member.company, form.cleaned_data["name"], request.user)
    except Refused as refusal:
        form.add_error("name", refusal.sentence)
        return segments_page(request, form)
    messages.success(request, f"The segment {segment} was added.")
    return redirect("wbs:segments", request.member.company.slug)


@require_POST
@admin
def delete_segment(request: MemberRequest, segment: str) -> HttpResponse:
    found = segment_of(request, segment)
    try:
        found.remove(request.user)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, f"The segment {found} was deleted.")
    return redirect("wbs:segments", request.member.company.slug)


@require_http_methods(["GET", "POST"])
@admin
def budget_code(request: MemberRequest) -> HttpResponse:
    """The form of the pattern. A change in it asks for the example again, with what is chosen now."""
    company = request.member.company
    found = Segment.all_of(company)
    pattern = BudgetCode.of(company, found)
    data = request.POST if request.method == "POST" else request.GET if "delimiter" in request.GET else None
    form = BudgetCodeForm(found, pattern, data)
    if request.method == "POST" and form.is_valid():
        try:
            pattern.change(found, form.order, form.cleaned_data["delimiter"], request.user)
        except Refused as refusal:
            form.add_error(None, refusal.sentence)
        else:
            messages.success(request, "The budget code was saved.")
            return redirect("wbs:segments", company.slug)
    if data is not None and form.is_valid():
        pattern.order, pattern.delimiter = [segment.pk for segment in form.order], form.cleaned_data["delimiter"]
    context = {"form": form, "example": pattern.example(found), "is_ambiguous": form.is_ambiguous(pattern.delimiter)}
    is_part = request.htmx.target == "example"
    return render(request, "wbs/_example.html" if is_part else "wbs/budget_code.html", context)
