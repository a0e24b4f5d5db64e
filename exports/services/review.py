"""What the approver does: set accounts, export, reject, undo, cancel, retry. Each call is one click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, TextField, Value, When
from django.db.models.functions import Concat, Now

from companies import audit, mail
from companies.models import Member
from core.bulk import listed
from erp_integrations.base import ACCOUNT_FIELDS
from erp_integrations.models import Connection
from exports.defaults import Defaults, of_item_or
from exports.models import (
    ACCOUNTS,
    ASSIGNABLE,
    REJECTABLE,
    RETRYABLE,
    Batch,
    Cause,
    CodeExport,
    CodeExportQuerySet,
    Status,
    account_words,
    fits,
    picked_of,
    source_of,
)
from exports.services.clicks import TRIES_ANEW, click, lock_items, move, parts
from exports.services.results import INHERIT, KEEP, Result, Selection
from exports.services.selection import count_left, is_own, offered, rows_of, selected
from exports.services.update import cancel_updates, why_updates_stay
from wbs.models import Hold, SegmentItem


def assign_accounts(
    member: Member, connection: Connection, selection: Selection, income: object, expense: object
) -> Result:
    """Set accounts of many READY or FAILED codes: KEEP, INHERIT, an account's id, or None (expense only: none).

    Raises Invalid for an account that the list does not offer.
    """
    able = connection.capabilities
    expense_kinds = able.expense_kinds if able.has_expense_account else frozenset()
    chosen = {
        "income_account": offered(connection, income, able.income_kinds),
        "expense_account": None if expense is None else offered(connection, expense, expense_kinds),
    }
    chosen = {field: account for field, account in chosen.items() if account is not KEEP}
    if not chosen:
        return Result(None, 0)
    with click(member, connection, Batch.Kind.ASSIGN) as batch:
        values, words = _chosen(connection, chosen)
        new = Concat(Value("Income: "), words["income_account"], Value("; Expense: "), words["expense_account"])
        event: dict[str, Any] = {"kind": "export", "label": "code", "old": ACCOUNTS, "new": new, "batch_id": batch.pk}
        for part in parts(selected(member, connection, selection, ASSIGNABLE), batch):
            rows = _locked(part)
            audit.record_each(rows, member.user_id, "export.assigned", **event)
            back = rows.filter(status=Status.READY).exclude(message="")  # it says why they came back: dealt with
            Hold.objects.filter(connection=connection, item__in=back.values("item")).update(note="")
            batch.count += rows.update(**_mark(batch), **values)
    return _result(batch, count_left(member, batch, selection, ASSIGNABLE))


def queue_codes(member: Member, connection: Connection, selection: Selection) -> Result:
    """Accept the READY codes of the selection. The caller wakes the connection after commit."""
    rows = selected(member, connection, selection, [Status.READY]).filter(
        ~is_own(member), fits(connection.capabilities)
    )
    with click(member, connection, Batch.Kind.EXPORT) as batch:
        move(rows, Status.QUEUED, batch, "export.queued", export_batch=batch, **TRIES_ANEW)
    return _result(batch, count_left(member, batch, selection, [Status.READY], accepting=True))


def reject_codes(member: Member, connection: Connection, selection: Selection) -> Result:
    """Give the codes of the selection back to the WBS; what is being sent stays and is counted."""
    with click(member, connection, Batch.Kind.REJECT) as batch:
        rows = selected(member, connection, selection, REJECTABLE).filter(before_update__isnull=True)
        move(rows, Status.REJECTED, batch, "export.rejected", cause=Cause.REJECTED)
    return _result(batch, count_left(member, batch, selection, REJECTABLE))


def undo_rejection(member: Member, batch: Batch) -> Result:
    """Put each code of a rejection back where it was, as long as nothing happened to it since."""
    unedited = SegmentItem.objects.filter(pk=OuterRef("item"), version=OuterRef("item_version"), is_active=True)
    rows = rows_of(member, batch.connection).filter(Exists(unedited), batch=batch, status=Status.REJECTED)
    with click(member, batch.connection, Batch.Kind.UNDO) as undo:
        lock_items(SegmentItem.objects.filter(exports__batch=batch))
        if Batch.objects.filter(pk=batch.pk, kind=Batch.Kind.REJECT, undone_at=None).update(undone_at=Now()):
            mail.withdraw(batch.company_id, batch.pk)
            ready = rows.filter(previous_status__in=(Status.READY, Status.QUEUED))
            move(ready, Status.READY, undo, "export.undone")
            for status in RETRYABLE:
                before = rows.filter(previous_status=status)
                move(before, status, undo, "export.undone", message=F("previous_message"))
    return Result(undo if undo.count else None, undo.count, changed=batch.count - undo.count)


def set_reason(member: Member, batch: Batch, reason: str) -> None:
    """Tell the sender why: the reason of a rejection, on the batch and its codes."""
    with transaction.atomic():
        mine = Batch.objects.filter(pk=batch.pk, company=member.company_id)
        mine.exclude(reason=reason).update(reason=reason, mailed_at=None)  # also one that comes late is mailed
        rejected = rows_of(member, batch.connection).filter(batch=batch, status=Status.REJECTED)
        rejected.update(message=reason, version=F("version") + 1, changed_at=Now(), changed_by=member.user_id)
        Hold.objects.filter(connection=batch.connection_id, item__in=rejected.values("item")).update(note=reason)
        audit.record_each(
            rejected, member.user_id, "export.reason", kind="export", label="code", new=reason, batch_id=batch.pk
        )
    batch.reason = reason


def cancel_codes(member: Member, connection: Connection, ids: Sequence[int]) -> Result:
    """Take QUEUED codes back to READY, and updates that did not reach the ERP back to Success."""
    with click(member, connection, Batch.Kind.CANCEL) as batch:
        rows = rows_of(member, connection).filter(pk__in=ids)
        move(rows.filter(status=Status.QUEUED, before_update__isnull=True), Status.READY, batch, "export.cancelled")
        cancel_updates(rows, batch)
    left = count_left(member, batch, Selection.of(ids), [Status.QUEUED])
    return _result(batch, {**left, "problems": why_updates_stay(rows)})


def retry_codes(member: Member, connection: Connection, ids: Sequence[int]) -> Result:
    """Queue FAILED and ATTENTION codes again; the ERP is asked first about the latter. The caller wakes."""
    rows = rows_of(member, connection).filter(pk__in=ids, status__in=RETRYABLE)
    asked = Q(
        status=Status.ATTENTION, before_update__isnull=False
    )  # how an update came out is asked, whatever its accounts
    rows = rows.filter(~is_own(member), fits(connection.capabilities) | asked)
    ask_first = Case(When(status=Status.ATTENTION, then=Value(True)), default=F("ask_first"))
    with click(member, connection, Batch.Kind.RETRY) as batch:
        move(rows, Status.QUEUED, batch, "export.retried", export_batch=batch, ask_first=ask_first, **TRIES_ANEW)
    return _result(batch, count_left(member, batch, Selection.of(ids), RETRYABLE, accepting=True))


def _locked(rows: CodeExportQuerySet) -> CodeExportQuerySet:
    """These rows, which nobody changes before the transaction ends: so the audit can tell what they were before."""
    ids = rows.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True)
    return CodeExport.objects.filter(pk__in=listed(list(ids)))


def _mark(batch: Batch) -> dict[str, Any]:
    """What setting accounts does to a row besides."""
    message = Case(When(status=Status.READY, then=Value("", TextField())), default=F("message"))
    own = {"batch": batch, "changed_by": batch.actor_id}
    return {**own, "message": message, "version": F("version") + 1, "changed_at": Now()}


def _chosen(connection: Connection, chosen: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the rows get, as values of an UPDATE and as ACCOUNTS reads after it. Without a default they keep theirs."""
    values: dict[str, Any] = {}
    words: dict[str, Any] = {field: account_words(field) for field in ACCOUNT_FIELDS}
    defaults = Defaults(connection) if INHERIT in chosen.values() else None
    for field, account in chosen.items():
        if account is not INHERIT:
            values[field], words[field] = account, Value(str(account or "none"))
            values[source_of(field)], values[picked_of(field)] = "", account.identity if account else ""
        elif defaults and (inherited := defaults.inherited(field)):
            values[field] = of_item_or(inherited.account, F(f"{field}_id"))
            words[field] = of_item_or(inherited.words, words[field])
            values[source_of(field)] = of_item_or(inherited.source, F(source_of(field)))
            values[picked_of(field)] = of_item_or(inherited.picked, F(picked_of(field)))
    return values, words


def _result(batch: Batch, left: dict[str, Any]) -> Result:
    return Result(batch if batch.count else None, batch.count, **left)
