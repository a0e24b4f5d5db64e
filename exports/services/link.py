"""Link instead of create: a code takes an item that the ERP has already; and unlink, which gives it free again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Case, F, JSONField, Q, TextField, Value, When
from django.db.models.functions import Now

from companies import audit
from companies.models import Member
from core.bulk import storable
from erp_integrations.base import Receipt
from erp_integrations.errors import ERPError
from erp_integrations.models import Connection
from exports.models import LINKABLE, Batch, Cause, CodeExport, Status
from exports.queue.asking import Inquiry
from exports.queue.decisions import GONE, confirmed
from exports.queue.ownership import why_anothers, why_anothers_of
from exports.services.clicks import TRIES_ANEW, click, move
from exports.services.results import Problem, Result
from exports.services.selection import is_own, rows_of

GONE_FROM_LIST = "The ERP no longer has the item that you saw as {code}. Compare with the ERP again."
TOO_SLOW = "The ERP was too slow to tell. Link it again."
INACTIVE_ITEM = "The item in the ERP is inactive. Make it active there, then link it."
TAKEN = "The item in the ERP belongs to {code} already."
ANOTHERS = (
    "The item in the ERP looks like another's. {claim} If it is the right one, confirm that on the page of the code; "
    "if you are not asked there, export or retry the code first."
)


def link_codes(
    member: Member,
    connection: Connection,
    seen: Mapping[int, str],
    despite: Mapping[int, str] | None = None,
) -> Result:
    """Take the ERP's items (by remote id, as someone saw them) for these codes, after reading them again.

    A worker's work, since it calls the ERP, `batch_size` codes at a time. Codes that are under way, or moved since,
    stay and are counted. So does one whose item looks like another's, unless `despite` holds just what makes it look
    so, as the person confirmed it.
    """
    rows = list(CodeExport.objects.for_adapter().filter(rows_in_reach(member, connection), pk__in=seen))
    versions = dict(rows_of(member, connection).filter(pk__in=seen).values_list("pk", "version"))
    held, problems = _read_again(connection, rows, seen)
    with click(member, connection, Batch.Kind.LINK) as batch:
        for row in _taken(connection, rows, held, problems):
            del held[row.pk]
        links = [(row, held[row.pk]) for row in rows if row.pk in held]
        anothers = {
            row.pk: claim for (row, _), claim in zip(links, why_anothers(connection, links), strict=True) if claim
        }
        for row in _unconfirmed(rows, anothers, despite or {}, problems):
            del held[row.pk]
        if held:
            guard = reduce(or_, (Q(pk=pk, version=versions[pk]) for pk in held))
            mine = CodeExport.objects.filter(rows_in_reach(member, connection), guard, ~is_own(member))
            message = _told({pk: confirmed(anothers.get(pk, "")) for pk in held})
            changes = {"ask_first": False, "drift": "", "erp_values": None, **_each(held)}
            move(mine, Status.SUCCESS, batch, "export.linked", message, **changes)
    left = len(seen) - batch.count - len(problems)
    own = rows_of(member, connection).filter(is_own(member), pk__in=seen, status__in=LINKABLE).count()
    return Result(batch if batch.count else None, batch.count, changed=max(0, left - own), own=own, problems=problems)


def obstacle_to_link(export: CodeExport) -> str:
    """Why the item that its answer spoke of cannot be linked as it was then."""
    receipt = export.receipt or {}
    return receipt.get("obstacle") or ("" if receipt.get("is_active", True) else INACTIVE_ITEM)


def link_at_next_call(member: Member, export: CodeExport, remote_id: str, despite: str = "") -> Result:
    """Link a code that needs review to the item that its answer spoke of, when its ERP's connector calls.

    `despite`: what makes the item look like another's, as the person confirmed it.
    """
    if why := obstacle_to_link(export):
        return Result(None, 0, problems=[Problem(export.code, why, export.pk)])
    if (export.receipt or {}).get("remote_id") != remote_id:
        return Result(None, 0, problems=[Problem(export.code, GONE.format(code=export.code), export.pk)])
    return _link_later(member, export, remote_id, despite)


def _link_later(member: Member, export: CodeExport, remote_id: str, despite: str) -> Result:
    """ATTENTION -> QUEUED, to be asked about; found again, and no more another's than was confirmed, it is Success."""
    with click(member, export.connection, Batch.Kind.LINK) as batch:
        claim = why_anothers_of(export)
        ask = {**TRIES_ANEW, "ask_first": True, "link_to": remote_id, "link_despite": claim}
        others = CodeExport.objects.filter(connection=export.connection, remote_id=remote_id)
        other = others.exclude(pk=export.pk).first()
        if other is None and claim in ("", despite):
            rows = rows_of(member, export.connection).filter(~is_own(member), pk=export.pk, version=export.version)
            rows = rows.filter(status=Status.ATTENTION)
            move(rows, Status.QUEUED, batch, "export.linked", confirmed(claim), export_batch=batch, **ask)
    if other:
        return Result(None, 0, problems=[Problem(export.code, TAKEN.format(code=other.code), export.pk)])
    if claim not in ("", despite):
        return Result(None, 0, problems=[Problem(export.code, ANOTHERS.format(claim=claim), export.pk)])
    return Result(batch if batch.count else None, batch.count, changed=1 - batch.count)


