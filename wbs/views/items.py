"""Adding and editing one cost code; deactivating, reactivating and deleting the ticked ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import retarget, trigger_client_event

from companies.access import MemberRequest, admin
from core.numbers import counted, number
from wbs.errors import Conflict, Refused
from wbs.forms import ItemForm
from wbs.models import Hold, Ids, Segment, SegmentItem
from wbs.pages.missing_codes import projects_of
from wbs.pages.tree import Folding, Tree
from wbs.rules import warn_of_item, warn_of_typed
from wbs.views.tree import page_size, segment_of


@require_http_methods(["GET", "POST"])
@admin
def add_item(request: MemberRequest, segment: str) -> HttpResponse:
    within = segment_of(request, segment)
    parent = item_or_none(within, number(request.GET.get("parent")))
    if request.method == "GET":
        return item_page(request, ItemForm(within, initial={"parent": parent}, parent=parent))
    form = ItemForm(within, request.POST, parent=parent)
    if form.is_valid():
        values = form.cleaned_data
        try:
            item = within.add_item(values["code"], values["description"], values["parent"], request.user)
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.sentence)
        else:
            return show_saved(request, item, f"{item} was added.")
    return item_page(request, form, status=422)


@require_http_methods(["GET", "POST"])
@admin
def edit_item(request: MemberRequest, segment: str, item_id: int) -> HttpResponse:
    item = item_or_none(segment_of(request, segment), item_id)
    if item is None:
        raise Http404("There is no such code.")
    if request.method == "GET":
        return item_page(request, form_of(item), item)
    form = form_of(item, request.POST)
    if not form.is_valid():
        return item_page(request, form, item, status=422)
    values = form.cleaned_data
    try:
        changed = item.change(
            values["code"], values["description"], values["parent"], values["version"] or 0, request.user
        )
    except Refused as refusal:
        form.add_error(refusal.field or None, refusal.sentence)
        return item_page(request, form, item, status=422)
    except Conflict as conflict:
        return show_conflict(request, form, conflict.newer)
    return show_saved(request, changed, f"{changed} was saved.")


@require_GET
@admin
def check_item(request: MemberRequest, segment: str) -> HttpResponse:
    """What the company's ERPs would refuse about what stands in the form, while it is typed."""
    within = segment_of(request, segment)
    item = item_or_none(within, number(request.GET.get("item")))
    return render(request, "wbs/_item_warnings.html", {"warnings": warnings_of(within, request.GET, item)})


def warnings_of(segment: Segment, typed: Mapping[str, str], item: SegmentItem | None) -> list[str]:
    """Of what stands in the form; a field that is fixed is not sent along."""
    if item and "code" not in typed:
        code, parent = item.code, item.parent
    else:
        code, parent = typed.get("code", ""), item_or_none(segment, number(typed.get("parent")))
    description = typed.get("description", item.description if item else "")
    return warn_of_typed(segment, code, description, parent, item)


def item_or_none(segment: Segment, pk: int | None) -> SegmentItem | None:
    item = segment.items.select_related("parent").filter(pk=pk).first() if pk else None
    if item:
        item.segment = segment
    return item


def form_of(item: SegmentItem, data: Any = None) -> ItemForm:
    initial = {"code": item.code, "description": item.description, "parent": item.parent, "version": item.version}
    form = ItemForm(item.segment, data, initial=initial, parent=item.parent)
    form.fix(*(name for name in fixed_fields(item) if data is None or name not in data))
    return form


def fixed_fields(item: SegmentItem) -> tuple[str, ...]:
    if item.lock_state() == Hold.Lock.ALL:
        return "code", "parent", "description"
    return ("code", "parent") if item.why_code_is_fixed() else ()


def item_page(
    request: MemberRequest, form: ItemForm, item: SegmentItem | None = None, status: int = 200
) -> HttpResponse:
    """The form, in the dialog or as a page of its own. A page answers 200: browsers log other statuses."""
    context: dict[str, Any] = {"form": form, "segment": form.segment, "item": item}
    if form.is_bound or item:
        context["warnings"] = warnings_of(form.segment, form.data, item)
    if item:
        context |= {"why_fixed": item.why_code_is_fixed(), **usage_of(item)}
    if request.htmx:
        return render(request, "wbs/_item_form.html", context, status=status)
    return render(request, "wbs/item.html", context)


