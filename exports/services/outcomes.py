"""What the ERP's answers mean for the codes. Changes rows in memory only; `portions` and `resolving` store them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now

from erp_integrations.base import CodeData, Exists, Exported, NotSent, Outcome, Receipt, Refused
from exports.models import Attempt, CodeExport, Drift, Status
from exports.services.calling import Held

ALONE_AFTER = 2  # lost answers: then a code is sent alone, so that it takes no others with it
MAX_DOUBTS = 4  # lost answers: then a person must look
FREE_WAITS = 8  # times in a row that the ERP told it to wait: about an hour; from then on each burns a try
# What a click that accepts a code starts with.
TRIES_ANEW = {"due_at": Now(), "tries": 0, "waits": 0, "doubts": 0, "link_to": "", "link_despite": ""}
COMPARED = ("code", "description", "income_account", "expense_account", "is_active")
UPDATED = ("drift", "found", "kept")
AGAIN = "It is tried again by itself."
ANOTHERS = "The ERP already has an item {code}, but it carries the identifier of another cost code or another program."
FIELDS = ("detail", "remote_id", "receipt", "request_key", "tries", "waits", "doubts", "look_first", "due_at", *UPDATED)


def apply(row: CodeExport, code: CodeData, outcome: Outcome, now: datetime) -> Attempt.Outcome:
    """Give the row the state that follows from the outcome of sending it, and return what its attempt came to."""
    match outcome:
        case Held():
            queue_again(row, outcome.message, outcome.detail, now)
            return Attempt.Outcome.NOT_SENT
        case Exported(receipt=receipt):
            return _exported(row, code, receipt, now)
        case Exists(receipt=receipt, message=message):
            needs_review(row, ANOTHERS.format(code=receipt.code) if _is_anothers(row, receipt) else message, receipt)
            return Attempt.Outcome.EXISTS
        case Refused(message=message, detail=detail):
            row.status, row.message, row.detail = Status.FAILED, message, detail
            row.request_key = ""
            return Attempt.Outcome.REFUSED
        case NotSent():
            _not_sent(row, outcome, now)
            return Attempt.Outcome.NOT_SENT
    in_doubt(row, outcome.message, outcome.detail, now)
    return Attempt.Outcome.UNCERTAIN


def succeed(row: CodeExport, receipt: Receipt) -> None:
    row.status, row.message, row.detail = Status.SUCCESS, "", receipt.detail
    row.remote_id, row.receipt = receipt.remote_id, dict(vars(receipt))
    row.drift, row.found, row.kept = "", None, None


def needs_review(row: CodeExport, message: str, receipt: Receipt | None = None, detail: str = "") -> None:
    row.status, row.message = Status.ATTENTION, message
    row.detail = receipt.detail if receipt else detail
    if not row.is_update:
        row.receipt = dict(vars(receipt)) if receipt else None
    elif receipt:  # what the code may go back to stays the receipt
        compare(row, receipt)


def compare(row: CodeExport, held: Receipt | None) -> None:
    """Note on the row what happened in the ERP to its item since the receipt."""
    if held is None or held.remote_id != row.remote_id:
        row.drift, row.found = Drift.GONE, None
    elif row.receipt and any(getattr(held, name) != row.receipt.get(name) for name in _told(held)):
        row.drift, row.found = Drift.CHANGED, dict(vars(held))
    else:
        row.drift, row.found = "", None


def _told(held: Receipt) -> tuple[str, ...]:
    """What of an item can be compared: values that the ERP was not asked for are not known."""
    return COMPARED if held.description is not None else ("code", "is_active")


def in_doubt(row: CodeExport, message: str, detail: str, now: datetime) -> None:
    """The answer is lost: the ERP is asked, at once, before anything else."""
    row.status, row.message, row.detail = Status.UNKNOWN, message, detail
    row.doubts += 1
    row.tries, row.waits, row.due_at = 0, 0, now


def queue_again(row: CodeExport, message: str, detail: str, due_at: datetime) -> None:
    row.status, row.message, row.detail, row.due_at = Status.QUEUED, message, detail, due_at


def wait(tries: int) -> timedelta:
    """How long to wait after so many tries: doubles up to an hour; jitter, so that codes do not come back as a herd."""
    seconds = min(settings.EXPORT_RETRY_S * 2 ** (tries - 1), 3600)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 (no secret)


def what_differs(receipt: Receipt, code: CodeData) -> str:
    """The difference between the item in the ERP and ours, as a sentence."""
    if not receipt.is_active:
        return receipt.obstacle or "The item in the ERP is inactive."
    pairs = {
        "code": (receipt.code, code.code),
        "description": (receipt.description, code.description),
        "income account": (receipt.income_account, code.income_account),
        "expense account": (receipt.expense_account, code.expense_account),
    }
    others = [name for name, (theirs, ours) in pairs.items() if theirs != ours]
    return f"The item in the ERP has another {' and another '.join(others)}."


def set_apart_doubles(rows: Iterable[CodeExport]) -> None:
    """An ERP's id belongs to one code: a second one that was given the same needs review."""
    fresh = [row for row in rows if row.status == Status.SUCCESS]
    if not fresh:
        return
    given = {row.remote_id for row in fresh}
    holders = CodeExport.objects.filter(connection=fresh[0].connection_id, remote_id__in=given).order_by()
    own = {row.pk for row in fresh}
    taken = {remote_id: code for pk, remote_id, code in holders.values_list("pk", "remote_id", "code") if pk not in own}
    for row in fresh:
        if row.remote_id in taken:
            row.status, row.message = Status.ATTENTION, f"The ERP gave an id that belongs to {taken[row.remote_id]}."
            row.remote_id = None
        else:
            taken[row.remote_id] = row.code


def _exported(row: CodeExport, code: CodeData, receipt: Receipt, now: datetime) -> Attempt.Outcome:
    if not receipt.remote_id:
        in_doubt(row, "The ERP reported success without an id.", receipt.detail, now)
        return Attempt.Outcome.UNCERTAIN
    if row.is_update and receipt.remote_id != row.remote_id:
        in_doubt(row, "The ERP answered for another item.", receipt.detail, now)
        return Attempt.Outcome.UNCERTAIN
    if _is_anothers(row, receipt):
        needs_review(row, ANOTHERS.format(code=receipt.code), receipt)
    elif receipt.fits(code):
        succeed(row, receipt)
    else:
        needs_review(row, what_differs(receipt, code), receipt)
    return Attempt.Outcome.EXPORTED


def _is_anothers(row: CodeExport, receipt: Receipt) -> bool:
    """Whether the ERP answered with another code's item; the item of an update was linked by a person."""
    return receipt.is_anothers and not row.is_update


def _not_sent(row: CodeExport, outcome: NotSent, now: datetime) -> None:
    """Again later: never sooner than the ERP told, nor than after so many tries; after the last one it failed."""
    told_s = outcome.retry_after_s
    if told_s is not None:
        row.waits += 1
    if told_s is None or row.waits > FREE_WAITS:
        row.tries += 1
    if row.tries >= settings.EXPORT_MAX_TRIES:
        said = f" It was told so {row.waits} times in a row." if told_s is not None else ""
        row.status, row.message, row.detail = Status.FAILED, outcome.message + said, outcome.detail
        return
    pause = wait(row.tries) if told_s is None else max(timedelta(seconds=told_s), wait(row.waits))
    queue_again(row, f"{outcome.message} {AGAIN}", outcome.detail, now + pause)
