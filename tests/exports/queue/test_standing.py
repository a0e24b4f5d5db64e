"""Fault row 27: whoever loses the right to accept has accepted nothing that has not left yet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from companies.members import change_rights, remove_member, set_four_eyes
from companies.models import Level, Member
from exports import queue, services
from exports.models import Batch, CodeExport
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import changed, describe, events, put, queries, synced, update


def deactivate(member: Member) -> None:
    member.user.is_active = False
    member.user.save()


LOSSES: dict[str, Callable[[Member], object]] = {
    "the flag": lambda member: change_rights(member, None, can_push_to_accounting=False),
    "Standard": lambda member: change_rights(member, None, erp_level=Level.READ_ONLY),
    "the membership": lambda member: remove_member(member, None),
    "the sign-in": deactivate,
}
LOST = pytest.mark.parametrize("what", LOSSES)


def lose(scene: Scene, what: str = "the flag") -> None:
    LOSSES[what](Member.objects.get(pk=scene.alice.pk))


@LOST
def test_what_they_queued_is_not_sent_and_comes_back(scene: Scene, what: str) -> None:
    factories.make_member("erin", admin=Level.ADMIN)
    scene.queue("01-100")
    lose(scene, what)

    assert not scene.portion()
    queue.sweep()

    row = scene.row("01-100")
    assert scene.books.events("start") == []
    assert (row.status, row.message) == (
        "READY",
        "Not sent. alice, who accepted it, may no longer do so. Accept it again.",
    )
    assert events("export.ready") == [("01-100", "Queued", f"Ready to Export: {row.message}")]
    check_invariants(scene.connection, scene.books)


def test_what_others_accepted_goes_on(scene: Scene) -> None:
    scene.queue("01-100")
    scene.ready("01-200")
    services.queue_codes(scene.dora, scene.connection, scene.seen())
    lose(scene)

    scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "READY", "01-200": "SUCCESS"}


def test_someone_else_accepts_it_again(scene: Scene) -> None:
    scene.queue("01-100")
    lose(scene)
    queue.sweep()

    services.queue_codes(scene.dora, scene.connection, scene.seen())
    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert scene.row("01-100").message == ""
    check_invariants(scene.connection, scene.books)


def test_rights_in_another_company_do_not_count(scene: Scene) -> None:
    scene.queue("01-100")
    factories.make_alice(factories.make_company("Other Builders", "other-builders"))
    lose(scene, "the flag")

    assert not scene.portion()


def test_a_lower_right_that_is_enough_changes_nothing(scene: Scene) -> None:
    change_rights(scene.alice, None, erp_level=Level.ADMIN)
    scene.queue("01-100")
    change_rights(scene.alice, None, erp_level=Level.STANDARD)

    scene.portion()

    assert scene.states() == {"01-100": "SUCCESS"}


def test_what_waits_for_its_time_does_not_leave_later(scene: Scene) -> None:
    """Not sent and to be tried again: the acceptance is the old one."""
    scene.queue("01-100")
    scene.books.tell(Rule("not sent", "01-100", times=1))
    scene.portion()
    assert scene.states() == {"01-100": "QUEUED"}
    lose(scene)

    scene.let_time_pass()
    assert not scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "READY"}


def test_what_they_retried_does_not_leave(scene: Scene) -> None:
    [row] = scene.ready("01-100")
    put("01-100", "FAILED", message="E42")
    services.retry_codes(scene.alice, scene.connection, [row.pk])
    lose(scene)

    assert not scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "READY"}


def test_what_was_to_be_asked_about_first_is_not_even_asked_about(scene: Scene) -> None:
    [row] = scene.ready("01-100")
    put("01-100", "ATTENTION")
    services.retry_codes(scene.alice, scene.connection, [row.pk])
    lose(scene)

    assert not scene.portion()
    queue.sweep()

    assert (scene.states(), scene.books.events("start")) == ({"01-100": "READY"}, [])
    assert scene.row("01-100").ask_first


def test_what_is_at_the_erp_goes_on_being_resolved(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("after:uncertain", "01-100", times=1))
    scene.portion()
    assert scene.states() == {"01-100": "UNKNOWN"}
    lose(scene)

    scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "SUCCESS"}
    check_invariants(scene.connection, scene.books)


def test_what_turns_out_not_to_be_there_is_not_sent_again(scene: Scene) -> None:
    scene.queue("01-100")
    scene.books.tell(Rule("uncertain", "01-100", times=1))
    scene.portion()
    lose(scene)

    while scene.states() == {"01-100": "UNKNOWN"}:
        scene.portion()
        scene.let_time_pass()
    assert not scene.portion()
    queue.sweep()

    assert (scene.states(), scene.books.items()) == ({"01-100": "READY"}, [])
    check_invariants(scene.connection, scene.books)


def test_an_update_is_held_and_can_be_accepted_or_dropped(scene: Scene) -> None:
    changed(scene, "01-100", "01-200")
    for code in ("01-100", "01-200"):
        update(scene, code)
    lose(scene)

    assert not scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "FAILED", "01-200": "FAILED"}
    assert scene.row("01-100").message == "Not sent. alice, who accepted it, may no longer do so. Accept it again."
    services.retry_codes(scene.dora, scene.connection, [scene.row("01-100").pk])
    services.cancel_codes(scene.dora, scene.connection, [scene.row("01-200").pk])
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS", "01-200": "SUCCESS"}
    check_invariants(scene.connection, scene.books)


def test_an_update_that_may_have_arrived_goes_back_to_review(scene: Scene) -> None:
    synced(scene, "01-100")
    describe("01-100")
    update(scene)
    put("01-100", "ATTENTION")
    services.retry_codes(scene.alice, scene.connection, [scene.row("01-100").pk])
    lose(scene)

    queue.sweep()

    assert scene.states() == {"01-100": "ATTENTION"}


# Four eyes


def test_four_eyes_that_are_wanted_meanwhile_hold_what_its_sender_accepted(scene: Scene) -> None:
    own, _ = scene.ready("01-100", "01-200")
    CodeExport.objects.filter(pk=own.pk).update(sent_by=scene.alice.user)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    set_four_eyes(scene.alice.company, None, wanted=True)

    scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "READY", "01-200": "SUCCESS"}
    assert scene.row("01-100").message == (
        "Not sent. alice sent and accepted it, and four eyes are wanted by now. Someone else accepts it."
    )


def test_what_nobody_sent_stands_with_four_eyes(scene: Scene) -> None:
    scene.queue("01-100")
    CodeExport.objects.update(sent_by=None)
    set_four_eyes(scene.alice.company, None, wanted=True)

    scene.portion()

    assert scene.states() == {"01-100": "SUCCESS"}


def test_a_click_of_nobody_stands(scene: Scene) -> None:
    """Such as a schedule's: it has no rights that could be lost."""
    scene.queue("01-100")
    Batch.objects.update(actor=None)

    scene.portion()

    assert scene.states() == {"01-100": "SUCCESS"}


