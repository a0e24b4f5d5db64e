"""An approved update: from a synced code that differs, through the queue, to the ERP's item with the new values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from companies.models import Level
from exports import queue, services
from exports.models import Attempt, Batch, Drift, Invalid, Status
from tests import factories
from tests.exports.queue.test_recovery import calls
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule, ScriptedAdapter
from tests.exports.steps import by_hand, changed, describe, events, held, link, put, synced, update
from wbs.models import Hold

# Accepting


def test_an_update_gives_the_item_the_description_of_the_wbs(scene: Scene) -> None:
    changed(scene, "01-100")

    result = update(scene)

    row = scene.row("01-100")
    assert (result.count, result.problems, row.status, row.generation) == (1, [], "QUEUED", 2)
    assert (row.description, row.description_key, row.item_version) == ("Renamed here", "renamed here", 2)
    assert (row.batch, row.export_batch, row.batch.kind) == (result.batch, result.batch, Batch.Kind.UPDATE)
    assert (Hold.objects.get().lock, Hold.objects.get().item_version) == (Hold.Lock.ALL, 2)
    assert events("export.update_queued") == [("01-100", "Success", "Queued")]

    scene.drain()

    row.refresh_from_db()
    assert (row.status, row.remote_id, row.before_update, row.receipt["description"]) == (
        "SUCCESS",
        "R1",
        None,
        "Renamed here",
    )
    assert (held(scene)["description"], len(scene.books.items())) == ("Renamed here", 1)
    assert (Hold.objects.get().lock, Hold.objects.get().item_version) == (Hold.Lock.CODE, 2)
    assert Attempt.objects.first().payload["remote_id"] == "R1"
    check_invariants(scene.connection, scene.books)


def test_accounts_of_a_synced_code_change_by_an_update(scene: Scene) -> None:
    synced(scene, "01-100")
    other = factories.make_account(scene.connection, "4100")

    assert update(scene, income_id=other.pk, expense_id=None).count == 1
    scene.drain()

    assert (held(scene)["income_account"], held(scene)["expense_account"]) == ("4100", None)
    assert (scene.row("01-100").income_account, scene.row("01-100").expense_account) == (other, None)
    check_invariants(scene.connection, scene.books)


def test_what_was_changed_in_the_erp_is_overwritten_and_no_longer_marked(scene: Scene) -> None:
    synced(scene, "01-100")
    scene.books.write("edited", remote_id="R1", description="Renamed there")
    services.read_items(scene.connection)

    assert update(scene).count == 1
    scene.drain()

    row = scene.row("01-100")
    assert (row.status, row.drift, row.erp_values) == ("SUCCESS", "", None)
    assert held(scene)["description"] == "Description 01-100"
    services.read_items(scene.connection)
    assert scene.row("01-100").drift == ""


def test_a_linked_code_without_accounts_updates_its_item_whose_code_is_written_another_way(scene: Scene) -> None:
    scene.send("01-100")
    by_hand(scene, "1.100")
    services.read_items(scene.connection)
    link(scene, **{"01-100": "R1"})

    assert update(scene, income_id=scene.income.pk).count == 1
    scene.drain()

    row = scene.row("01-100")
    assert (row.status, row.code, row.remote_code) == ("SUCCESS", "01-100", "1.100")
    assert (held(scene)["code"], held(scene)["description"]) == ("1.100", "Description 01-100")
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_an_updated_code_can_be_unlinked_sent_again_and_updated_again(scene: Scene) -> None:
    changed(scene, "01-100")
    update(scene)
    scene.drain()
    describe("01-100", "And again")
    update(scene)
    scene.drain()

    services.unlink_code(scene.alice, scene.row("01-100"), "Wrong item")
    services.send_codes(scene.dora, scene.connection, [scene.row("01-100").item_id])
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.drain()

    assert (scene.states(), scene.row("01-100").generation) == ({"01-100": "SUCCESS"}, 4)
    assert (held(scene)["description"], len(scene.books.items())) == ("And again", 1)
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("stale", ["version", "item_version"])
def test_a_code_that_is_not_as_it_was_seen_stays(scene: Scene, stale: str) -> None:
    changed(scene, "01-100")

    result = update(scene, **{stale: 1})

    assert (result.count, result.changed, result.own) == (0, 1, 0)
    assert scene.states() == {"01-100": "SUCCESS"}
    assert not Batch.objects.filter(kind=Batch.Kind.UPDATE).exists()


def test_a_change_in_the_erp_that_was_not_seen_is_not_overwritten(scene: Scene) -> None:
    changed(scene, "01-100")
    seen = scene.row("01-100").version
    scene.books.write("edited", remote_id="R1", description="Renamed there")
    services.read_items(scene.connection)

    assert update(scene, version=seen).changed == 1
    assert update(scene).count == 1


def test_with_four_eyes_nobody_updates_what_they_sent(scene: Scene) -> None:
    changed(scene, "01-100")
    scene.dora.company.four_eyes = True

    result = update(scene, who=scene.dora)

    assert (result.count, result.own, result.changed) == (0, 1, 0)
    assert scene.states() == {"01-100": "SUCCESS"}


def test_with_four_eyes_nobody_updates_what_they_wrote(scene: Scene) -> None:
    synced(scene, "01-100")
    item = scene.row("01-100").item
    item.change("100", "Renamed by alice", item.parent, item.version, scene.alice.user)
    scene.alice.company.four_eyes = True

    [problem] = update(scene).problems

    assert problem.sentence.startswith("You changed it in the WBS.")
    assert scene.states() == {"01-100": "SUCCESS"}
    other = factories.make_member("erin", scene.alice.company, erp=Level.STANDARD, approver=True)
    assert update(scene, who=other).count == 1


def test_another_companys_member_updates_nothing(scene: Scene) -> None:
    changed(scene, "01-100")

    assert update(scene, who=factories.make_charlie()).count == 0
    assert scene.states() == {"01-100": "SUCCESS"}


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SUCCESS}))
def test_only_a_synced_code_is_updated(scene: Scene, status: Status) -> None:
    scene.ready("01-100")
    put("01-100", status)
    describe("01-100")

    assert update(scene).count == 0
    assert scene.states() == {"01-100": status}


def test_an_erp_that_takes_no_new_values_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(scene, "01-100")
    unable = replace(ScriptedAdapter.capabilities, updates_items=False)
    monkeypatch.setattr(ScriptedAdapter, "capabilities", unable)

    [problem] = update(scene).problems

    assert problem.sentence.startswith("Scripted ERP takes no new values")
    assert scene.states() == {"01-100": "SUCCESS"}


@pytest.mark.parametrize(
    ("there", "sentence"),
    [
        (("gone", {}), "The ERP no longer has the item."),
        (("edited", {"code": "X"}), "The item has another code in the ERP by now."),
    ],
)
def test_an_item_that_is_gone_or_another_is_not_updated(scene: Scene, there: Any, sentence: str) -> None:
    changed(scene, "01-100")
    scene.books.write(there[0], remote_id="R1", **there[1])
    services.read_items(scene.connection)

    [problem] = update(scene).problems

    assert problem.sentence.startswith(sentence)


def test_what_the_erp_would_refuse_is_told_at_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(scene, "01-100")
    strict = replace(ScriptedAdapter.capabilities, description_limit=5)
    monkeypatch.setattr(ScriptedAdapter, "capabilities", strict)

    [problem] = update(scene).problems

    assert "allows 5 characters for a description" in problem.sentence
    assert scene.states() == {"01-100": "SUCCESS"}


def test_nothing_new_is_no_update(scene: Scene) -> None:
    synced(scene, "01-100")

    assert [problem.sentence for problem in update(scene).problems] == ["The ERP holds these values already."]


@pytest.mark.parametrize("which", ["none", "inactive", "wrong kind", "another connection's"])
def test_an_account_that_the_list_does_not_offer_is_refused(scene: Scene, which: str) -> None:
    changed(scene, "01-100")
    other = factories.make_connection(slug="other")
    account = {
        "none": None,
        "inactive": factories.make_account(scene.connection, "4100", is_active=False).pk,
        "wrong kind": scene.expense.pk,
        "another connection's": factories.make_account(other, "4200").pk,
    }[which]

    with pytest.raises(Invalid):
        update(scene, income_id=account)

    assert scene.states() == {"01-100": "SUCCESS"}


# On the way


def test_one_call_carries_new_codes_or_updates(scene: Scene) -> None:
    changed(scene, "01-100", "01-200")
    update(scene, "01-100")
    update(scene, "01-200")
    scene.queue("02-100", "02-200")

    scene.drain()

    assert calls(scene, "export")[1:] == [["02-100", "02-200"]]
    assert calls(scene, "update") == [["01-100", "01-200"]]
    assert set(scene.states().values()) == {"SUCCESS"}
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("lost", ["after:uncertain", "nobody knows", "missing", "no id", "bug"])
def test_a_lost_answer_is_found_out(scene: Scene, lost: str) -> None:
    changed(scene, "01-100")
    scene.books.tell(Rule(lost, "01-100", on="update", times=1))
    update(scene)

    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert (held(scene)["description"], scene.row("01-100").before_update) == ("Renamed here", None)
    check_invariants(scene.connection, scene.books)


def test_what_was_not_executed_goes_again_under_the_same_request_key(scene: Scene) -> None:
    changed(scene, "01-100")
    scene.books.tell(Rule("uncertain", on="update", times=1))
    update(scene)

    scene.drain()

    attempts = Attempt.objects.filter(generation=2).order_by("id")
    assert list(attempts.values_list("outcome", flat=True)) == ["absent", "exported"]
    assert len(set(attempts.values_list("request_key", flat=True))) == 1
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_other_values_are_not_believed_before_the_settle_time(scene: Scene, settings: Any) -> None:
    changed(scene, "01-100")
    settings.EXPORT_SETTLE_S = 1000
    scene.books.tell(Rule("uncertain", on="update", times=1))
    update(scene)

    for _ in range(4):
        scene.portion()

    assert (scene.states(), len(calls(scene, "update"))) == ({"01-100": "UNKNOWN"}, 1)
    settings.EXPORT_SETTLE_S = 0
    scene.let_time_pass()
    scene.drain()
    assert (scene.states(), len(calls(scene, "update"))) == ({"01-100": "SUCCESS"}, 2)


@pytest.mark.parametrize("place", ["claimed", "answered"])
def test_a_worker_that_dies_around_the_call_loses_nothing(
    scene: Scene, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As K1 and K3: the process is gone, its lease runs out."""
    changed(scene, "01-100")
    update(scene)

    class Died(BaseException):
        pass

    def die(here: str) -> None:
        if here == place:
            raise Died

    with monkeypatch.context() as patch:
        patch.setattr("exports.queue.portions.crashpoint", die)
        with pytest.raises(Died):
            queue.export_portions(scene.connection.pk)
    assert scene.states() == {"01-100": "EXPORTING"}
    queue.free_leases()

    scene.drain()

    assert (scene.states(), held(scene)["description"]) == ({"01-100": "SUCCESS"}, "Renamed here")
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_an_item_that_is_gone_when_the_erp_is_asked_needs_review(scene: Scene) -> None:
    changed(scene, "01-100")
    scene.books.tell(Rule("uncertain", on="update", times=1))
    update(scene)
    scene.portion()
    scene.books.write("gone", remote_id="R1")

    scene.drain()

    row = scene.row("01-100")
    assert (row.status, row.drift) == ("ATTENTION", Drift.ORPHANED)
    assert row.message == "The ERP no longer has the item of 01-100. Keep the code as it is, then unlink it."
    services.cancel_codes(scene.alice, scene.connection, [row.pk])
    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(scene.books.items()) == 1, "it is not made again"


def test_an_item_of_someone_else_under_our_code_is_not_taken_for_ours(scene: Scene) -> None:
    changed(scene, "01-100")
    scene.books.tell(Rule("uncertain", on="update", times=1))
    update(scene)
    scene.portion()
    scene.books.write("gone", remote_id="R1")
    by_hand(scene, "01-100", "Renamed here")

    scene.drain()

    assert (scene.row("01-100").status, scene.row("01-100").remote_id) == ("ATTENTION", "R1")


def test_an_update_that_is_executed_late_does_no_harm(scene: Scene) -> None:
    """After the ERP was asked; then it is given the same values again."""
    changed(scene, "01-100")
    scene.books.tell(Rule("late", on="update", times=1))
    update(scene)

    scene.drain()

    assert (scene.states(), held(scene)["description"]) == ({"01-100": "SUCCESS"}, "Renamed here")
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)
