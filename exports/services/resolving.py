"""Codes of which nobody knows whether they arrived: the ERP is asked, never sent to blindly."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from companies.each import update_each
from erp_integrations.base import CodeData, Receipt
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UnsupportedFeature
from erp_integrations.models import Connection
from exports.models import Attempt, CodeExport, CodeExportQuerySet, Status
from exports.services import outcomes
from exports.services.asking import Inquiry
from exports.services.claims import claims_of, confirmed
from exports.services.leases import Lease
from exports.services.moves import move_claimed
from exports.services.standing import stands

INTERRUPTED = "The export was interrupted."
GONE = "The ERP no longer has the item that you saw as {code}. Retry the code."
ITEM_GONE = "The ERP no longer has the item of {code}. Keep the code as it is, then unlink it."
INACTIVE = "Make it active there or rename the code, then retry."
DOWN_TRIES = 10  # times EXPORT_MAX_TRIES: so often an ERP that is down is asked, which is for ten hours
LONGEST_WAIT_TRIES = 6  # from then on it is asked every eight minutes
FIELDS = (
    *outcomes.UPDATED,
    "detail",
    "remote_id",
    "receipt",
    "tries",
    "waits",
    "doubts",
    "look_first",
    "link_to",
    "link_despite",
    "due_at",
    "absent_token",
)


def in_doubt(lease: Lease) -> CodeExportQuerySet:
    """Codes that the ERP is to be asked about now.

    Besides UNKNOWN, when its time has come, these are codes that an earlier holder of the lease left in SENDING, and
    queued ones that are to be asked about first.
    """
    return CodeExport.objects.filter(
        Q(status=Status.SENDING) & ~Q(lease_token=lease.token)
        | Q(status=Status.UNKNOWN, due_at__lte=Now())
        | Q(status=Status.QUEUED, due_at__lte=Now(), look_first=True),
        connection=lease.connection,
    )


def codes_in_doubt(lease: Lease) -> list[CodeExport]:
    """A portion of them, now in UNKNOWN; in the transaction that took the lease."""
    doubtful = in_doubt(lease)
    if not doubtful.exists():  # nearly always: asking just that is much cheaper
        return []
    still = ~Q(status=Status.QUEUED) | stands(lease.connection)
    found = list(doubtful.filter(still).for_adapter()[: lease.portion_size])
    give_up(lease, found)
    return found


def give_up(lease: Lease, rows: Collection[CodeExport]) -> None:
    """SENDING (of a holder that is gone) and QUEUED (to be asked about first) -> UNKNOWN."""
    left = [row for row in rows if row.status == Status.SENDING]
    queued = [row for row in rows if row.status == Status.QUEUED]
    if not left and not queued:
        return
    with transaction.atomic():
        lease.hold()
        now = lease.now()
        for row in left:
            outcomes.in_doubt(row, INTERRUPTED, "", now)
        for row in queued:
            row.status, row.message, row.tries, row.due_at = Status.UNKNOWN, "", 0, now
        move_claimed(left, FIELDS, was=Status.SENDING)
        move_claimed(queued, FIELDS, was=Status.QUEUED)
        Attempt.objects.filter(export__in=left, ended_at=None).update(
            ended_at=Now(), outcome=Attempt.Outcome.UNCERTAIN, message=INTERRUPTED
        )


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
) -> None:
    """What follows for codes in UNKNOWN from what the ERP told of them, in the transaction that holds the lease.

    Both by reference: `errors` are those of codes about which it told nothing.
    """
    rows = [row for row, _ in asked]
    settled_at = _settle_times(rows, lease)
    links = [(row, receipts[row.reference]) for row in rows if row.link_to and row.reference in receipts]
    anothers = {row.pk: claim for (row, _), claim in zip(links, claims_of(lease.connection, links), strict=True)}
    for row, code in asked:
        if error := errors.get(row.reference):
            _not_answered(row, error, lease.now())
        elif row.is_update:
            _updated(row, code, receipts.get(row.reference), settled_at.get(row.pk, asked_at), asked_at)
        elif receipt := receipts.get(row.reference):
            _found(row, code, receipt, anothers.get(row.pk, ""))
        else:
            _absent(row, settled_at.get(row.pk, asked_at), asked_at)
            row.absent_token = lease.token
    _store(rows, answered=[row for row in rows if row.reference not in errors])


def _settle_times(rows: list[CodeExport], lease: Lease) -> dict[int, datetime]:
    """Until when the ERP may still be at the last attempt of each: "absent" is believed if it is asked after that."""
    told = settings.EXPORT_SETTLE_S
    settle_s = told if told >= 0 else lease.connection.capabilities.settle_s
    ended = Attempt.objects.filter(export__in=rows).order_by().values_list("export_id").annotate(Max("ended_at"))
    return {export_id: ended_at + timedelta(seconds=settle_s) for export_id, ended_at in ended if ended_at}


def _found(row: CodeExport, code: CodeData, receipt: Receipt, claim: str) -> None:
    """`claim`: why the item that is to be linked looks like another's."""
    wanted, despite, row.look_first, row.link_to, row.link_despite = row.link_to, row.link_despite, False, "", ""
    if wanted and wanted == receipt.remote_id and not receipt.obstacle and receipt.is_active:
        if claim in ("", despite):
            outcomes.succeed(row, receipt)
            row.message = confirmed(claim)
        else:
            outcomes.needs_review(row, claim, receipt)
    elif receipt.is_anothers and not receipt.obstacle:
        outcomes.needs_review(row, outcomes.ANOTHERS.format(code=receipt.code), receipt)
    elif not receipt.is_ours:
        outcomes.needs_review(row, receipt.obstacle or _whose(receipt), receipt)
    elif receipt.fits(code):
        outcomes.succeed(row, receipt)
    else:
        outcomes.needs_review(row, outcomes.what_differs(receipt, code), receipt)