# Fault row 27, the other half: the credentials


def test_credentials_that_change_while_codes_are_queued_pause_the_connection_and_fail_no_code(scene: Scene) -> None:
    codes = [f"01-{number}" for number in range(100, 220)]
    scene.queue(*codes)
    scene.portion()
    scene.books.tell(Rule("configuration"))

    while scene.portion():
        pass
    queue.sweep()

    states = list(scene.states().values())
    assert (states.count("SUCCESS"), states.count("QUEUED"), states.count("FAILED")) == (50, 70, 0)
    connection = scene.refreshed()
    assert (connection.state, connection.state_message) == (
        "broken",
        "The ERP does not accept the password. Change it in Settings.",
    )
    assert len(events("connection.broken")) == 1
    assert len(scene.books.events("start")) == 2

    scene.books.tell()
    connection.resume(scene.dora.user)
    scene.let_time_pass()
    scene.drain()
    assert set(scene.states().values()) == {"SUCCESS"}
    check_invariants(scene.connection, scene.books)


def test_nothing_more_is_asked_of_the_database_when_all_stands(scene: Scene) -> None:
    before = len(queries(queue.sweep))
    scene.queue("01-100")
    CodeExport.objects.update(due_at=None)

    assert len(queries(queue.sweep)) <= before + 1
