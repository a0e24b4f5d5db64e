"""Codes that are claimed for calls to come: which call carries them, and what becomes of them when it never begins."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from companies.models import Member
from core.clock import in_seconds
from erp_integrations.base import CodeData
from erp_integrations.models import Connection
from exports import queue
from exports.models import Attempt, CodeExport
from exports.queue import leases, portions
from exports.queue.recovery import free, set_free
from tests import factories
from tests.exports.queue.turns import SIZE, During, calls, count, queue_many, turn
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Books, Rule
from tests.exports.steps import changed, update
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.usefixtures("small_calls")


class TestOneCallCarriesOneKind:
    """Also what is claimed for later calls: new codes, or updates, or one code alone."""

    def test_updates_go_after_new_codes(self, scene: Scene) -> None:
        changed(scene, "09-100")
        update(scene, "09-100")
        queue_many(scene, 16)

        turn(scene)

        sent = [call for call in calls(scene.books) if call[0] != "find"][1:]  # the first made 09-100
        assert sent == [*[("export", SIZE)] * 3, ("export", 1), ("update", 1)]
        assert count("SUCCESS") == 17
        check_invariants(scene.connection, scene.books)

    def test_new_codes_that_come_meanwhile_go_after_updates(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, transactional_db: None
    ) -> None:
        codes = [f"09-{number}" for number in range(100, 116)]
        changed(scene, *codes)
        for code in codes:
            update(scene, code)
        before = len(calls(scene.books))
        numbers, go_on = iter(range(1, 100)), portions.Turn.go_on

        def come(*words: Any) -> None:
            if next(numbers) == 2:  # one update waits for its call
                queue_many(scene, 2)
            go_on(*words)

        monkeypatch.setattr(portions.Turn, "go_on", come)

        turn(scene)

        assert calls(scene.books)[before:] == [*[("update", SIZE)] * 3, ("update", 1), ("export", 2)]
        assert count("SUCCESS") == 18
        check_invariants(scene.connection, scene.books)

    def test_a_code_whose_answers_were_lost_goes_alone(self, scene: Scene) -> None:
        queue_many(scene, 17)
        CodeExport.objects.filter(code="01-0001").update(lost_answers=portions.ALONE_AFTER)

        turn(scene)

        assert calls(scene.books) == [*[("export", SIZE)] * 3, ("export", 1), ("export", 1)]
        check_invariants(scene.connection, scene.books)


class TestWhatWasClaimedForSeveralCalls:
    """16 codes: a call of 5, then 11 are claimed at once, for three calls."""

    @pytest.fixture(autouse=True)
    def codes(self, transactional_db: None, scene: Scene) -> None:  # the second call has a connection of its own
        queue_many(scene, 16)

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

        assert seen == [0, 6, 1, 0]
        assert (count("SUCCESS"), self.waiting(), self.freed()) == (16, 0, 0)
        check_invariants(scene.connection, scene.books)

    @pytest.mark.parametrize("how", ["transient", "configuration", "uncertain"])
    def test_they_are_queued_again_when_a_call_fails(
        self, scene: Scene, during: Callable[[During], None], how: str
    ) -> None:
        during(lambda number: scene.books.tell(Rule(how, times=1)) if number == 1 else None)

        turn(scene)

        assert (len(calls(scene.books)), count("SUCCESS"), self.waiting(), self.freed()) == (2, SIZE, 0, 6)
        assert CodeExport.objects.filter(status="QUEUED", tries=0, lost_answers=0, waits=0).count() >= 6
        scene.refreshed().resume(scene.dora.user)
        scene.let_time_pass()
        scene.drain()
        assert (count("SUCCESS"), len(scene.books.items())) == (16, 16)
        check_invariants(scene.connection, scene.books)

    def test_they_are_queued_again_when_the_connection_is_paused(
        self, scene: Scene, during: Callable[[During], None]
    ) -> None:
        during(lambda number: scene.connection.pause(scene.dora.user) if number == 2 else None)

        turn(scene)

        assert (calls(scene.books), count("SUCCESS"), count("QUEUED")) == ([("export", SIZE)] * 2, 10, 6)
        assert (self.waiting(), scene.refreshed().lease_until) == (0, None)
        check_invariants(scene.connection, scene.books)

    def test_they_are_not_sent_when_whoever_accepted_them_may_no_longer(
        self, scene: Scene, during: Callable[[During], None]
    ) -> None:
        mine = Member.objects.filter(pk=scene.alice.pk)
        during(lambda number: mine.update(can_push_to_accounting=False) if number == 2 else None)

        turn(scene)
        queue.sweep()

        assert (calls(scene.books), count("SUCCESS"), count("READY")) == ([("export", SIZE)] * 2, 10, 6)
        check_invariants(scene.connection, scene.books)

    def test_each_call_has_the_settings_as_they_are_then(self, scene: Scene, during: Callable[[During], None]) -> None:
        others = Books(scene.books.path.with_name("others"))
        for number in range(100):  # so that the ids go on there
            others.add(CodeData("", f"99-{number}", "Theirs", income_account=None), by_hand=True)
        moved = {"options": scene.connection.options | {"journal": str(others.path)}}
        during(lambda number: Connection.objects.update(**moved) if number == 2 else None)

        turn(scene)

        assert (calls(scene.books), calls(others)) == ([("export", SIZE)] * 2, [("export", SIZE), ("export", 1)])

    def test_those_of_another_connection_are_left_to_its_holder(self, scene: Scene) -> None:
        other = factories.make_connection(
            scene.connection.company, name="Other", slug="other", erp=scene.connection.erp
        )
        values = {"status": "EXPORTING", "lease_token": 7, "income_account": factories.make_account(other)}
        row = factories.make_export("09-100", other, **values)
        Attempt.objects.create(
            export=row, generation=1, request_key="k", lease_token=7, payload={}, began_at=None, ended_at=None
        )
        lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
        assert lease

        set_free(lease)

        assert (CodeExport.objects.get(pk=row.pk).status, self.waiting()) == ("EXPORTING", 1)

    def test_what_was_queued_again_does_not_begin_any_more(self, scene: Scene) -> None:
        lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
        assert lease
        portions.claim(lease, portions.next_rows(lease, SIZE))
        waiting = [one.row for one in portions.claim(lease, portions.next_rows(lease, 11), waits=True)]
        free(waiting[3:])

        assert portions.begin(lease, [row.pk for row in waiting]) == {row.pk for row in waiting[:3]}

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
        assert (count("EXPORTING"), self.waiting()) == (11, 6)
        Connection.objects.update(lease_until=in_seconds(-1))

        queue.sweep()

        assert (count("UNKNOWN"), count("QUEUED")) == (SIZE, 6)
        scene.let_time_pass()
        scene.drain()
        asked = [codes for call, codes in calls(scene.books) if call == "find"]
        assert (sum(asked), count("SUCCESS"), len(scene.books.items())) == (SIZE, 16, 16)
        check_invariants(scene.connection, scene.books)