def unlink_code(member: Member, export: CodeExport, reason: str) -> Result:
    """Give a synced code back to the WBS; the ERP keeps its item. When it is sent again, the ERP is asked first."""
    message = f"Unlinked by {member.user.get_full_name() or member.user.get_username()}: {reason}"
    with click(member, export.connection, Batch.Kind.UNLINK, reason) as batch:
        rows = rows_of(member, export.connection).filter(pk=export.pk, version=export.version, status=Status.SUCCESS)
        gone = {"remote_id": None, "receipt": None, "drift": "", "erp_values": None, "detail": ""}
        move(rows, Status.REJECTED, batch, "export.unlinked", message, cause=Cause.UNLINKED, **gone)
    return Result(batch if batch.count else None, batch.count, changed=1 - batch.count)


def accept_change(member: Member, export: CodeExport, despite: str = "") -> Result:
    """Take what the ERP holds by now as the new state of things, unless the row, or the ERP's item, moved on since.

    `despite`: what makes the item look like another's by now, as the person confirmed it.
    """
    with transaction.atomic():
        rows = rows_of(member, export.connection).filter(pk=export.pk, erp_values__isnull=False, status=Status.SUCCESS)
        seen = rows.select_for_update().values_list("receipt", "erp_values").first()
        if seen is None or seen[1] != export.erp_values:
            return Result(None, 0, changed=1)
        if (claim := why_anothers_of(export)) not in ("", despite):
            return Result(None, 0, problems=[Problem(export.code, ANOTHERS.format(claim=claim), export.pk)])
        rows.update(receipt=F("erp_values"), erp_values=None, drift="", version=F("version") + 1, changed_at=Now())
        old, new = (_spoken(receipt) for receipt in seen)
        audit.record_each(
            rows.model.objects.filter(pk=export.pk),
            member.user_id,
            "export.change_accepted",
            kind="export",
            label="code",
            old=old,
            new=f"{new}. {confirmed(claim)}" if claim else new,
        )
    return Result(None, 1)


def _spoken(receipt: dict[str, Any] | None) -> str:
    return f"{receipt['code']} {receipt['description'] or ''}".strip() if receipt else ""


def rows_in_reach(member: Member, connection: Connection) -> Q:
    return Q(company=member.company_id, connection=connection, status__in=LINKABLE, before_update__isnull=True)


