"""An ERP that tells us to wait, whatever it says of for how long: no hot loop, no flood of events, and an end."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest

from companies.models import AuditEvent
from erp_integrations.base import NotSent
from erp_integrations.errors import TransientError
from exports import queue, services
from exports.models import Attempt, CodeExport, Status
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import ERRORS, Rule, ScriptedAdapter
from tests.exports.steps import make_many, put

ABSURD = [0, -5, math.nan, math.inf, -math.inf, 1e300, "soon"]


@pytest.fixture
def throttle(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the ERP tell to wait for so long, until it is told otherwise."""

    def arrange(told_s: Any) -> None:
        monkeypatch.setitem(ERRORS, "throttle", lambda: TransientError("The ERP is busy.", "429", told_s))
        scene.books.tell(Rule("throttle"))

    return arrange


def queue_many(scene: Scene, number: int) -> None:
    make_many(scene, "01", number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())


def calls(scene: Scene) -> list[int]:
    return [len(event["codes"]) for event in scene.books.events("start")]


def storm(scene: Scene, times: int) -> None:
    for _ in range(times):
        scene.let_time_pass()
        scene.portion()


@pytest.mark.parametrize("told_s", ABSURD)
def test_no_told_wait_makes_a_hot_loop(scene: Scene, settings: Any, throttle: Any, told_s: Any) -> None:
    settings.EXPORT_RETRY_S = 60
    queue_many(scene, 5)
    throttle(told_s)

    for _ in range(10):
        scene.portion()

    assert (calls(scene), Attempt.objects.count()) == ([5], 5)


@pytest.mark.parametrize("told_s", ABSURD)
def test_no_wait_that_a_code_alone_is_told_makes_a_hot_loop(
    scene: Scene, settings: Any, monkeypatch: pytest.MonkeyPatch, told_s: Any
) -> None:
    settings.EXPORT_RETRY_S = 60
    queue_many(scene, 5)
    export_codes = ScriptedAdapter.export_codes

    def busy(self: ScriptedAdapter, codes: Any) -> list[Any]:
        export_codes(self, [])
        return [NotSent(code.reference, "Not now.", "busy", told_s) for code in codes]

    monkeypatch.setattr(ScriptedAdapter, "export_codes", busy)

    for _ in range(10):
        scene.portion()

    assert (len(calls(scene)), Attempt.objects.count()) == (1, 5)
    row = scene.row("01-0001")
    assert 45 < (row.due_at - row.moved_at).total_seconds() < 25 * 3600


def test_a_wait_is_never_shorter_than_told(scene: Scene, throttle: Any) -> None:
    scene.queue("01-100")
    throttle(30)

    scene.portion()

    row, erp = scene.row("01-100"), scene.refreshed()
    assert (row.due_at - row.moved_at).total_seconds() > 29
    assert (erp.open_until - row.moved_at).total_seconds() > 29


def test_waits_grow_whatever_is_told(scene: Scene, settings: Any, throttle: Any) -> None:
    settings.EXPORT_RETRY_S = 10
    scene.queue("01-100")
    throttle(0)

    waits = []
    for _ in range(3):
        storm(scene, 1)
        row = scene.row("01-100")
        waits.append((row.due_at - row.moved_at).total_seconds())

    assert 7 < waits[0] < 13 < 15 < waits[1] < 25 < 31 < waits[2] < 49


def test_the_first_waits_burn_no_try_and_a_code_that_gets_nowhere_fails_at_last(scene: Scene, throttle: Any) -> None:
    scene.queue("01-100")
    throttle(0)

    storm(scene, 8)
    row = scene.row("01-100")
    assert (row.status, row.tries, row.waits) == ("QUEUED", 0, 8)

    storm(scene, 10)
    row = scene.row("01-100")
    assert (row.status, row.message) == ("FAILED", "The ERP is busy. It was told so 16 times in a row.")
    assert len(calls(scene)) == 16
    check_invariants(scene.connection, scene.books)
    scene.books.tell()
    services.retry_codes(scene.alice, scene.connection, [row.pk])
    scene.let_time_pass()
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}


def test_a_lost_answer_begins_the_count_of_waits_anew(scene: Scene) -> None:
    scene.queue("01-100")
    put("01-100", Status.EXPORTING, waits=8, lease_token=1)

    queue.sweep()

    row = scene.row("01-100")
    assert (row.status, row.waits) == ("UNKNOWN", 0)


def test_a_code_that_alone_is_told_to_wait_fails_at_last_too(scene: Scene) -> None:
    scene.queue("01-100", "01-200")
    scene.books.tell(Rule("not sent, wait", "01-100"))

    storm(scene, 20)

    assert scene.states() == {"01-100": "FAILED", "01-200": "SUCCESS"}
    assert scene.row("01-100").message == "Not now. It was told so 16 times in a row."


def test_a_storm_of_waits_makes_one_event_per_state_and_not_per_try(scene: Scene, throttle: Any) -> None:
    queue_many(scene, 50)
    throttle(0)

    storm(scene, 15)

    assert len(calls(scene)) == 15
    events = Counter(AuditEvent.objects.filter(subject="export").values_list("label", "action", "new"))
    told = {key: count for key, count in events.items() if key[1] in ("export.exporting", "export.queued")}
    assert set(told.values()) == {1}
    assert len(told) == 3 * 50  # accepted; sent; told to wait
    scene.books.tell()
    scene.let_time_pass()
    scene.drain()
    assert set(scene.states().values()) == {"SUCCESS"}
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("error", ["transient", "throttle"])
def test_tries_that_come_to_nothing_are_no_news_but_what_they_end_in_is(scene: Scene, error: str) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule(error, times=5))

    storm(scene, 6)

    moves = AuditEvent.objects.filter(subject="export", label="01-100").exclude(old="").order_by("id")
    assert list(moves.values_list("action", flat=True))[-5:] == [
        *("export.queued", "export.exporting", "export.queued"),
        *("export.exporting", "export.success"),
    ]
    assert Attempt.objects.count() == 6
    check_invariants(scene.connection, scene.books)


def test_a_sending_that_is_no_news_is_told_when_its_answer_is_lost(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("transient"))
    storm(scene, 2)
    scene.books.tell(Rule("uncertain"))

    storm(scene, 1)

    assert scene.states() == {"01-100": "UNKNOWN"}
    check_invariants(scene.connection, scene.books)
    scene.books.tell()
    scene.let_time_pass()
    scene.drain()
    check_invariants(scene.connection, scene.books)


def test_being_told_to_wait_opens_the_breaker_and_then_one_code_goes_as_a_probe(
    scene: Scene, settings: Any, throttle: Any
) -> None:
    settings.EXPORT_RETRY_S = 60
    queue_many(scene, 120)
    throttle(0)

    storm(scene, 3)

    assert (calls(scene), scene.refreshed().failures_in_a_row) == ([50, 1, 1], 3)
    moved = CodeExport.objects.get(code="01-0001").moved_at
    assert (scene.refreshed().open_until - moved).total_seconds() > 100
    scene.books.tell()
    scene.let_time_pass()
    scene.drain()
    assert calls(scene)[3:] == [1, 50, 50, 19]
    assert scene.refreshed().failures_in_a_row == 0


def test_codes_of_a_connection_that_is_mended_go_at_once(scene: Scene, settings: Any) -> None:
    settings.EXPORT_RETRY_S = 60
    scene.queue("01-100")
    scene.books.tell(Rule("configuration", times=1))
    scene.portion()

    scene.connection.resume(scene.dora.user)

    assert scene.portion() is True
    assert scene.states() == {"01-100": "SUCCESS"}
