"""Company codes that are still missing on integrated projects, and the click that adds them."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from companies.access import MemberRequest, admin, admin_reader
from core.numbers import counted, number
from wbs.models import Project, Segment, SegmentItem
from wbs.pages.code_picker import CodeList
from wbs.pages.missing_codes import missing_somewhere, with_projects
from wbs.views.items import item_or_none, usage_of


@require_GET
@admin_reader
def missing_codes(request: MemberRequest) -> HttpResponse:
    company = request.member.company
    codes = CodeList.read(Segment.of(company), missing_somewhere(company), request.GET)
    is_part = request.htmx.target == "codes"
    context = {"codes": codes, "rows": with_projects(company, list(codes.page)), "is_integrated": True}
    if not codes.count:
        context["is_integrated"] = company.projects.integrated().exists()
    return render(request, "wbs/_missing_codes.html" if is_part else "wbs/missing_codes.html", context)


@require_POST
@admin
def add_where_missing(request: MemberRequest, item_id: int) -> HttpResponse:
    """Add the code, or what lies below the division, to one integrated project or to all that lack it."""
    company = request.member.company
    item = item_or_none(Segment.of(company), item_id)
    if item is None:
        raise Http404("There is no such code.")
    lacking = Project.objects.missing(item)
    if "all" not in request.POST:
        lacking = lacking.filter(pk=number(request.POST.get("project")))
    told = add_to_each(request, item, list(lacking))
    if request.htmx:
        return render(request, "wbs/_where_used.html", usage_of(item) | {"added": told})
    messages.success(request, told)
    if "back" in request.POST:
        address = reverse("wbs:missing_codes", args=[company.slug])
        narrowing = CodeList.read(item.segment, SegmentItem.objects.none(), request.POST).narrowing
        return redirect(f"{address}?{narrowing}" if narrowing else address)
    return redirect("wbs:edit_item", company.slug, item.segment.slug, item.pk)


def add_to_each(request: MemberRequest, item: SegmentItem, lacking: list[Project]) -> str:
    """The sentence that tells what was done."""
    meant = SegmentItem.objects.filter(pk=item.pk) | item.below()
    changed = [project for project in lacking if project.add_codes(meant, request.user)]
    if not changed:
        return f"{item} is there already."
    return f"{item} was added to {changed[0] if len(changed) == 1 else counted(len(changed), 'project')}."
