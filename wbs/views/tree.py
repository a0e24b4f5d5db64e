"""The codes of one segment: a page of its tree."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from companies.access import MemberRequest, admin_reader
from core.numbers import number
from wbs.models import ImportDraft, Segment
from wbs.pages.tree import PAGE_SIZES, Folding, Tree


@require_GET
@admin_reader
def show_codes(request: MemberRequest, segment: str) -> HttpResponse:
    is_part = request.htmx.target == "codes"
    # Left by whoever changed codes just now: [[item id, code, sentence], ...].
    problems = [] if is_part else request.session.pop("send_problems", [])
    tree = Tree(
        segment_of(request, segment),
        search=request.GET.get("q", "").strip(),
        number=request.GET.get("page", "1"),
        size=page_size(request.GET.get("rows")),
        folding=Folding.read(request.GET),
        after=number(request.GET.get("after")),
        before=number(request.GET.get("before")),
        problems={item_id: (code, sentence) for item_id, code, sentence in problems},
    )
    shown = {"tree": tree, "imported": imported_just_now(request, tree.segment)}
    return render(request, "wbs/_codes.html" if is_part else "wbs/codes.html", shown)


def imported_just_now(request: MemberRequest, segment: Segment) -> ImportDraft | None:
    """The import from which this person comes, as long as it can be taken back."""
    pk = number(request.GET.get("imported"))
    if not pk or not request.member.can_edit_wbs:
        return None
    return segment.import_drafts.living().light().filter(pk=pk, undo__isnull=False).first()


def segment_of(request: MemberRequest, slug: str) -> Segment:
    try:
        return Segment.of(request.member.company, slug)
    except Segment.DoesNotExist:
        raise Http404("There is no such segment.") from None


def page_size(wanted: str | None) -> int:
    return next((size for size in PAGE_SIZES if str(size) == wanted), PAGE_SIZES[0])
