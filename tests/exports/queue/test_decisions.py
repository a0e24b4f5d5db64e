"""The table of what follows from an outcome or an answer: no database, no clock, no luck."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from erp_integrations.base import CodeData, Exists, Exported, NotSent, Outcome, Receipt, Refused, Uncertain
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError, UnsupportedFeature
from exports.models import Attempt, CodeExport, Drift, Status
from exports.queue.decisions import (
    FREE_WAITS,
    MAX_DOUBTS,
    Next,
    Pace,
    Told,
    after_asking,
    after_exporting,
    drift_of,
    given_up,
    not_begun,
)
from exports.queue.erp_calls import Held

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
PACE = Pace(max_tries=5, first_s=15, jitter=lambda: 1.0)
TOKEN = 71
OURS = Receipt("R1", "01-100", "Permits", "4000", "5000", is_ours=True, owner="ref")
OTHER_VALUES = replace(OURS, description="Fees")
UNOWNED = replace(OURS, is_ours=False, owner="")
ANOTHERS = replace(OURS, is_ours=False, owner="someone")
INACTIVE = replace(UNOWNED, is_active=False)
# What may follow, by the numbers of docs/decisions/0001-state-machine.md.
FOLLOWS = {
    Status.QUEUED: {Status.UNKNOWN},  # 5a
    Status.EXPORTING: {Status.SUCCESS, Status.FAILED, Status.QUEUED, Status.ATTENTION, Status.UNKNOWN},  # 6 to 10
    Status.UNKNOWN: {Status.SUCCESS, Status.QUEUED, Status.ATTENTION, Status.UNKNOWN},  # 11 to 13
}


def row(status: Status = Status.EXPORTING, **values: Any) -> CodeExport:
    known = {"code": "01-100", "reference": "ref", "request_key": "key", "message": "Before.", "detail": "before"}
    return CodeExport(pk=1, connection_id=1, item_id=1, status=status, **{**known, **values})


def update(status: Status = Status.EXPORTING, **values: Any) -> CodeExport:
    held = {"remote_id": "R1", "receipt": dict(vars(OTHER_VALUES)), "before_update": {"description": "Fees"}}
    return row(status, **{**held, **values})


def code_of(one: CodeExport) -> CodeData:
    return CodeData("ref", "01-100", "Permits", ("01", "100"), "4000", "5000", "key", one.remote_id or "")


def in_s(seconds: float) -> dict[str, Any]:
    return {"due_at": NOW + timedelta(seconds=seconds)}


SENT: list[tuple[str, CodeExport, Outcome, Status, Attempt.Outcome, dict[str, Any]]] = [
    ("made", row(), Exported("ref", OURS), Status.SUCCESS, Attempt.Outcome.EXPORTED, {"remote_id": "R1"}),
    ("made, no id", row(), Exported("ref", replace(OURS, remote_id="")), Status.UNKNOWN, Attempt.Outcome.UNCERTAIN, {}),
    ("made otherwise", row(), Exported("ref", OTHER_VALUES), Status.ATTENTION, Attempt.Outcome.EXPORTED, {}),
    ("another's", row(), Exported("ref", ANOTHERS), Status.ATTENTION, Attempt.Outcome.EXPORTED, {}),
    (
        "updated",
        update(),
        Exported("ref", OURS),
        Status.SUCCESS,
        Attempt.Outcome.EXPORTED,
        {"before_update": None, "drift": ""},
    ),
    (
        "updated, another item",
        update(),
        Exported("ref", replace(OURS, remote_id="R2")),
        Status.UNKNOWN,
        Attempt.Outcome.UNCERTAIN,
        {"lost_answers": 1, **in_s(0)},
    ),
    (
        "updated otherwise",
        update(),
        Exported("ref", replace(OURS, description="Else")),
        Status.ATTENTION,
        Attempt.Outcome.EXPORTED,
        {"drift": Drift.CHANGED},
    ),
    ("exists", row(), Exists("ref", UNOWNED, "There."), Status.ATTENTION, Attempt.Outcome.EXISTS, {}),
    ("refused", row(), Refused("ref", "No.", "17"), Status.FAILED, Attempt.Outcome.REFUSED, {"request_key": ""}),
    ("first wait", row(), NotSent("ref", "Busy."), Status.QUEUED, Attempt.Outcome.NOT_SENT, {"tries": 1, **in_s(15)}),
    (
        "third wait",
        row(tries=2),
        NotSent("ref", "Busy."),
        Status.QUEUED,
        Attempt.Outcome.NOT_SENT,
        {"tries": 3, **in_s(60)},
    ),
    ("last try", row(tries=4), NotSent("ref", "Busy."), Status.FAILED, Attempt.Outcome.NOT_SENT, {"tries": 5}),
    (
        "told to wait",
        row(),
        NotSent("ref", "Busy.", retry_after_s=90),
        Status.QUEUED,
        Attempt.Outcome.NOT_SENT,
        {"tries": 0, "waits": 1, **in_s(90)},
    ),
    (
        "told not to wait",
        row(),
        NotSent("ref", "Busy.", retry_after_s=0),
        Status.QUEUED,
        Attempt.Outcome.NOT_SENT,
        {"tries": 0, "waits": 1, **in_s(15)},
    ),
    (
        "told to wait too often",
        row(waits=FREE_WAITS),
        NotSent("ref", "Busy.", retry_after_s=0),
        Status.QUEUED,
        Attempt.Outcome.NOT_SENT,
        {"tries": 1, "waits": FREE_WAITS + 1, **in_s(3600)},
    ),
    (
        "told to wait for the last time",
        row(waits=FREE_WAITS, tries=4),
        NotSent("ref", "Busy.", retry_after_s=0),
        Status.FAILED,
        Attempt.Outcome.NOT_SENT,
        {},
    ),
    (
        "held",
        row(tries=2),
        Held("ref", "No rights."),
        Status.QUEUED,
        Attempt.Outcome.NOT_SENT,
        in_s(0),
    ),
    (
        "lost",
        row(tries=2),
        Uncertain("ref", "?"),
        Status.UNKNOWN,
        Attempt.Outcome.UNCERTAIN,
        {"lost_answers": 1, "tries": 0},
    ),
]


@pytest.mark.parametrize(("name", "before", "outcome", "to", "attempt", "changes"), SENT, ids=[one[0] for one in SENT])
def test_what_follows_from_sending(
    name: str, before: CodeExport, outcome: Outcome, to: Status, attempt: Attempt.Outcome, changes: dict[str, Any]
) -> None:
    as_read = deepcopy(vars(before))

    then = after_exporting(before, code_of(before), outcome, PACE, NOW)

    assert (then.status, then.attempt) == (to, attempt)
    assert then.status in FOLLOWS[Status.EXPORTING]
    assert {name: then.changes[name] for name in changes} == changes
    assert "detail" in then.changes  # the attempt keeps it, whatever it was
    assert {key: value for key, value in vars(before).items() if key != "_state"} == {
        key: value for key, value in as_read.items() if key != "_state"
    }


def told(receipt: Receipt | None = None, claim: str = "", error: ERPError | None = None, late: bool = True) -> Told:
    return Told(receipt, NOW, NOW if late else NOW + timedelta(seconds=40), TOKEN, claim, error)


UNKNOWN = Status.UNKNOWN
FOUND, ABSENT = Attempt.Outcome.FOUND, Attempt.Outcome.ABSENT
AGAIN = {"tries": 0, "ask_first": False, "absent_token": TOKEN, **in_s(0)}
LINK = {"link_to": "R1", "ask_first": True}
NO_LINK = {"link_to": "", "link_despite": "", "ask_first": False}
IN_VAIN = row(UNKNOWN, lost_answers=MAX_DOUBTS)
ASKED: list[tuple[str, CodeExport, Told, Status, Attempt.Outcome | None, dict[str, Any]]] = [
    ("there", row(UNKNOWN, ask_first=True), told(OURS), Status.SUCCESS, FOUND, {"ask_first": False}),
    ("there otherwise", row(UNKNOWN), told(OTHER_VALUES), Status.ATTENTION, None, {}),
    ("there, nobody's", row(UNKNOWN), told(UNOWNED), Status.ATTENTION, None, {}),
    ("there, another's", row(UNKNOWN), told(ANOTHERS), Status.ATTENTION, None, {}),
    ("linked", row(UNKNOWN, **LINK), told(UNOWNED), Status.SUCCESS, FOUND, NO_LINK),
    ("linked, unconfirmed", row(UNKNOWN, **LINK), told(ANOTHERS, "B's"), Status.ATTENTION, None, NO_LINK),
    (
        "linked, confirmed",
        row(UNKNOWN, link_despite="B's", **LINK),
        told(ANOTHERS, "B's"),
        Status.SUCCESS,
        FOUND,
        NO_LINK,
    ),
    ("link, inactive", row(UNKNOWN, **LINK), told(INACTIVE), Status.ATTENTION, None, NO_LINK),
    ("link, gone", row(UNKNOWN, **LINK), told(), Status.ATTENTION, None, NO_LINK),
    ("absent", row(UNKNOWN, tries=3), told(), Status.QUEUED, ABSENT, AGAIN),
    ("absent too early", row(UNKNOWN), told(late=False), UNKNOWN, None, in_s(40)),
    ("absent too often", IN_VAIN, told(), Status.ATTENTION, None, {}),
    ("updated", update(UNKNOWN), told(OURS), Status.SUCCESS, FOUND, {"before_update": None}),
    ("not updated yet", update(UNKNOWN), told(OTHER_VALUES, late=False), UNKNOWN, None, in_s(40)),
    ("not updated", update(UNKNOWN), told(OTHER_VALUES), Status.QUEUED, ABSENT, {"tries": 0, **in_s(0)}),
    (
        "not updated again",
        update(UNKNOWN, lost_answers=MAX_DOUBTS),
        told(OTHER_VALUES),
        Status.ATTENTION,
        ABSENT,
        {"drift": ""},
    ),
    ("to update, gone", update(UNKNOWN), told(), Status.ATTENTION, ABSENT, {"drift": Drift.ORPHANED}),
    ("no answer", row(UNKNOWN), told(error=UncertainError("?")), UNKNOWN, None, {"tries": 1, **in_s(15)}),
    ("no answer again", row(UNKNOWN, tries=4), told(error=UncertainError("?")), Status.ATTENTION, None, {"tries": 5}),
    ("down", row(UNKNOWN, tries=4), told(error=TransientError("Down.")), UNKNOWN, None, {"tries": 5, **in_s(240)}),
    ("down for long", row(UNKNOWN, tries=48), told(error=TransientError("Down.")), UNKNOWN, None, in_s(480)),
    ("down for hours", row(UNKNOWN, tries=49), told(error=TransientError("Down.")), Status.ATTENTION, None, {}),
    (
        "down, told to wait",
        row(UNKNOWN),
        told(error=TransientError("Down.", retry_after_s=700)),
        UNKNOWN,
        None,
        in_s(700),
    ),
    ("stopped", row(UNKNOWN), told(error=ConfigurationError("No.")), UNKNOWN, None, in_s(0)),
    ("cannot be asked", row(UNKNOWN), told(error=UnsupportedFeature("No.")), Status.ATTENTION, None, {}),
]


@pytest.mark.parametrize(("name", "before", "answer", "to", "attempt", "changes"), ASKED, ids=[one[0] for one in ASKED])
def test_what_follows_from_asking(
    name: str, before: CodeExport, answer: Told, to: Status, attempt: Attempt.Outcome | None, changes: dict[str, Any]
) -> None:
    then = after_asking(before, code_of(before), answer, PACE, NOW)

    assert (then.status, then.attempt) == (to, attempt)
    assert then.status in FOLLOWS[UNKNOWN]
    assert {name: then.changes[name] for name in changes} == changes


def test_every_state_that_may_follow_is_in_a_table() -> None:
    assert {to for _, _, _, to, _, _ in SENT} == FOLLOWS[Status.EXPORTING]
    assert {to for _, _, _, to, _, _ in ASKED} == FOLLOWS[UNKNOWN]


def test_what_never_began_goes_as_if_nothing_had_been() -> None:
    then = not_begun(row(Status.EXPORTING, tries=2, waits=1, lost_answers=1))

    assert (then.status, then.changes, then.attempt) == (Status.QUEUED, {}, None)


def test_what_is_given_up_is_asked_about() -> None:
    left = given_up(row(Status.EXPORTING, lost_answers=1, tries=3), NOW)
    to_ask_first = given_up(row(Status.QUEUED, ask_first=True, lost_answers=1, tries=3), NOW)

    assert left.changes["lost_answers"] == 2
    assert to_ask_first == Next(Status.UNKNOWN, "", {"tries": 0, **in_s(0)})  # it was not sent: that is no doubt more
    assert left.status == to_ask_first.status == UNKNOWN


def test_an_update_that_needs_review_keeps_what_the_code_may_go_back_to() -> None:
    then = after_exporting(update(), code_of(update()), Exists("ref", replace(OURS, code="9"), "There."), PACE, NOW)

    assert "receipt" not in then.changes
    assert then.changes["erp_values"]["code"] == "9"


def test_what_an_erp_was_not_asked_for_has_not_changed() -> None:
    listed = replace(OURS, description=None, income_account=None, expense_account=None)

    assert drift_of(row(remote_id="R1", receipt=dict(vars(OURS))), listed) == {"drift": "", "erp_values": None}
    assert drift_of(row(remote_id="R1", receipt=dict(vars(OURS))), None)["drift"] == Drift.ORPHANED


def test_waits_double_up_to_an_hour() -> None:
    assert [PACE.wait(tries).total_seconds() for tries in (1, 2, 3, 8, 9, 50)] == [15, 30, 60, 1920, 3600, 3600]
