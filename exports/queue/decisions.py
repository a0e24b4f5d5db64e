"""What becomes of a code after its ERP answered, or did not: values, made from the row as it was read.

Nothing here writes, and no row is changed: `transitions.follow` stores what was decided.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from erp_integrations.base import CodeData, Exists, Exported, NotSent, Outcome, Receipt, Refused
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UnsupportedFeature
from exports.models import Attempt, CodeExport, Drift, Status
from exports.queue.erp_calls import Held

MAX_DOUBTS = 4  # lost answers: then a person must look
FREE_WAITS = 8  # times in a row that the ERP told it to wait: about an hour; from then on each burns a try
LONGEST_WAIT_S = 3600.0
DOWN_TRIES = 10  # times `Pace.max_tries`: so often an ERP that is down is asked, which is for ten hours
LONGEST_WAIT_TRIES = 6  # from then on it is asked every eight minutes
COMPARED = ("code", "description", "income_account", "expense_account", "is_active")
AGAIN = "It is tried again by itself."
ASKED_AGAIN = "It is asked again by itself."
ANOTHERS = "The ERP already has an item {code}, but it carries the identifier of another cost code or another program."
GONE = "The ERP no longer has the item that you saw as {code}. Retry the code."
ITEM_GONE = "The ERP no longer has the item of {code}. Keep the code as it is, then unlink it."
INTERRUPTED = "The export was interrupted."
NOT_BEGUN = "It was not sent: the exports before it ended early."
INACTIVE = "Make it active there or rename the code, then retry."


@dataclass(frozen=True)
class Next:
    """What becomes of one code: its state, the sentence behind it, and whatever else of its row changes, by column."""

    status: Status
    message: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)
    attempt: Attempt.Outcome | None = None  # what its last try came to, as far as that is known by now


@dataclass(frozen=True)
class Pace:
    """How often a code is tried that comes to nothing, and how long it waits in between."""

    max_tries: int
    first_s: float
    jitter: Callable[[], float]  # a factor about 1, so that codes do not come back as a herd

    def wait(self, tries: int) -> timedelta:
        """How long to wait after so many tries: doubles up to an hour."""
        return timedelta(seconds=min(self.first_s * 2 ** (tries - 1), LONGEST_WAIT_S) * self.jitter())


def pace() -> Pace:
    """As this installation is set."""
    jitter = lambda: random.uniform(0.8, 1.2)  # noqa: E731, S311 (no secret)
    return Pace(settings.EXPORT_MAX_TRIES, settings.EXPORT_RETRY_S, jitter)


@dataclass(frozen=True)
class Told:
    """What the ERP said about one code in doubt: what it has, or by `error` that it told nothing."""

    receipt: Receipt | None
    asked_at: datetime
    settled_at: datetime  # until then it may still be at the last try: what it has not by now, it may have then
    token: int  # of the holder of the lease that asked
    claim: str = ""  # why the item that is to be linked looks like another's
    error: ERPError | None = None

    @property
    def is_final(self) -> bool:
        return self.asked_at >= self.settled_at


# After a call that exported the code


def after_call(sent: Iterable[tuple[CodeExport, CodeData, Outcome]], now: datetime) -> list[Next]:
    """What follows for each code of a call."""
    how = pace()
    return [after_exporting(row, code, outcome, how, now) for row, code, outcome in sent]


def after_exporting(row: CodeExport, code: CodeData, outcome: Outcome, pace: Pace, now: datetime) -> Next:
    """What follows from the outcome of exporting the code; `attempt` is what this try came to."""
    match outcome:
        case Held():
            return queued_again(outcome.message, outcome.detail, now, attempt=Attempt.Outcome.NOT_SENT)
        case Exported(receipt=receipt):
            return _exported(row, code, receipt, now)
        case Exists(receipt=receipt, message=message):
            why = ANOTHERS.format(code=receipt.code) if _is_anothers(row, receipt) else message
            return needs_review(row, why, receipt, attempt=Attempt.Outcome.EXISTS)
        case Refused(message=message, detail=detail):
            return Next(Status.FAILED, message, {"detail": detail, "request_key": ""}, Attempt.Outcome.REFUSED)
        case NotSent():
            return _not_sent(row, outcome, pace, now)
    return answer_lost(row, outcome.message, outcome.detail, now)


def _exported(row: CodeExport, code: CodeData, receipt: Receipt, now: datetime) -> Next:
    if not receipt.remote_id:
        return answer_lost(row, "The ERP reported success without an id.", receipt.detail, now)
    if row.is_update and receipt.remote_id != row.remote_id:
        return answer_lost(row, "The ERP answered for another item.", receipt.detail, now)
    if _is_anothers(row, receipt):
        return needs_review(row, ANOTHERS.format(code=receipt.code), receipt, attempt=Attempt.Outcome.EXPORTED)
    if receipt.fits(code):
        return succeeded(receipt, attempt=Attempt.Outcome.EXPORTED)
    return needs_review(row, what_differs(receipt, code), receipt, attempt=Attempt.Outcome.EXPORTED)


def _is_anothers(row: CodeExport, receipt: Receipt) -> bool:
    """Whether the ERP answered with another code's item; the item of an update was linked by a person."""
    return receipt.is_anothers and not row.is_update