def _whose(receipt: Receipt) -> str:
    sentence = f"The ERP already has an item {receipt.code} that Tieback did not make"
    return f"{sentence}." if receipt.is_active else f"{sentence}; it is inactive. {INACTIVE}"


def _updated(
    row: CodeExport, code: CodeData, receipt: Receipt | None, settled_at: datetime, asked_at: datetime
) -> None:
    """The item has the new values; or it was not updated, which is believed as late as "absent" is."""
    is_there = receipt is not None and receipt.remote_id == row.remote_id
    row.look_first = False
    if receipt and is_there and receipt.fits(code):
        outcomes.succeed(row, receipt)
    elif asked_at < settled_at:
        row.due_at = settled_at
    elif not is_there:
        outcomes.compare(row, None)
        outcomes.needs_review(row, ITEM_GONE.format(code=row.code))
    elif row.doubts >= outcomes.MAX_DOUBTS:
        outcomes.needs_review(
            row, f"Sent {row.doubts} times without a clear answer; the ERP has other values.", receipt
        )
    else:
        row.tries = 0
        outcomes.queue_again(row, "", "", asked_at)


def _absent(row: CodeExport, settled_at: datetime, asked_at: datetime) -> None:
    if asked_at < settled_at:
        row.due_at = settled_at
    elif row.link_to:
        row.look_first, row.link_to, row.link_despite = False, "", ""
        outcomes.needs_review(row, GONE.format(code=row.code))
    elif row.doubts >= outcomes.MAX_DOUBTS:
        outcomes.needs_review(row, f"Sent {row.doubts} times without a clear answer; the ERP does not have it.")
    else:
        row.tries, row.look_first = 0, False
        outcomes.queue_again(row, "", "", asked_at)


def _not_answered(row: CodeExport, error: ERPError, now: datetime) -> None:
    """Asked in vain: it is asked again, with a sentence and up to a limit. An ERP that is down has more time."""
    if isinstance(error, UnsupportedFeature):
        outcomes.needs_review(row, "The answer was lost, and this ERP cannot be asked.", detail=error.detail)
        return
    row.tries += 1
    patience, again, wait = 1, "It is asked again by itself.", outcomes.wait(row.tries)
    match error:
        case ConfigurationError():
            again, wait = "It is asked when the connection is resumed.", timedelta()
        case TransientError(retry_after_s=told_s):
            patience, wait = DOWN_TRIES, outcomes.wait(min(row.tries, LONGEST_WAIT_TRIES))
            wait = max(wait, timedelta(seconds=told_s or 0))
    if row.tries < settings.EXPORT_MAX_TRIES * patience:
        row.due_at, row.message, row.detail = now + wait, f"{error.message} {again}", error.detail
    else:
        outcomes.needs_review(row, f"The ERP did not tell whether it has it. {error.message}", None, error.detail)


def _store(rows: Collection[CodeExport], answered: Collection[CodeExport]) -> None:
    outcomes.set_apart_doubles(rows)
    moved = [row for row in rows if row.status != Status.UNKNOWN]
    move_claimed(moved, FIELDS, was=Status.UNKNOWN)
    still = [row for row in rows if row.status == Status.UNKNOWN]
    update_each(still, ["due_at", "tries", "message", "detail"], version=F("version") + 1)  # open pages tell why
    not_updated = [row for row in moved if row.is_update and row in answered]
    not_there = [row for row in moved if row.status == Status.QUEUED or row in not_updated]
    _settle_attempts(not_there, Attempt.Outcome.ABSENT)
    _settle_attempts([row for row in moved if row.status == Status.SUCCESS], Attempt.Outcome.FOUND)


def _settle_attempts(rows: list[CodeExport], outcome: Attempt.Outcome) -> None:
    if rows:
        Attempt.objects.filter(export__in=rows, outcome=Attempt.Outcome.UNCERTAIN).update(outcome=outcome)
