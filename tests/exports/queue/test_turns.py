"""Several portions under one lease: what one answered is stored while the ERP works on the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state as worker
from django.db import connection as database
from django.db.models.functions import Now

from companies.models import Member
from core import broker
from core.clock import in_seconds
from erp_integrations.base import CodeData, Outcome, Refused
from erp_integrations.models import Connection, Question
from exports import queue, services
from exports.models import Attempt, CodeExport, Status
from exports.queue import leases, portions
from exports.queue.recovery import free, set_free
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Books, Rule, ScriptedAdapter
from tests.exports.steps import changed, make_many, queries, update
from tests.patience import PATIENCE_S

AGES_S = 3600
During = Callable[[int], None]  # is told the number of the call


def queue_many(scene: Scene, number: int) -> None:
    make_many(scene, "01", number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())


def turn(scene: Scene) -> bool:
    return queue.export_portions(scene.connection.pk, time.monotonic() + AGES_S)


def calls(books: Books) -> list[tuple[str, int]]:
    return [(event["call"], len(event["codes"])) for event in books.events("start")]


def count(status: str) -> int:
    return CodeExport.objects.filter(status=status).count()


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[During], None]:
    """Makes the ERP do something at the end of each call."""

    def arrange(act: During) -> None:
        numbers = iter(range(1, 100))
        export_codes = ScriptedAdapter.export_codes

        def export(self: ScriptedAdapter, codes: Sequence[CodeData]) -> list[Outcome]:
            outcomes = export_codes(self, codes)
            act(next(numbers))
            return list(outcomes)

        monkeypatch.setattr(ScriptedAdapter, "export_codes", export)

    return arrange


def test_a_turn_goes_on_until_nothing_is_due(scene: Scene) -> None:
    queue_many(scene, 120)

    assert turn(scene) is True

    assert calls(scene.books) == [("export", 50), ("export", 50), ("export", 20)]
    assert (count("SUCCESS"), scene.refreshed().lease_until) == (120, None)
    assert turn(scene) is False
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize(
    ("who", "sent"),
    [
        ("a connection", 100),
        ("a call of another kind", 100),
        ("a question", 100),
        ("nobody", 150),
        ("nobody for long", 200),
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
    queue_many(scene, 200)
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
    assert calls(scene.books) == [("export", 50)] * (sent // 50)
    assert (count("SUCCESS"), mine.filter(status="QUEUED").count()) == (sent, 200 - sent)


@pytest.mark.parametrize("told", ["should_stop", "should_terminate"])
def test_it_ends_when_its_worker_is_to_end(
    scene: Scene, during: Callable[[During], None], monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    queue_many(scene, 200)
    during(lambda number: monkeypatch.setattr(worker, told, 0) if number == 2 else None)

    turn(scene)

    assert (calls(scene.books), count("SUCCESS"), count("QUEUED")) == ([("export", 50)] * 2, 100, 100)
    check_invariants(scene.connection, scene.books)


def test_an_answer_is_stored_while_the_erp_works_on_the_next(
    scene: Scene, during: Callable[[During], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_many(scene, 60)
    second_runs, first_is_stored = Event(), Event()
    store = portions.store

    def slow_call(number: int) -> None:
        if number == 2:
            second_runs.set()
            assert first_is_stored.wait(PATIENCE_S)

    def watched_store(*words: Any) -> list[CodeExport]:
        assert second_runs.wait(PATIENCE_S)
        rows = store(*words)
        first_is_stored.set()
        return rows

    during(slow_call)
    monkeypatch.setattr(portions, "store", watched_store)

    turn(scene)

    assert count("SUCCESS") == 60
    check_invariants(scene.connection, scene.books)


def test_it_ends_when_the_connection_is_paused(scene: Scene, during: Callable[[During], None]) -> None:
    queue_many(scene, 60)
    during(lambda number: scene.connection.pause(scene.dora.user))

    turn(scene)

    assert (calls(scene.books), count("SUCCESS"), count("QUEUED")) == ([("export", 50)], 50, 10)
    assert scene.refreshed().lease_until is None


def test_each_call_has_the_settings_as_they_are_then(scene: Scene, during: Callable[[During], None]) -> None:
    queue_many(scene, 60)
    others = Books(scene.books.path.with_name("others"))
    for number in range(50):  # so that the ids go on there
        others.add(CodeData("", f"99-{number}", "Theirs", income_account=None), by_hand=True)

    def move(number: int) -> None:
        if number == 1:  # the second call is in a thread, with a connection to the database of its own
            Connection.objects.update(options={"journal": str(others.path)})

    during(move)

    turn(scene)

    assert (calls(scene.books), calls(others)) == ([("export", 50)], [("export", 10)])
    assert count("SUCCESS") == 60


def test_a_call_more_takes_few_statements(scene: Scene) -> None:
    """To renew the lease and to begin; to renew it and to store: one on PostgreSQL, one for each table on SQLite."""
    taken = []
    for division, number in (("01", 150), ("02", 200)):
        make_many(scene, division, number)
        services.queue_codes(scene.alice, scene.connection, scene.seen())
        taken.append(len(queries(lambda: turn(scene))))

    assert taken[1] - taken[0] == (4 if database.vendor == "postgresql" else 7)


def test_what_is_retried_within_a_turn_keeps_both_tries(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_many(scene, 160)
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
    [first] = portions.claim(lease, portions.next_rows(lease, CodeExport.objects.due()))
    portions.store(lease, [first], {first.row.reference: Refused(first.row.reference, "No.")})
    services.retry_codes(scene.alice, scene.connection, [first.row.pk])
    [again] = portions.claim(lease, portions.next_rows(lease, CodeExport.objects.due()), waits=True)
    Member.objects.filter(pk=scene.alice.pk).update(can_push_to_accounting=False)

    assert portions.begin(lease, [again.row.pk]) == set()


class TestOneCallCarriesOneKind:
    """Also what is claimed for later calls: new codes, or updates, or one code alone."""

    def test_updates_go_after_new_codes(self, scene: Scene) -> None:
        changed(scene, "09-100")
        update(scene, "09-100")
        queue_many(scene, 160)

        turn(scene)

        sent = [call for call in calls(scene.books) if call[0] != "find"][1:]  # the first made 09-100
        assert sent == [*[("export", 50)] * 3, ("export", 10), ("update", 1)]
        assert count("SUCCESS") == 161
        check_invariants(scene.connection, scene.books)

    def test_new_codes_that_come_meanwhile_go_after_updates(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, transactional_db: None
    ) -> None:
        codes = [f"09-{number}" for number in range(100, 260)]
        changed(scene, *codes)
        for code in codes:
            update(scene, code)
        before = len(calls(scene.books))
        numbers, go_on = iter(range(1, 100)), portions.Turn.go_on

        def come(*words: Any) -> None:
            if next(numbers) == 2:  # ten updates wait for their call
                queue_many(scene, 20)
            go_on(*words)

        monkeypatch.setattr(portions.Turn, "go_on", come)

        turn(scene)

        assert calls(scene.books)[before:] == [*[("update", 50)] * 3, ("update", 10), ("export", 20)]
        assert count("SUCCESS") == 180
        check_invariants(scene.connection, scene.books)

    def test_a_code_whose_answers_were_lost_goes_alone(self, scene: Scene) -> None:
        queue_many(scene, 160)
        CodeExport.objects.filter(code="01-0001").update(doubts=portions.ALONE_AFTER)

        turn(scene)

        assert calls(scene.books) == [*[("export", 50)] * 3, ("export", 9), ("export", 1)]
        check_invariants(scene.connection, scene.books)


class TestWhatWasClaimedForSeveralCalls:
    """160 codes: a call of 50, then 110 are claimed at once, for three calls."""

    @pytest.fixture(autouse=True)
    def codes(self, transactional_db: None, scene: Scene) -> None:  # the second call has a connection of its own
        queue_many(scene, 160)

    def waiting(self) -> int:
        return Attempt.objects.filter(began_at=None, ended_at=None).count()

    def freed(self) -> int:
        return Attempt.objects.filter(began_at=None, outcome=Attempt.Outcome.NOT_SENT).count()

    def test_only_the_codes_of_a_call_have_begun_when_it_begins(
        self, scene: Scene, during: Callable[[During], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And while the second is under way the rest is claimed."""
        seen: list[int] = []
        done = [Event() for _ in range(4)]
        went_on, go_on = iter(done[1:]), portions.Turn.go_on
        done[0].set()  # the first has nothing beside it

        def watched(*words: Any) -> None:
            go_on(*words)
            next(went_on).set()

        def look(number: int) -> None:
            assert done[number - 1].wait(PATIENCE_S)
            seen.append(self.waiting())

        monkeypatch.setattr(portions.Turn, "go_on", watched)
        during(look)

        turn(scene)

        assert seen == [0, 60, 10, 0]
        assert (count("SUCCESS"), self.waiting(), self.freed()) == (160, 0, 0)
        check_invariants(scene.connection, scene.books)

    @pytest.mark.parametrize("how", ["transient", "configuration", "uncertain"])
    def test_they_are_queued_again_when_a_call_fails(
        self, scene: Scene, during: Callable[[During], None], how: str
    ) -> None:
        during(lambda number: scene.books.tell(Rule(how, times=1)) if number == 1 else None)

        turn(scene)

        assert (len(calls(scene.books)), count("SUCCESS"), self.waiting(), self.freed()) == (2, 50, 0, 60)
        assert CodeExport.objects.filter(status="QUEUED", tries=0, doubts=0, waits=0).count() >= 60
        scene.refreshed().resume(scene.dora.user)
        scene.let_time_pass()
        scene.drain()
        assert (count("SUCCESS"), len(scene.books.items())) == (160, 160)
        check_invariants(scene.connection, scene.books)

    def test_they_are_queued_again_when_the_connection_is_paused(
        self, scene: Scene, during: Callable[[During], None]
    ) -> None:
        during(lambda number: scene.connection.pause(scene.dora.user) if number == 2 else None)

        turn(scene)

        assert (calls(scene.books), count("SUCCESS"), count("QUEUED")) == ([("export", 50)] * 2, 100, 60)
        assert (self.waiting(), scene.refreshed().lease_until) == (0, None)
        check_invariants(scene.connection, scene.books)

    def test_they_are_not_sent_when_whoever_accepted_them_may_no_longer(
        self, scene: Scene, during: Callable[[During], None]
    ) -> None:
        mine = Member.objects.filter(pk=scene.alice.pk)
        during(lambda number: mine.update(can_push_to_accounting=False) if number == 2 else None)

        turn(scene)
        queue.sweep()

        assert (calls(scene.books), count("SUCCESS"), count("READY")) == ([("export", 50)] * 2, 100, 60)
        check_invariants(scene.connection, scene.books)

    def test_each_call_has_the_settings_as_they_are_then(self, scene: Scene, during: Callable[[During], None]) -> None:
        others = Books(scene.books.path.with_name("others"))
        for number in range(100):  # so that the ids go on there
            others.add(CodeData("", f"99-{number}", "Theirs", income_account=None), by_hand=True)
        moved = {"options": {"journal": str(others.path)}}
        during(lambda number: Connection.objects.update(**moved) if number == 2 else None)

        turn(scene)

        assert (calls(scene.books), calls(others)) == ([("export", 50)] * 2, [("export", 50), ("export", 10)])

    def test_those_of_another_connection_are_left_to_its_holder(self, scene: Scene) -> None:
        other = factories.make_connection(
            scene.connection.company, name="Other", slug="other", erp=scene.connection.erp
        )
        values = {"status": "SENDING", "lease_token": 7, "income_account": factories.make_account(other)}
        row = factories.make_export("09-100", other, **values)
        Attempt.objects.create(
            export=row, generation=1, request_key="k", lease_token=7, payload={}, began_at=None, ended_at=None
        )
        lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
        assert lease

        set_free(lease)

        assert (CodeExport.objects.get(pk=row.pk).status, self.waiting()) == ("SENDING", 1)

    def test_what_was_queued_again_does_not_begin_any_more(self, scene: Scene) -> None:
        lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
        assert lease
        due = CodeExport.objects.due()
        portions.claim(lease, portions.next_rows(lease, due, 50))
        waiting = [one.row for one in portions.claim(lease, portions.next_rows(lease, due, 110), waits=True)]
        free(waiting[10:])

        assert portions.begin(lease, [row.pk for row in waiting]) == {row.pk for row in waiting[:10]}

    def test_after_a_kill_those_that_were_never_sent_are_simply_sent(
        self, scene: Scene, during: Callable[[During], None]
    ) -> None:
        class Killed(BaseException):
            pass

        def die(number: int) -> None:
            if number == 2:
                raise Killed

        during(die)
        with pytest.raises(Killed):
            turn(scene)
        assert (count("SENDING"), self.waiting()) == (110, 60)
        Connection.objects.update(lease_until=in_seconds(-1))

        queue.sweep()

        assert (count("UNKNOWN"), count("QUEUED")) == (50, 60)
        scene.let_time_pass()
        scene.drain()
        asked = [codes for call, codes in calls(scene.books) if call == "find"]
        assert (sum(asked), count("SUCCESS"), len(scene.books.items())) == (50, 160, 160)
        check_invariants(scene.connection, scene.books)