def _not_sent(row: CodeExport, outcome: NotSent, pace: Pace, now: datetime) -> Next:
    """Again later: never sooner than the ERP told, nor than after so many tries; after the last one it failed."""
    told_s = outcome.retry_after_s
    waits = row.waits + (told_s is not None)
    tries = row.tries + (told_s is None or waits > FREE_WAITS)
    counted = {"tries": tries, "waits": waits}
    if tries >= pace.max_tries:
        said = f" It was told so {waits} times in a row." if told_s is not None else ""
        changes = {**counted, "detail": outcome.detail}
        return Next(Status.FAILED, outcome.message + said, changes, Attempt.Outcome.NOT_SENT)
    pause = pace.wait(tries) if told_s is None else max(timedelta(seconds=told_s), pace.wait(waits))
    message = f"{outcome.message} {AGAIN}"
    return queued_again(message, outcome.detail, now + pause, counted, attempt=Attempt.Outcome.NOT_SENT)


# After the ERP was asked about a code in doubt


def after_asking(row: CodeExport, code: CodeData, told: Told, pace: Pace, now: datetime) -> Next:
    """What follows for a code in UNKNOWN from what the ERP told; `attempt` is what the try in doubt came to."""
    if told.error:
        return _not_answered(row, told.error, pace, now)
    if row.is_update:
        return _updated(row, code, told)
    return _found(row, code, told.receipt, told.claim) if told.receipt else _absent(row, told)


def _found(row: CodeExport, code: CodeData, receipt: Receipt, claim: str) -> Next:
    asked = {"ask_first": False, "link_to": "", "link_despite": ""}
    is_meant = bool(row.link_to) and receipt.remote_id == row.link_to
    is_wanted = is_meant and not receipt.obstacle and receipt.is_active
    if is_wanted and claim not in ("", row.link_despite):
        return needs_review(row, claim, receipt, asked)
    if is_wanted or (receipt.is_ours and receipt.fits(code)):
        despite = confirmed(claim) if is_wanted else ""
        return succeeded(receipt, asked, despite, attempt=Attempt.Outcome.FOUND)
    if receipt.is_anothers and not receipt.obstacle:
        return needs_review(row, ANOTHERS.format(code=receipt.code), receipt, asked)
    why = what_differs(receipt, code) if receipt.is_ours else receipt.obstacle or _whose(receipt)
    return needs_review(row, why, receipt, asked)


def _whose(receipt: Receipt) -> str:
    sentence = f"The ERP already has an item {receipt.code} that Tieback did not make"
    return f"{sentence}." if receipt.is_active else f"{sentence}; it is inactive. {INACTIVE}"


def _updated(row: CodeExport, code: CodeData, told: Told) -> Next:
    """The item has the new values; or it was not updated, which is believed as late as "absent" is."""
    receipt, asked = told.receipt, {"ask_first": False}
    is_there = receipt is not None and receipt.remote_id == row.remote_id
    if receipt and is_there and receipt.fits(code):
        return succeeded(receipt, asked, attempt=Attempt.Outcome.FOUND)
    if not told.is_final:
        return _not_settled(row, told, asked)
    if not is_there:
        gone = {**asked, **drift_of(row, None)}
        return needs_review(row, ITEM_GONE.format(code=row.code), None, gone, attempt=Attempt.Outcome.ABSENT)
    if row.lost_answers >= MAX_DOUBTS:
        why = f"Sent {row.lost_answers} times without a clear answer; the ERP has other values."
        return needs_review(row, why, receipt, asked, attempt=Attempt.Outcome.ABSENT)
    return queued_again("", "", told.asked_at, {**asked, "tries": 0}, attempt=Attempt.Outcome.ABSENT)


def _absent(row: CodeExport, told: Told) -> Next:
    if not told.is_final:
        return _not_settled(row, told)
    if row.link_to:
        asked = {"ask_first": False, "link_to": "", "link_despite": ""}
        return needs_review(row, GONE.format(code=row.code), None, asked)
    if row.lost_answers >= MAX_DOUBTS:
        return needs_review(row, f"Sent {row.lost_answers} times without a clear answer; the ERP does not have it.")
    absent = {"tries": 0, "ask_first": False, "absent_token": told.token}
    return queued_again("", "", told.asked_at, absent, attempt=Attempt.Outcome.ABSENT)


