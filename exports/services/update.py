"""An approved update: the item of a synced code gets the description that the code has in the WBS by now, and accounts.

The row takes the new values when the update is accepted, and keeps the old ones in `before_update` until it is Success
again.
"""

from __future__ import annotations

from typing import Any

from django.db.models import BigIntegerField, Exists, F, IntegerField, OuterRef, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from companies.models import AuditEvent, Member
from erp_integrations.base import CodeData, kinds_of
from erp_integrations.models import Connection, GLAccount
from exports.models import Attempt, Batch, CodeExport, CodeExportQuerySet, Drift, Status, picked_of
from exports.services.clicks import TRIES_ANEW, click, hold_versions, lock_items, move
from exports.services.results import Problem, Result
from exports.services.selection import is_own, offered, rows_of
from wbs.models import SegmentItem

STOPPED = (Status.QUEUED, Status.FAILED, Status.ATTENTION)  # an update that can be cancelled
OWN_WORDS = "You changed it in the WBS. With four eyes someone else accepts the update."
IN_DOUBT = "The update may have reached the ERP. Retry it: the ERP is asked first."
Accounts = dict[str, GLAccount | None]  # by field


def why_not_updated(export: CodeExport) -> str:
    """Why this synced code cannot be updated in the ERP, as a sentence; empty when it can."""
    able = export.connection.capabilities
    if not able.updates_items:
        then = ", then accept the change" if able.lists_items else ""
        return f"{export.connection.adapter_class.label} takes no new values for an item. Change it there{then}."
    if export.drift == Drift.ORPHANED:
        return "The ERP no longer has the item. Unlink the code and send it again."
    if export.erp_values and export.erp_values.get("code") != export.remote_code:
        return "The item has another code in the ERP by now. Accept that change first, or unlink the code."
    return ""


def queue_update(
    member: Member, export: CodeExport, version: int, item_version: int, income_id: int | None, expense_id: int | None
) -> Result:
    """SUCCESS -> QUEUED in a new generation, if code and item still are of the versions that were seen.

    Raises Invalid for an account that the list does not offer. The caller wakes the connection after commit.
    """
    connection = export.connection
    if why := why_not_updated(export):
        return Result(None, 0, problems=[Problem(export.code, why, export.pk)])
    accounts = _chosen(connection, export, income_id, expense_id)
    with click(member, connection, Batch.Kind.UPDATE) as batch:
        lock_items(SegmentItem.objects.filter(pk=export.item_id))
        item = SegmentItem.objects.select_related("segment").get(pk=export.item_id)
        if problems := _problems(member, export, item, accounts):
            return Result(None, 0, problems=problems)
        rows = rows_of(member, connection).filter(pk=export.pk, version=version, status=Status.SUCCESS)
        if (item.version, export.version) == (item_version, version):
            allowed = rows.filter(~is_own(member), *(_is_as_read(*chosen, connection) for chosen in accounts.items()))
            move(
                allowed,
                Status.QUEUED,
                batch,
                "export.update_queued",
                **_with_the_items_values(export, item, accounts, batch),
            )
            hold_versions(batch)
        own = 0 if batch.count else rows.filter(is_own(member)).count()
    return Result(batch if batch.count else None, batch.count, changed=1 - batch.count - own, own=own)


def cancel_updates(rows: CodeExportQuerySet, batch: Batch) -> None:
    """Updates of these rows back to SUCCESS, with the values of before; not those that may have reached the ERP."""
    as_before: dict[str, Any] = {
        "description": KT("before_update__description"),
        "description_key": KT("before_update__description_key"),
        "item_version": Cast(KT("before_update__item_version"), IntegerField()),
        "income_account": Cast(KT("before_update__income_account"), BigIntegerField()),
        "expense_account": Cast(KT("before_update__expense_account"), BigIntegerField()),
        "income_picked": Coalesce(KT("before_update__income_picked"), Value("")),
        "expense_picked": Coalesce(KT("before_update__expense_picked"), Value("")),
        "before_update": None,
        "ask_first": False,
        "detail": "",
    }
    stopped = rows.filter(~_may_have_arrived(), before_update__isnull=False, status__in=STOPPED)
    if move(stopped, Status.SUCCESS, batch, "export.update_cancelled", **as_before):
        hold_versions(batch)