def _read_again(
    connection: Connection, rows: list[CodeExport], seen: Mapping[int, str]
) -> tuple[dict[int, Receipt], list[Problem]]:
    """What the ERP holds now under the codes of the items that were seen, by export; what is wrong with the others."""
    names = dict(connection.remote_items.filter(remote_id__in=seen.values()).values_list("remote_id", "code"))
    codes = [replace(row.as_data(), code=names.get(seen[row.pk]) or row.code) for row in rows]
    receipts: dict[str, Receipt] = {}
    answered: set[str] = set()
    wrong: dict[str, ERPError] = {}
    size, error = connection.capabilities.batch_size, None
    for start in range(0, len(codes), size):
        if error is None:  # an ERP that is down would only say it again
            inquiry = Inquiry.make(connection, codes[start : start + size])
            receipts, answered, wrong = receipts | inquiry.receipts, answered | inquiry.answered, wrong | inquiry.errors
            error = inquiry.error
    held: dict[int, Receipt] = {}
    problems: list[Problem] = []
    for row in rows:
        receipt, failed = receipts.get(row.reference), wrong.get(row.reference, error)
        if row.reference not in answered:
            problems.append(Problem(row.code, failed.message if failed else TOO_SLOW, row.pk))
        elif why := _why_not(row, receipt, seen[row.pk]):
            problems.append(Problem(row.code, why, row.pk))
        elif receipt:
            held[row.pk] = receipt
    return held, problems


def _why_not(row: CodeExport, receipt: Receipt | None, remote_id: str) -> str:
    if receipt is None or receipt.remote_id != remote_id:
        return (GONE if row.status == Status.ATTENTION else GONE_FROM_LIST).format(code=row.code)
    return receipt.obstacle or ("" if receipt.is_active else INACTIVE_ITEM)


def _taken(
    connection: Connection, rows: list[CodeExport], held: Mapping[int, Receipt], problems: list[Problem]
) -> list[CodeExport]:
    """Rows whose item belongs to another code already, or was chosen for two."""
    ids = [receipt.remote_id for receipt in held.values()]
    holders = CodeExport.objects.filter(connection=connection, remote_id__in=ids).values_list("remote_id", "pk", "code")
    owners = {remote_id: (pk, code) for remote_id, pk, code in holders}
    taken = []
    for row in rows:
        if row.pk not in held:
            continue
        owner, code = owners.setdefault(held[row.pk].remote_id, (row.pk, row.code))
        if owner != row.pk:
            taken.append(row)
            problems.append(Problem(row.code, TAKEN.format(code=code), row.pk))
    return taken


def _unconfirmed(
    rows: list[CodeExport], anothers: Mapping[int, str], despite: Mapping[int, str], problems: list[Problem]
) -> list[CodeExport]:
    """Rows whose item looks like another's, and nobody confirmed just that."""
    left = [row for row in rows if row.pk in anothers and anothers[row.pk] != despite.get(row.pk)]
    for row in left:
        problems.append(Problem(row.code, ANOTHERS.format(claim=anothers[row.pk]), row.pk))
    return left


def _told(messages: Mapping[int, str]) -> Any:
    """What the audit trail is told of each row: mostly nothing."""
    told = [When(pk=pk, then=Value(message)) for pk, message in messages.items() if message]
    return Case(*told, default=Value(""), output_field=TextField()) if told else ""


def _each(held: Mapping[int, Receipt]) -> dict[str, Any]:
    """What each row holds afterwards, as expressions of one UPDATE."""

    def case(values: Mapping[int, Any], kind: Any) -> Case:
        return Case(*(When(pk=pk, then=Value(value, kind)) for pk, value in values.items()), output_field=kind)

    return {
        "remote_id": case({pk: receipt.remote_id for pk, receipt in held.items()}, TextField()),
        "receipt": case({pk: dict(vars(receipt)) for pk, receipt in held.items()}, JSONField()),
        "detail": case({pk: storable(receipt.detail) for pk, receipt in held.items()}, TextField()),
    }