def usage_of(item: SegmentItem) -> dict[str, Any]:
    """What "Where used" shows: connections, projects, codes below it."""
    holds = item.holds.select_related("connection").defer("connection__credentials").order_by("connection__name")
    shown = {"item": item, "segment": item.segment, "holds": holds, "below": item.below().count()}
    return shown | projects_of(item)


def show_conflict(request: MemberRequest, form: ItemForm, newer: SegmentItem | None) -> HttpResponse:
    """What was typed stays; saving again replaces the newer row, which is shown."""
    if newer is None:
        form.add_error(None, "Someone else deleted this code meanwhile. To keep what you typed, add it anew.")
        return item_page(request, form, status=409)
    form.add_error(
        None,
        f"Someone else changed this code meanwhile: it is now {newer} “{newer.description}”. "
        "Save again to put what you typed in its place.",
    )
    form.take_version(newer.version)
    return item_page(request, form, newer, status=409)


def show_saved(request: MemberRequest, item: SegmentItem, message: str) -> HttpResponse:
    """The page of the tree that shows the item: in place of the old one, or by a redirect."""
    segment, warnings = item.segment, warn_of_item(item)
    if not request.htmx:
        messages.success(request, message)
        for sentence in warnings:
            messages.warning(request, sentence)
        address = reverse("wbs:codes", args=[request.member.company.slug, segment.slug])
        return redirect(f"{address}?page={Tree(segment).page_of(item)}#item-{item.pk}")
    tree = Tree(
        segment,
        search=request.POST.get("q", "").strip(),
        size=page_size(request.POST.get("rows")),
        ticked=ticked_ids(request),
        folding=Folding.read(request.POST),
        problems={item.pk: (str(item), " ".join(warnings))} if warnings else {},
    )
    tree.reveal(item)
    response = retarget(render(request, "wbs/_saved.html", {"tree": tree, "saved": item}), "#codes")
    trigger_client_event(response, "say", {"value": message})
    return trigger_client_event(response, "close-dialog")


@require_POST
@admin
def change_items(request: MemberRequest, segment: str) -> HttpResponse:
    """What the buttons "Deactivate", "Reactivate" and "Delete" do with the ticked codes."""
    within = segment_of(request, segment)
    ids = meant_ids(request, within)
    match request.POST.get("action"):
        case "deactivate":
            done, outcome = "deactivated", within.set_active(ids, False, request.user)
        case "reactivate":
            done, outcome = "reactivated", within.set_active(ids, True, request.user)
        case "delete":
            done, outcome = "deleted", within.delete_items(ids, request.user)
        case _:
            return HttpResponseBadRequest("There is no such action.")
    if "matching" not in request.POST and not ticked_ids(request):
        messages.warning(request, "Tick the codes first.")
    elif outcome.changed or not outcome.refused:
        messages.success(request, f"{codes_were(outcome.changed)} {done}.")
    if outcome.refused:
        told = "the reason stands beside each"
        if outcome.refused_count > len(outcome.refused):
            told = f"the reason stands beside each of the first {len(outcome.refused)}"
        messages.error(request, f"{codes_were(outcome.refused_count)} not {done}; {told}.")
        request.session["send_problems"] = [[item.pk, str(item), why] for item, why in outcome.refused]
    return back_to_tree(request, segment)


def ticked_ids(request: MemberRequest) -> frozenset[int]:
    return frozenset(filter(None, map(number, request.POST.getlist("item"))))


def meant_ids(request: MemberRequest, segment: Segment) -> Ids:
    """The ticked codes; or all that match the search, without those that came after the page was read."""
    if "matching" not in request.POST:
        return ticked_ids(request)
    newest = number(request.POST.get("newest"))
    return segment.items.matching(request.POST.get("q", "").strip()).filter(pk__lte=newest).order_by().values("pk")


def codes_were(count: int) -> str:
    """ "1 code was", "12 codes were"."""
    return f"{counted(count, 'code')} {'was' if count == 1 else 'were'}"


def back_to_tree(request: MemberRequest, segment: str = "cost-codes") -> HttpResponseRedirect:
    """To the page of the tree from which the form was sent."""
    kept = {name: request.POST[name] for name in ("q", "page", "after", "rows", "fold", "at") if request.POST.get(name)}
    address = reverse("wbs:codes", args=[request.member.company.slug, segment])
    return HttpResponseRedirect(f"{address}?{urlencode(kept)}" if kept else address)
