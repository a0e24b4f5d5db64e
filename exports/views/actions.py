"""What the approver's clicks do: one service call each, then the answer."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from companies.access import MemberRequest, approver
from core.numbers import counted
from erp_integrations import questions
from erp_integrations.models import Connection, Question
from exports import queue, services
from exports.forms import read_bulk_account, read_ids, read_selection
from exports.models import FILTERS, RETRYABLE, Batch, Invalid
from exports.pages import words
from exports.pages.accounts import Choices
from exports.pages.listing import Listing
from exports.services import Result, Selection
from exports.views.responses import Banner, answer, connection_of, list_url

NONE_TICKED = Banner("error", "Tick the cost codes first.")


@require_POST
@approver
def export(request: MemberRequest, slug: str) -> HttpResponse:
    connection, selection = connection_of(request, slug), read_selection(request.POST)
    if selection.ids == ():
        return answer(request, connection, NONE_TICKED, status=422)
    result = services.queue_codes(request.member, connection, selection)
    queue.wake([connection.pk])
    went = result.count and not words.stayed(result)  # the progress bar tells it
    banner = Banner("success" if went else "info", words.exported(result), explain=True, quiet=bool(went))
    return answer(request, connection, banner, asked=selection.ids)


@require_POST
@approver
def reject(request: MemberRequest, slug: str) -> HttpResponse:
    connection, selection = connection_of(request, slug), read_selection(request.POST)
    if selection.ids == ():
        return answer(request, connection, NONE_TICKED, status=422)
    result = services.reject_codes(request.member, connection, selection)
    batch = result.batch.pk if result.batch and result.count else None
    place = "the list" if selection.filter == "all" else FILTERS[selection.filter][0]
    return answer(request, connection, Banner("warning", words.rejected(result, place), batch))


@require_POST
@approver
def reject_one(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """From the page of a code, with the reason at once; with "Rename" straight on to its page in the WBS."""
    connection = connection_of(request, slug)
    row, reason = get_object_or_404(connection.code_exports, pk=pk), request.POST.get("reason", "").strip()[:500]
    result = services.reject_codes(request.member, connection, Selection.of([row.pk]))
    if result.batch and reason:
        services.set_reason(request.member, result.batch, reason)
    if "rename" in request.POST and result.count and request.member.can_edit_wbs:
        return redirect("wbs:edit_item", request.member.company.slug, row.item.segment.slug, row.item_id)
    batch = result.batch.pk if result.batch else None
    return answer(request, connection, Banner("warning", words.rejected(result, "review"), batch, reason))


@require_POST
@approver
def set_accounts(request: MemberRequest, slug: str) -> HttpResponse:
    """With the button "Set Accounts" (no JavaScript) the page that asks for them, with "Apply" the deed."""
    connection, selection = connection_of(request, slug), read_selection(request.POST)
    if selection.ids == ():
        return answer(request, connection, NONE_TICKED, status=422)
    if "choose" in request.GET:
        return _ask_for_accounts(request, connection)
    try:
        income = read_bulk_account(request.POST.get("set_income", ""))
        expense = read_bulk_account(request.POST.get("set_expense", ""))
        result = services.assign_accounts(request.member, connection, selection, income, expense)
    except Invalid as invalid:
        return answer(request, connection, Banner("error", invalid.message), status=422)
    return answer(request, connection, Banner("success" if result.count else "info", words.accounts_set(result)))


def _ask_for_accounts(request: MemberRequest, connection: Connection) -> HttpResponse:
    context = {
        "connection": connection,
        "tab": "standard-cost-codes",
        "base": list_url(connection),
        "listing": Listing.read(request.POST),
        "carried": [(name, value) for name in ("seen_at", "all_matching") if (value := request.POST.get(name))],
        "ids": read_ids(request.POST.getlist("export")),
        "choices": Choices.read(connection),
        "has_expense": connection.capabilities.has_expense_account,
    }
    return render(request, "exports/set_accounts.html", context)


@require_POST
@approver
def retry_selected(request: MemberRequest, slug: str) -> HttpResponse:
    connection, selection = connection_of(request, slug), read_selection(request.POST)
    if selection.ids == ():
        return answer(request, connection, NONE_TICKED, status=422)
    ids = selection.ids
    if ids is None:
        found = Listing(selection.filter, selection.search).of(connection).filter(status__in=RETRYABLE)
        ids = tuple(found.values_list("pk", flat=True))
    return _retry(request, connection, ids)


@require_POST
@approver
def retry(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    return _retry(request, connection, (get_object_or_404(connection.code_exports, pk=pk).pk,))


def _retry(request: MemberRequest, connection: Connection, ids: tuple[int, ...]) -> HttpResponse:
    result = services.retry_codes(request.member, connection, ids)
    queue.wake([connection.pk])
    return answer(request, connection, _told("Retried", result))


@require_POST
@approver
def cancel(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    row = get_object_or_404(connection.code_exports, pk=pk)
    return answer(request, connection, _told("Cancelled", services.cancel_codes(request.member, connection, [row.pk])))


@require_POST
@approver
def link(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    row = get_object_or_404(connection.code_exports, pk=pk)
    remote_id, despite = request.POST.get("remote_id", ""), request.POST.get("despite", "")
    if connection.is_pulled or services.obstacle_to_link(row):
        result = services.link_at_next_call(request.member, row, remote_id, despite)
        return answer(request, connection, _told("Linked", result), touched=Q(pk=pk))
    return answer(request, connection, ask_to_link(request, connection, {pk: remote_id}, {pk: despite}))


def ask_to_link(
    request: MemberRequest, connection: Connection, seen: dict[int, str], despite: dict[int, str]
) -> Banner:
    """Have a worker read the items again and link them; the banner waits for the answer."""
    asked = Question.about(connection, Question.Kind.LINK, request.user, seen=seen, despite=despite)
    return Banner("info", "Asking the ERP.", question=str(questions.ask(asked).guid))


def _told(verb: str, result: Result) -> Banner:
    """What became of one row: the row itself shows it, so the page needs a banner only when something stayed."""
    whole = bool(result.count) and not words.stayed(result) and not result.problems
    return Banner("success" if whole else "error", words.did(verb, result), quiet=whole)


@require_POST
@approver
def reset(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """The accounts that this code inherits, instead of those that someone chose."""
    connection = connection_of(request, slug)
    row = get_object_or_404(connection.code_exports, pk=pk)
    expense = services.INHERIT if connection.capabilities.has_expense_account else services.KEEP
    result = services.assign_accounts(request.member, connection, Selection.of([row.pk]), services.INHERIT, expense)
    return answer(request, connection, _told("Reset", result))


def _rejection(connection: Connection, pk: int) -> Batch:
    return get_object_or_404(connection.batches, pk=pk, kind=Batch.Kind.REJECT)


@require_POST
@approver
def undo(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    result = services.undo_rejection(request.member, _rejection(connection, pk))
    return answer(request, connection, Banner("success" if result.count else "info", words.undone(result)))


@require_POST
@approver
def reason(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """Tell the sender why. The banner stays, so that Undo does."""
    connection = connection_of(request, slug)
    batch, text = _rejection(connection, pk), request.POST.get("reason", "").strip()
    if not text:
        told = Banner("warning", "Type the reason that the sender is told.", pk)
        return answer(request, connection, told, status=422)
    services.set_reason(request.member, batch, text)
    told = Banner("warning", f"Reason saved for {counted(batch.count)}: {text}", pk, text)
    return answer(request, connection, told, touched=Q(batch=batch))