def test_codes_cancelled_meanwhile_are_not_sent(scene: Scene, during: Callable[[During], None]) -> None:
    queue_many(scene, 60)
    left = list(CodeExport.objects.order_by("sort_key")[50:])

    def cancel(number: int) -> None:
        services.cancel_codes(scene.alice, scene.connection, [row.pk for row in left])

    during(cancel)

    turn(scene)

    assert (calls(scene.books), count("SUCCESS"), count("READY")) == ([("export", 50)], 50, 10)


@pytest.mark.parametrize(
    ("error", "state", "failures"),
    [("transient", "QUEUED", 1), ("uncertain", "UNKNOWN", 1), ("configuration", "QUEUED", 0), ("bug", "UNKNOWN", 1)],
)
def test_a_call_that_fails_ends_it_and_what_was_answered_before_is_stored(
    scene: Scene, during: Callable[[During], None], error: str, state: str, failures: int
) -> None:
    queue_many(scene, 120)
    during(lambda number: scene.books.tell(Rule(error, times=1)))

    turn(scene)

    erp = scene.refreshed()
    assert (calls(scene.books), count("SUCCESS"), count(state)) == (
        [("export", 50)] * 2,
        50,
        50 if state == "UNKNOWN" else 70,
    )
    assert (erp.failures_in_a_row, erp.lease_until) == (failures, None)
    erp.resume(scene.dora.user)
    scene.let_time_pass()
    scene.drain()
    assert count("SUCCESS") == 120
    check_invariants(scene.connection, scene.books)


