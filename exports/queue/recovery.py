"""Codes of which nobody knows whether they arrived: the ERP is asked, never sent to blindly."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Exists, Max, OuterRef, Q
from django.db.models.functions import Now

from core.statements import Given, Rows
from erp_integrations.base import CodeData, Receipt
from erp_integrations.errors import ERPError
from erp_integrations.models import Connection
from exports.models import Attempt, CodeExport, CodeExportQuerySet, Status
from exports.queue.asking import Inquiry
from exports.queue.decisions import INTERRUPTED, NOT_BEGUN, Next, Told, after_asking, given_up, not_begun, pace
from exports.queue.leases import Lease
from exports.queue.ownership import why_anothers
from exports.queue.standing import stands
from exports.queue.transitions import follow, settle

SETTLED = (Attempt.Outcome.FOUND, Attempt.Outcome.ABSENT)


def _in_doubt(connection: Any, token: Any) -> CodeExportQuerySet:
    return CodeExport.objects.filter(
        Q(status=Status.EXPORTING) & ~Q(lease_token=token)
        | Q(status=Status.UNKNOWN, due_at__lte=Now())
        | Q(status=Status.QUEUED, due_at__lte=Now(), ask_first=True),
        connection=connection,
    )


_asked_about = Rows(
    lambda: _in_doubt(Given("connection", BigIntegerField()), Given("token", BigIntegerField())), is_planned_anew=True
)


def are_in_doubt(lease: Lease) -> bool:
    """Whether there are codes that the ERP is to be asked about now.

    Besides UNKNOWN, when its time has come, these are codes that an earlier holder of the lease left in EXPORTING, and
    queued ones that are to be asked about first.
    """
    return _asked_about.exist(connection=lease.connection.pk, token=lease.token)


def codes_in_doubt(lease: Lease) -> list[CodeExport]:
    """A portion of them, now in UNKNOWN; in the transaction that took the lease."""
    if not are_in_doubt(lease):  # nearly always: asking just that is much cheaper
        return []
    set_free(lease)
    still = ~Q(status=Status.QUEUED) | stands(lease.connection)
    doubtful = _in_doubt(lease.connection, lease.token).filter(still)
    return give_up(lease, doubtful.for_adapter()[: lease.portion_size])


def set_free(lease: Lease) -> None:
    """EXPORTING -> QUEUED: what an earlier holder claimed and never sent. Nobody has to be asked about it."""
    waits = Attempt.objects.filter(
        export=OuterRef("pk"), lease_token=OuterRef("lease_token"), began_at=None, ended_at=None
    )
    rows = CodeExport.objects.filter(Exists(waits), connection=lease.connection, status=Status.EXPORTING)
    free(rows.exclude(lease_token=lease.token).for_adapter())


def free(rows: Iterable[CodeExport]) -> None:
    """Codes that were claimed, and whose calls have not begun, are queued again; in the transaction that holds the
    lease."""
    decided = [(row, not_begun(row)) for row in rows]
    told = {"try_outcome": Attempt.Outcome.NOT_SENT, "try_message": NOT_BEGUN, "try_detail": ""}
    follow(decided, [{"try_token": row.lease_token, **told} for row, _ in decided])


def give_up(lease: Lease, rows: Iterable[CodeExport]) -> list[CodeExport]:
    """EXPORTING (of a holder that is gone), QUEUED (to be asked about first) -> UNKNOWN; all rows as they are then."""
    rows = list(rows)
    new = [row for row in rows if row.status != Status.UNKNOWN]
    if not new:
        return rows
    with transaction.atomic():
        lease.hold()
        now = lease.now()
        unknown = follow([(row, given_up(row, now)) for row in new])
        sent = [row.pk for row in new if row.status == Status.EXPORTING]
        Attempt.objects.filter(export__in=sent, ended_at=None).update(
            ended_at=Now(), outcome=Attempt.Outcome.UNCERTAIN, message=INTERRUPTED
        )
    return [row for row in rows if row.status == Status.UNKNOWN] + unknown


def ask(lease: Lease, rows: list[CodeExport]) -> None:
    """Ask the ERP what it holds of these codes in UNKNOWN, store what follows, and give the lease back."""
    lease.check_time()
    asked_at = Connection.objects.filter(pk=lease.connection.pk).clock()  # held against when attempts ended: as exact
    codes = {row.reference: row.as_data() for row in rows}
    inquiry = Inquiry.make(lease.connection, list(codes.values()), lease.before_call)
    told = inquiry.answered | inquiry.errors.keys()
    with transaction.atomic():
        lease.end(inquiry.error)
        asked = [(row, codes[row.reference]) for row in rows if row.reference in told]
        resolve(lease, asked, inquiry.receipts, inquiry.errors, asked_at)


def resolve(
    lease: Lease,
    asked: Collection[tuple[CodeExport, CodeData]],
    receipts: Mapping[str, Receipt],
    errors: Mapping[str, ERPError],
    asked_at: datetime,
) -> list[CodeExport]:
    """Give codes in UNKNOWN what follows from what the ERP told of them, and return the rows as they are then.

    In the transaction that holds the lease. Both by reference: `errors` are those of codes about which it told nothing.
    """
    rows = [row for row, _ in asked]
    settled_at = _settle_times(rows, lease)
    links = [(row, receipts[row.reference]) for row in rows if row.link_to and row.reference in receipts]
    anothers = {row.pk: claim for (row, _), claim in zip(links, why_anothers(lease.connection, links), strict=True)}
    now, how, decided = lease.now(), pace(), []
    for row, code in asked:
        told = Told(
            receipts.get(row.reference),
            asked_at,
            settled_at.get(row.pk, asked_at),
            lease.token,
            anothers.get(row.pk, ""),
            errors.get(row.reference),
        )
        decided.append((row, after_asking(row, code, told, how, now)))
    settled = settle(decided)
    for outcome in SETTLED:
        known = [new.pk for (_, then), new in zip(decided, settled, strict=True) if _came_to(then, new) == outcome]
        if known:
            uncertain = Attempt.objects.filter(export__in=known, outcome=Attempt.Outcome.UNCERTAIN)
            uncertain.update(outcome=outcome)
    return settled


def _came_to(then: Next, row: CodeExport) -> Attempt.Outcome | None:
    """What the try in doubt came to; not known, if its item turned out to be another code's."""
    return then.attempt if row.status == then.status else None


def _settle_times(rows: list[CodeExport], lease: Lease) -> dict[int, datetime]:
    """By id of the row, the moment from which on "the ERP does not have it" is believed.

    Until then the ERP may still be busy with the last attempt, whose answer was lost. Rows without one have none.
    """
    told = settings.EXPORT_SETTLE_S
    settle_s = told if told >= 0 else lease.connection.capabilities.settle_s
    ended = Attempt.objects.filter(export__in=rows).order_by().values_list("export_id").annotate(Max("ended_at"))
    return {export_id: ended_at + timedelta(seconds=settle_s) for export_id, ended_at in ended if ended_at}