def _not_settled(row: CodeExport, told: Told, changes: Mapping[str, Any] | None = None) -> Next:
    return Next(Status.UNKNOWN, row.message, {**(changes or {}), "due_at": told.settled_at})


def _not_answered(row: CodeExport, error: ERPError, pace: Pace, now: datetime) -> Next:
    """Asked in vain: it is asked again, with a sentence and up to a limit. An ERP that is down has more time."""
    if isinstance(error, UnsupportedFeature):
        return needs_review(row, "The answer was lost, and this ERP cannot be asked.", detail=error.detail)
    tries = row.tries + 1
    patience, again, wait = 1, ASKED_AGAIN, pace.wait(tries)
    match error:
        case ConfigurationError():
            again, wait = "It is asked when the connection is resumed.", timedelta()
        case TransientError(retry_after_s=told_s):
            patience, wait = DOWN_TRIES, pace.wait(min(tries, LONGEST_WAIT_TRIES))
            wait = max(wait, timedelta(seconds=told_s or 0))
    if tries < pace.max_tries * patience:
        changes = {"tries": tries, "due_at": now + wait, "detail": error.detail}
        return Next(Status.UNKNOWN, f"{error.message} {again}", changes)
    why = f"The ERP did not tell whether it has it. {error.message}"
    return needs_review(row, why, None, {"tries": tries}, detail=error.detail)


# What both come to


def succeeded(
    receipt: Receipt,
    changes: Mapping[str, Any] | None = None,
    message: str = "",
    attempt: Attempt.Outcome | None = None,
) -> Next:
    """The ERP has the code, with our values or as the item that someone linked."""
    held = {"remote_id": receipt.remote_id, "receipt": dict(vars(receipt)), "detail": receipt.detail}
    settled = {"drift": "", "erp_values": None, "before_update": None}
    return Next(Status.SUCCESS, message, {**(changes or {}), **held, **settled}, attempt)


def needs_review(
    row: CodeExport,
    message: str,
    receipt: Receipt | None = None,
    changes: Mapping[str, Any] | None = None,
    detail: str = "",
    attempt: Attempt.Outcome | None = None,
) -> Next:
    """A person must look; `receipt` is what the ERP holds of it. What an update may go back to stays the row's."""
    seen: Mapping[str, Any] = {}
    if not row.is_update:
        seen = {"receipt": dict(vars(receipt)) if receipt else None}
    elif receipt:
        seen = drift_of(row, receipt)
    detail = receipt.detail if receipt else detail
    return Next(Status.ATTENTION, message, {**(changes or {}), **seen, "detail": detail}, attempt)


def answer_lost(row: CodeExport, message: str, detail: str, now: datetime) -> Next:
    """The answer is lost: the ERP is asked, at once, before anything else."""
    changes = {"detail": detail, "lost_answers": row.lost_answers + 1, "tries": 0, "waits": 0, "due_at": now}
    return Next(Status.UNKNOWN, message, changes, Attempt.Outcome.UNCERTAIN)


def given_up(row: CodeExport, now: datetime) -> Next:
    """A row in EXPORTING, whose holder is gone, or a queued one that is to be asked about first: the ERP is asked."""
    if row.status == Status.EXPORTING:
        return answer_lost(row, INTERRUPTED, "", now)
    return Next(Status.UNKNOWN, "", {"tries": 0, "due_at": now})


def not_begun(row: CodeExport) -> Next:
    """A code that was claimed and whose call never began: it goes as if nothing had been."""
    return Next(Status.QUEUED, row.message)


def queued_again(
    message: str,
    detail: str,
    due_at: datetime,
    changes: Mapping[str, Any] | None = None,
    attempt: Attempt.Outcome | None = None,
) -> Next:
    return Next(Status.QUEUED, message, {**(changes or {}), "detail": detail, "due_at": due_at}, attempt)


# What the ERP's item is, held against ours


def drift_of(row: CodeExport, held: Receipt | None) -> dict[str, Any]:
    """What happened in the ERP to the row's item since the receipt: the columns `drift` and `found`."""
    if held is None or held.remote_id != row.remote_id:
        return {"drift": Drift.ORPHANED, "erp_values": None}
    if row.receipt and any(getattr(held, name) != row.receipt.get(name) for name in _known(held)):
        return {"drift": Drift.CHANGED, "erp_values": dict(vars(held))}
    return {"drift": "", "erp_values": None}


def _known(held: Receipt) -> tuple[str, ...]:
    """What of an item can be compared: values that the ERP was not asked for are not known."""
    return COMPARED if held.description is not None else ("code", "is_active")


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


def confirmed(claim: str) -> str:
    """What the audit trail says of one who confirmed it; empty when there was nothing to confirm."""
    return f"Confirmed by the one who linked it: {claim}" if claim else ""
