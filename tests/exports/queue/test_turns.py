"""Several portions under one lease: what one answered is stored while the ERP works on the next."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state as worker
from django.db import connection as database
from django.db.models.functions import Now

from companies.models import Member
from core import broker
from erp_integrations.base import CodeData, Refused
from erp_integrations.models import Connection, Question
from exports import queue, services
from exports.models import CodeExport, Status
from exports.queue import leases, portions
from tests import factories
from tests.exports.queue.turns import SIZE, During, calls, count, queue_many, turn
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Books, Rule
from tests.exports.steps import make_many, queries
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.usefixtures("small_calls")


def test_a_turn_goes_on_until_nothing_is_due(scene: Scene) -> None:
    queue_many(scene, 12)

    assert turn(scene) is True

    assert calls(scene.books) == [("export", SIZE), ("export", SIZE), ("export", 2)]
    assert (count("SUCCESS"), scene.refreshed().lease_until) == (12, None)
    assert turn(scene) is False
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize(
    ("who", "sent"),
    [
        ("a connection", 10),
        ("a call of another kind", 10),
        ("a question", 10),
        ("nobody", 15),
        ("nobody for long", 20),
    ],
)
def test_it_ends_with_its_time_if_others_wait(
    scene: Scene,
    during: Callable[[During], None],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    who: str,
    sent: int,
) -> None:
    queue_many(scene, 20)
    settings.EXPORT_LONG_TURN_S = 9 if who == "nobody for long" else 2.5
    if who == "a connection":
        other = factories.make_connection(erp="scripted", name="Other", slug="other")
        account = factories.make_account(other)
        factories.make_export("09-100", other, status="QUEUED", due_at=Now(), income_account=account)
    if who == "a question":
        Question.about(scene.connection, Question.Kind.CHECK, scene.dora.user).save()
    monkeypatch.setattr(broker, "waiting", lambda: int(who == "a call of another kind"))
    clock = [0.0]
    during(lambda number: clock.append(number))
    monkeypatch.setattr(portions, "time", SimpleNamespace(monotonic=lambda: clock[-1]))

    queue.export_portions(scene.connection.pk, until=1.5)

    mine = scene.connection.code_exports
    assert calls(scene.books) == [("export", SIZE)] * (sent // SIZE)
    assert (count("SUCCESS"), mine.filter(status="QUEUED").count()) == (sent, 20 - sent)


@pytest.mark.parametrize("told", ["should_stop", "should_terminate"])
def test_it_ends_when_its_worker_is_to_end(
    scene: Scene, during: Callable[[During], None], monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    queue_many(scene, 20)
    during(lambda number: monkeypatch.setattr(worker, told, 0) if number == 2 else None)

    turn(scene)

    assert (calls(scene.books), count("SUCCESS"), count("QUEUED")) == ([("export", SIZE)] * 2, 10, 10)
    check_invariants(scene.connection, scene.books)


def test_an_answer_is_stored_while_the_erp_works_on_the_next(
    scene: Scene, during: Callable[[During], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_many(scene, 6)
    second_runs, first_is_stored = Event(), Event()
    store = portions.store

    def slow_call(number: int) -> None:
        if number == 2:
            second_runs.set()
            assert first_is_stored.wait(PATIENCE_S)

    def watched_store(*words: Any, **how: Any) -> list[CodeExport]:
        assert second_runs.wait(PATIENCE_S)
        rows = store(*words, **how)
        first_is_stored.set()
        return rows

    during(slow_call)
    monkeypatch.setattr(portions, "store", watched_store)

    turn(scene)

    assert count("SUCCESS") == 6
    check_invariants(scene.connection, scene.books)


def test_it_ends_when_the_connection_is_paused(scene: Scene, during: Callable[[During], None]) -> None:
    queue_many(scene, 6)
    during(lambda number: scene.connection.pause(scene.dora.user))

    turn(scene)

    assert (calls(scene.books), count("SUCCESS"), count("QUEUED")) == ([("export", SIZE)], SIZE, 1)
    assert scene.refreshed().lease_until is None


def test_each_call_has_the_settings_as_they_are_then(scene: Scene, during: Callable[[During], None]) -> None:
    queue_many(scene, 6)
    others = Books(scene.books.path.with_name("others"))
    for number in range(50):  # so that the ids go on there
        others.add(CodeData("", f"99-{number}", "Theirs", income_account=None), by_hand=True)

    def move(number: int) -> None:
        if number == 1:  # the second call is in a thread, with a connection to the database of its own
            Connection.objects.update(options=scene.connection.options | {"journal": str(others.path)})

    during(move)

    turn(scene)

    assert (calls(scene.books), calls(others)) == ([("export", SIZE)], [("export", 1)])
    assert count("SUCCESS") == 6


@pytest.mark.parametrize("size", [1, 10])
def test_a_call_more_takes_few_statements(scene: Scene, size: int) -> None:
    """To renew the lease and begin, and to store under it: one each on PostgreSQL, one for each table on SQLite."""
    scene.connection.options["batch_size"] = size
    scene.connection.save(update_fields=["options"])
    taken = []
    for division, number in (("01", 3), ("02", 4)):
        make_many(scene, division, number * size)
        services.queue_codes(scene.alice, scene.connection, scene.seen())
        taken.append(len(queries(lambda: turn(scene))))

    assert taken[1] - taken[0] == (2 if database.vendor == "postgresql" else 7)


def test_what_is_retried_within_a_turn_keeps_both_tries(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_many(scene, 16)
    scene.books.tell(Rule("refuse", code="01-0001", times=1))
    go_on = portions.Turn.go_on

    def retry(*words: Any) -> None:
        go_on(*words)
        row = scene.row("01-0001")
        if row.status == Status.FAILED:
            services.retry_codes(scene.alice, scene.connection, [row.pk])

    monkeypatch.setattr(portions.Turn, "go_on", retry)

    turn(scene)

    tries = scene.row("01-0001").attempts.order_by("pk")
    assert list(tries.values_list("outcome", flat=True)) == ["refused", "exported"]
    assert len(set(tries.values_list("lease_token", flat=True))) == 1
    check_invariants(scene.connection, scene.books)


def test_a_try_does_not_begin_since_the_one_before_did(scene: Scene) -> None:
    """Whoever accepted it anew may no longer do so when its call comes."""
    queue_many(scene, 1)
    lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
    assert lease
    [first] = portions.claim(lease, portions.next_rows(lease))
    portions.store(lease, [first], {first.row.reference: Refused(first.row.reference, "No.")})
    services.retry_codes(scene.alice, scene.connection, [first.row.pk])
    [again] = portions.claim(lease, portions.next_rows(lease), waits=True)
    Member.objects.filter(pk=scene.alice.pk).update(can_push_to_accounting=False)

    assert portions.begin(lease, [again.row.pk]) == set()


def test_codes_cancelled_meanwhile_are_not_sent(scene: Scene, during: Callable[[During], None]) -> None:
    queue_many(scene, 6)
    left = list(CodeExport.objects.order_by("sort_key")[SIZE:])

    def cancel(number: int) -> None:
        services.cancel_codes(scene.alice, scene.connection, [row.pk for row in left])

    during(cancel)

    turn(scene)

    assert (calls(scene.books), count("SUCCESS"), count("READY")) == ([("export", SIZE)], SIZE, 1)


@pytest.mark.parametrize(
    ("error", "state", "failures"),
    [("transient", "QUEUED", 1), ("uncertain", "UNKNOWN", 1), ("configuration", "QUEUED", 0), ("bug", "UNKNOWN", 1)],
)
def test_a_call_that_fails_ends_it_and_what_was_answered_before_is_stored(
    scene: Scene, during: Callable[[During], None], error: str, state: str, failures: int
) -> None:
    queue_many(scene, 12)
    during(lambda number: scene.books.tell(Rule(error, times=1)))

    turn(scene)

    erp = scene.refreshed()
    assert (calls(scene.books), count("SUCCESS"), count(state)) == (
        [("export", SIZE)] * 2,
        SIZE,
        SIZE if state == "UNKNOWN" else 7,
    )
    assert (erp.failures_in_a_row, erp.lease_until) == (failures, None)
    erp.resume(scene.dora.user)
    scene.let_time_pass()
    scene.drain()
    assert count("SUCCESS") == 12
    check_invariants(scene.connection, scene.books)


def test_what_is_in_doubt_is_asked_about_before_more_is_sent(scene: Scene) -> None:
    queue_many(scene, 16)
    scene.books.tell(Rule("nobody knows", code="01-0001", times=1))

    turn(scene)
    turn(scene)

    assert calls(scene.books) == [("export", SIZE), ("export", SIZE), ("find", 1)]
    scene.drain()
    assert count("SUCCESS") == 16
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("number", [1, 2])
def test_a_lease_that_is_lost_in_a_call_leaves_its_codes_to_the_successor(
    scene: Scene, during: Callable[[During], None], number: int, transactional_db: None
) -> None:
    queue_many(scene, 12)

    def steal(call: int) -> None:
        if call == number:
            Connection.objects.update(lease_until=None)
            assert leases.take(Connection.objects.filter(pk=scene.connection.pk))

    during(steal)

    turn(scene)

    assert (len(calls(scene.books)), count("SUCCESS")) == (number, SIZE * (number - 1))
    Connection.objects.update(lease_until=None)
    scene.drain()
    assert (count("SUCCESS"), len(scene.books.items())) == (12, 12)
    check_invariants(scene.connection, scene.books)


def test_an_answer_that_cannot_be_stored_is_asked_about(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_many(scene, 6)

    def fail(*words: Any, **how: Any) -> None:
        raise OSError("The database is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(portions, "store", fail)
        with pytest.raises(OSError, match="gone"):
            turn(scene)

    assert (len(calls(scene.books)), count("EXPORTING"), scene.refreshed().lease_until) == (2, 6, None)
    scene.drain()
    assert (count("SUCCESS"), len(scene.books.items())) == (6, 6)
    check_invariants(scene.connection, scene.books)
