"""The words people read: Export Status and what a click did; the page, the poll and the page of one code share them."""

from __future__ import annotations

from dataclasses import dataclass

from companies.templatetags.ui import clock
from core.numbers import counted
from exports.models import Cause, CodeExport, Status
from exports.services import Result

# status -> (look of the pill, its icon)
LOOKS: dict[str, tuple[str, str]] = {
    Status.READY: ("ready", "dot"),
    Status.QUEUED: ("progress", "clock"),
    Status.EXPORTING: ("progress", "refresh"),
    Status.UNKNOWN: ("progress", "search"),
    Status.SUCCESS: ("success", "check"),
    Status.FAILED: ("failed", "x"),
    Status.ATTENTION: ("review", "alert"),
    Status.REJECTED: ("muted", "undo"),
}
ACCOUNTS_TOLD = 3  # in one sentence each


@dataclass(frozen=True)
class StatusWords:
    """Export Status in words: the pill, and the sentence that goes with it."""

    pill: str
    sentence: str
    look: str
    icon: str

    def __str__(self) -> str:
        return f"{self.pill} {self.sentence}".strip()


def status_words(export: CodeExport) -> StatusWords:
    """The connection and the company of the row must be at hand: no query is made here."""
    pill, sentence = _pill_and_sentence(export)
    return StatusWords(pill, sentence, *LOOKS[export.status])


def _pill_and_sentence(export: CodeExport) -> tuple[str, str]:
    label = Status(export.status).label
    match export.status:
        case Status.READY:
            return label, export.message  # why it came back
        case Status.QUEUED:
            return _queued(export), ""
        case Status.UNKNOWN if export.tries:  # asked in vain
            return f"{label}:", export.message
        case Status.REJECTED if export.cause != Cause.REJECTED:  # "Recalled by ...", "Unlinked by ..."
            return export.message, ""
        case Status.FAILED | Status.ATTENTION | Status.REJECTED if export.message:
            return f"{label}:", export.message
    return label, ""


def _queued(export: CodeExport) -> str:
    connection = export.connection
    if connection.is_pulled:
        seen = clock(connection.last_contact_at, connection.company)
        return f"Waiting for Web Connector, {f'last seen {seen}' if seen else 'never seen'}"
    came_back = export.tries or export.message
    if came_back and export.is_put_off:
        return f"Retrying at {clock(export.due_at, connection.company)}"
    return Status.QUEUED.label


def exported(result: Result) -> str:
    done = f"{counted(result.count)} accepted." if result.count else "Nothing to export."
    return " ".join([done, *stayed(result)])


def rejected(result: Result, place: str) -> str:
    if not result.count:
        return " ".join(["Nothing to reject.", *stayed(result)])
    removed = f"{counted(result.count)} {'was' if result.count == 1 else 'were'} removed from {place}"
    return " ".join([f"{removed} and can be edited in the WBS again.", *stayed(result)])


def accounts_set(result: Result) -> str:
    done = f"Accounts set for {counted(result.count)}." if result.count else "No accounts were set."
    return " ".join([done, *stayed(result)])


def did(verb: str, result: Result) -> str:
    """Cancelled, Retried, Linked, Undone: one word for what happened to how many."""
    done = f"{verb} {counted(result.count)}." if result.count else f"Not {verb.lower()}."
    return " ".join([done, *stayed(result), *(f"{p.code}: {p.sentence}" for p in result.problems)])


def undone(result: Result) -> str:
    if not result.count:
        return "Nothing was undone: the codes have moved on meanwhile."
    back = "is back where it was" if result.count == 1 else "are back where they were"
    return " ".join([f"Undone: {counted(result.count)} {back}.", *stayed(result)])


def sent(result: Result, connection: str) -> str:
    done = f"{counted(result.count)} sent to {connection}." if result.count else "Nothing to send."
    return " ".join([done, *left(result)])


def recalled(result: Result) -> str:
    done = f"{counted(result.count)} recalled." if result.count else "Nothing to recall: only codes in review can be."
    return " ".join([done, *left(result)])


def left(result: Result) -> list[str]:
    """How many codes stay, where each of them says why beside it."""
    count = len(result.problems)
    return [f"{counted(count)} {'stays' if count == 1 else 'stay'}; the reason stands beside each."] if count else []


def stayed(result: Result) -> list[str]:
    """Why the others were left alone, a sentence for each reason."""
    reasons = [
        (result.lacking - sum(result.accounts.values()), "lacks an income account", "lack an income account"),
        (result.arrived, "arrived since you opened the list", "arrived since you opened the list"),
        (result.changed, "was changed by someone else since", "were changed by someone else since"),
        (result.in_flight, "is being sent to the ERP at this moment", "are being sent to the ERP at this moment"),
        (result.updating, "is an update of a synced code", "are updates of synced codes"),
        (result.own, "was sent by you and needs someone else's eyes", "were sent by you and need someone else's eyes"),
    ]
    told = [f"{count:,} {one if count == 1 else many} and stayed." for count, one, many in reasons if count]
    return [*_accounts(result), *told]


def _accounts(result: Result) -> list[str]:
    """Which accounts held codes back, those of the most codes first."""
    found = sorted(result.accounts.items(), key=lambda account: -account[1])
    told = [f"{counted(count)} stayed: {why}." for why, count in found[:ACCOUNTS_TOLD]]
    rest = sum(count for _, count in found[ACCOUNTS_TOLD:])
    return [*told, f"{counted(rest)} stayed because of other accounts."] if rest else told