def test_what_is_in_doubt_is_asked_about_before_more_is_sent(scene: Scene) -> None:
    queue_many(scene, 160)
    scene.books.tell(Rule("nobody knows", code="01-0001", times=1))

    turn(scene)
    turn(scene)

    assert calls(scene.books) == [("export", 50), ("export", 50), ("find", 1)]
    scene.drain()
    assert count("SUCCESS") == 160
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("number", [1, 2])
def test_a_lease_that_is_lost_in_a_call_leaves_its_codes_to_the_successor(
    scene: Scene, during: Callable[[During], None], number: int, transactional_db: None
) -> None:
    queue_many(scene, 120)

    def steal(call: int) -> None:
        if call == number:
            Connection.objects.update(lease_until=None)
            assert leases.take(Connection.objects.filter(pk=scene.connection.pk))

    during(steal)

    turn(scene)

    assert (len(calls(scene.books)), count("SUCCESS")) == (number, 50 * (number - 1))
    Connection.objects.update(lease_until=None)
    scene.drain()
    assert (count("SUCCESS"), len(scene.books.items())) == (120, 120)
    check_invariants(scene.connection, scene.books)


def test_an_answer_that_cannot_be_stored_is_asked_about(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    queue_many(scene, 60)

    def fail(*words: Any) -> None:
        raise OSError("The database is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(portions, "store", fail)
        with pytest.raises(OSError, match="gone"):
            turn(scene)

    assert (len(calls(scene.books)), count("SENDING"), scene.refreshed().lease_until) == (2, 60, None)
    scene.drain()
    assert (count("SUCCESS"), len(scene.books.items())) == (60, 60)
    check_invariants(scene.connection, scene.books)
