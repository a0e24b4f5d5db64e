"""The WBS of one project: the company codes that it uses, and the page on which they are chosen."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from companies.access import MemberRequest, admin, admin_reader
from erp_integrations.supported import why_not
from wbs.errors import Refused
from wbs.models import Project, Segment, SegmentItem, SegmentItemQuerySet
from wbs.pages.code_picker import CodeList, division_of
from wbs.pages.project_segments import cost_types, offers
from wbs.project_forms import OwnCodeForm
from wbs.views.items import codes_were, ticked_ids
from wbs.views.projects import project_of


@require_GET
@admin_reader
def project(request: MemberRequest, project_id: int) -> HttpResponse:
    return project_page(request, project_of(request, project_id), OwnCodeForm())


def project_page(request: MemberRequest, shown: Project, form: OwnCodeForm) -> HttpResponse:
    codes = CodeList.read(Segment.of(shown.company), shown.items(), request.GET)
    if request.htmx.target == "codes":
        return render(request, "wbs/_project_codes.html", {"project": shown, "codes": codes})
    segments = Segment.all_of(shown.company)
    context = {
        "project": shown,
        "codes": codes,
        "missing": shown.missing_items().count(),
        "cost_types": cost_types(shown, segments),
        "offers": offers(shown, segments),
        "own_codes": shown.own_codes.all(),
        "form": form,
        "why_no_own_codes": why_not(shown.connection, "has_project_codes"),
    }
    return render(request, "wbs/project.html", context)


@require_http_methods(["GET", "POST"])
@admin
def company_codes(request: MemberRequest, project_id: int) -> HttpResponse:
    """ "Cost Codes from Company": those that the project does not use yet."""
    shown = project_of(request, project_id)
    segment = Segment.of(shown.company)
    if request.method == "POST":  # what it uses already is left out when it is added
        return add_codes(request, shown, CodeList.read(segment, shown.usable_items(), request.POST))
    codes = CodeList.read(segment, shown.missing_items(), request.GET)
    is_part = request.htmx.target == "codes"
    template = "wbs/_company_codes.html" if is_part else "wbs/company_codes.html"
    return render(request, template, {"project": shown, "codes": codes})


def add_codes(request: MemberRequest, shown: Project, codes: CodeList) -> HttpResponse:
    meant = meant_codes(request, codes)
    if meant is None:
        return HttpResponseBadRequest("There is no such action.")
    number = shown.add_codes(meant, request.user)
    messages.success(request, f"{codes_were(number)} added to {shown}.") if number else messages.warning(
        request, "Tick the codes first." if request.POST["add"] == "selected" else "These codes were added already."
    )
    if request.POST["add"] == "all" or not shown.missing_items().exists():
        return redirect("wbs:project", shown.company.slug, shown.pk)
    address = reverse("wbs:company_codes", args=[shown.company.slug, shown.pk])
    return redirect(f"{address}?{codes.narrowing}" if codes.narrowing else address)


def meant_codes(request: MemberRequest, codes: CodeList) -> SegmentItemQuerySet | None:
    """The ticked codes; all that the search or the division shows; or what lies below one division."""
    match request.POST.get("add", ""):
        case "selected":
            return SegmentItem.objects.filter(pk__in=ticked_ids(request))
        case "all":
            return codes.matching()
        case other:
            division = division_of(codes.segment, other)
            return division.below() if division else None


@require_POST
@admin
def remove_codes(request: MemberRequest, project_id: int) -> HttpResponse:
    """Take the ticked codes out of the project, or all that match. They stay in the company's list."""
    shown = project_of(request, project_id)
    codes = CodeList.read(Segment.of(shown.company), shown.items(), request.POST)
    is_all = "all_matching" in request.POST
    ids = codes.matching().order_by().values("pk") if is_all else ticked_ids(request)
    number = shown.remove_codes(ids, request.user)
    if number or is_all:
        messages.success(request, f"{codes_were(number)} removed from {shown}.")
    else:
        messages.warning(request, "Tick the codes first.")
    return redirect("wbs:project", shown.company.slug, shown.pk)


@require_POST
@admin
def add_own_code(request: MemberRequest, project_id: int) -> HttpResponse:
    shown = project_of(request, project_id)
    form = OwnCodeForm(request.POST)
    if form.is_valid():
        try:
            own = shown.add_own_code(form.cleaned_data["code"], form.cleaned_data["description"], request.user)
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.sentence)
        else:
            messages.success(request, f"{own} was added to {shown} alone.")
            return redirect("wbs:project", shown.company.slug, shown.pk)
    return project_page(request, shown, form)


@require_POST
@admin
def remove_own_code(request: MemberRequest, project_id: int, own_id: int) -> HttpResponse:
    shown = project_of(request, project_id)
    own = shown.own_codes.filter(pk=own_id).first()
    if own is None:
        raise Http404("There is no such code.")
    shown.remove_own_code(own, request.user)
    messages.success(request, f"{own} was removed from {shown}.")
    return redirect("wbs:project", shown.company.slug, shown.pk)