def why_updates_stay(rows: CodeExportQuerySet) -> list[Problem]:
    left = rows.filter(_may_have_arrived(), before_update__isnull=False, status__in=STOPPED)
    return [Problem(code, IN_DOUBT, pk) for pk, code in left.values_list("pk", "code")]


def _may_have_arrived() -> Exists:
    open_ends = ("", Attempt.Outcome.UNCERTAIN)
    return Exists(
        Attempt.objects.filter(export=OuterRef("pk"), generation=OuterRef("generation"), outcome__in=open_ends)
    )


def _chosen(connection: Connection, export: CodeExport, income_id: int | None, expense_id: int | None) -> Accounts:
    able = connection.capabilities
    income = offered(connection, income_id, able.income_kinds)
    if not able.has_expense_account:
        return {"income_account": income, "expense_account": export.expense_account}
    expense = None if expense_id is None else offered(connection, expense_id, able.expense_kinds)
    return {"income_account": income, "expense_account": expense}


def _problems(member: Member, export: CodeExport, item: SegmentItem, accounts: Accounts) -> list[Problem]:
    """What the ERP would refuse, that there is nothing to do, or that it needs someone else's eyes."""
    if item.version != export.item_version and member.company.four_eyes and _wrote(member, item):
        return [Problem(export.code, OWN_WORDS, export.pk)]
    income, expense = (account.remote_id if account else None for account in accounts.values())
    code = CodeData(export.reference, export.remote_code, item.description, item.tiers, income, expense)
    held = export.erp_values or export.receipt or {}
    names = ("description", "income_account", "expense_account")
    if item.version == export.item_version and all(held.get(name) == getattr(code, name) for name in names):
        return [Problem(export.code, "The ERP holds these values already.", export.pk)]
    return [Problem(export.code, sentence, export.pk) for sentence in export.connection.adapter().validate(code)]


def _wrote(member: Member, item: SegmentItem) -> bool:
    """Whether the member was the last to write the item."""
    events = AuditEvent.objects.filter(company=member.company_id, subject="code", subject_id=item.pk)
    last = events.filter(action__in=("code.changed", "code.imported")).order_by("-id").first()
    return last is not None and last.actor_id == member.user_id


def _is_as_read(field: str, account: GLAccount | None, connection: Connection) -> Q:
    """Whether the account may still be chosen and reads as it did a moment ago."""
    if account is None or not (kinds := kinds_of(connection.capabilities, field)):
        return Q()
    return Q(Exists(GLAccount.objects.active().of_kinds(kinds).reading(account.identity).filter(pk=account.pk)))


def _with_the_items_values(export: CodeExport, item: SegmentItem, accounts: Accounts, batch: Batch) -> dict[str, Any]:
    """The columns of a row whose update is accepted: what the item says now, and what to go back to if it fails.

    A value that is None is left out of `before_update`: SQLite would read it back as the word "null".
    """
    before = {
        "description": export.description,
        "description_key": export.description_key,
        "item_version": export.item_version,
        "income_account": export.income_account_id,
        "expense_account": export.expense_account_id,
        "income_picked": export.income_picked,
        "expense_picked": export.expense_picked,
    }
    return {
        "before_update": {name: value for name, value in before.items() if value is not None},
        "description": item.description,
        "description_key": item.description_key,
        "item_version": item.version,
        **accounts,
        **{picked_of(field): account.identity if account else "" for field, account in accounts.items()},
        "income_from": "",
        "expense_from": "",
        "generation": F("generation") + 1,
        "request_key": "",
        "ask_first": False,
        "detail": "",
        "export_batch": batch,
        **TRIES_ANEW,
    }
