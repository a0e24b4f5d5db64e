from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from erp_integrations.models import Connection
from exports import services
from exports.models import Batch, CodeExport, Status
from exports.queue import erp_calls
from exports.services import KEEP
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import by_hand, events, link, link_row, put, queries, synced
from wbs.models import Hold, SegmentItem


def sentences(result: services.Result) -> dict[str, str]:
    return {problem.code: problem.sentence for problem in result.problems}


# Many codes


def test_many_are_linked_each_to_its_own_item(scene: Scene) -> None:
    scene.send("01-100")
    scene.ready("01-200")
    by_hand(scene, "1.100", "One")
    by_hand(scene, "01-200", "Two")
    services.read_items(scene.connection, scene.alice)

    result = link(scene, **{"01-100": "R1", "01-200": "R2"})

    assert (result.count, result.problems, result.changed) == (2, [], 0)
    rows = CodeExport.objects.order_by("code")
    assert [(row.status, row.remote_id, row.receipt["description"]) for row in rows] == [
        ("SUCCESS", "R1", "One"),
        ("SUCCESS", "R2", "Two"),
    ]
    assert events("export.linked") == [(code, "Ready to Export", "Success") for code in ("01-100", "01-200")]
    assert set(Hold.objects.values_list("lock", flat=True)) == {Hold.Lock.CODE}
    assert len(scene.books.items()) == 2, "nothing was written"
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("status", sorted({"QUEUED", "EXPORTING", "UNKNOWN", "REJECTED"}))
def test_what_is_under_way_is_not_linked(scene: Scene, status: Status) -> None:
    scene.ready("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    put("01-100", status)

    result = link(scene, **{"01-100": "R1"})

    assert (result.count, result.changed) == (0, 1)
    assert scene.states() == {"01-100": status}


def test_a_code_that_is_accepted_while_the_erp_is_asked_stays(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.ready("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    find = erp_calls.find

    def find_slowly(*words):
        services.queue_codes(scene.dora, scene.connection, scene.seen())
        return find(*words)

    monkeypatch.setattr(erp_calls, "find", find_slowly)

    result = link(scene, **{"01-100": "R1"})

    assert (result.count, result.changed, scene.states()) == (0, 1, {"01-100": "QUEUED"})


def test_a_code_whose_accounts_change_while_the_erp_is_asked_stays(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    [row] = scene.ready("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    find = erp_calls.find

    def find_slowly(*words: Any) -> Any:
        services.assign_accounts(scene.dora, scene.connection, scene.seen(ids=(row.pk,)), KEEP, None)
        return find(*words)

    monkeypatch.setattr(erp_calls, "find", find_slowly)

    result = link(scene, **{"01-100": "R1"})

    assert (result.count, result.changed, scene.states()) == (0, 1, {"01-100": "READY"})


def test_an_item_that_is_gone_or_another_by_now_is_not_linked(scene: Scene) -> None:
    scene.send("01-100", "01-200")
    by_hand(scene, "01-200")
    services.read_items(scene.connection, scene.alice)

    result = link(scene, **{"01-100": "R7", "01-200": "R7"})

    told = "The ERP no longer has the item that you saw as {}. Compare with the ERP again."
    assert sentences(result) == {code: told.format(code) for code in ("01-100", "01-200")}
    assert result.count == 0


def test_an_item_that_carries_our_reference_wins_over_the_one_chosen(scene: Scene) -> None:
    """It arrived in an earlier life: linking another would leave two items for one code."""
    [row] = scene.ready("01-100")
    by_hand(scene, "1.100")
    scene.books.add(CodeExport.objects.for_adapter().get(pk=row.pk).as_data())
    services.read_items(scene.connection, scene.alice)

    assert link(scene, **{"01-100": "R1"}).count == 0


def test_one_item_is_not_given_to_two_codes(scene: Scene) -> None:
    scene.send("01-100", "01-200", "01-300")
    by_hand(scene, "ONE")
    services.read_items(scene.connection, scene.alice)
    put("01-300", Status.SUCCESS, remote_id="R1")

    assert sentences(link(scene, **{"01-100": "R1"})) == {"01-100": "The item in the ERP belongs to 01-300 already."}
    put("01-300", Status.READY, remote_id=None)
    result = link(scene, **{"01-100": "R1", "01-200": "R1"})

    assert result.count == 1
    assert sentences(result) == {"01-200": "The item in the ERP belongs to 01-100 already."}


def test_with_four_eyes_nobody_links_what_they_sent(scene: Scene) -> None:
    [row] = scene.send("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    scene.dora.company.four_eyes = True

    result = services.link_codes(scene.dora, scene.connection, {row.pk: "R1"})

    assert (result.count, result.own, result.changed) == (0, 1, 0)


def test_another_companys_member_links_nothing(scene: Scene) -> None:
    [row] = scene.send("01-100")
    by_hand(scene, "01-100")

    assert services.link_codes(factories.make_charlie(), scene.connection, {row.pk: "R1"}).count == 0
    assert scene.states() == {"01-100": "READY"}


def test_an_obstacle_that_the_erp_tells_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.send("01-100")
    by_hand(scene, "01-100")
    find = erp_calls.find

    def find_with_obstacle(*words):
        receipts, error = find(*words)
        return {key: replace(held, obstacle="It is an assembly.") for key, held in receipts.items()}, error

    monkeypatch.setattr(erp_calls, "find", find_with_obstacle)

    assert sentences(link(scene, **{"01-100": "R1"})) == {"01-100": "It is an assembly."}


def test_calls_and_queries_grow_with_portions_not_with_codes(scene: Scene) -> None:
    codes = [f"01-{number}" for number in range(100, 122)]
    scene.send(*codes)
    remote_ids = {code: by_hand(scene, code) for code in codes}
    services.read_items(scene.connection, scene.alice)

    few = queries(lambda: link(scene, **{code: remote_ids[code] for code in codes[:2]}))
    many = queries(lambda: link(scene, **{code: remote_ids[code] for code in codes[2:]}))

    assert len(few) == len(many)
    assert len([event for event in scene.books.events("start") if event["call"] == "find"]) == 2


# One code


def attention(scene: Scene) -> CodeExport:
    """01-100 exists in the ERP, made by someone else."""
    scene.queue("01-100")
    scene.books.tell(Rule("exists", "01-100"))
    scene.portion()
    row = scene.row("01-100")
    assert (row.status, row.message) == ("ATTENTION", "01-100 is there already.")
    return row


def test_link_takes_the_erps_item_for_ours(scene: Scene) -> None:
    row = attention(scene)

    result = link_row(scene.alice, row, "R1")

    row.refresh_from_db()
    assert (result.count, row.status, row.remote_id) == (1, "SUCCESS", "R1")
    assert Hold.objects.get().lock == Hold.Lock.CODE
    check_invariants(scene.connection, scene.books)


def test_link_refuses_another_item_than_the_one_seen(scene: Scene) -> None:
    row = attention(scene)

    result = link_row(scene.alice, row, "R99")

    assert (result.count, scene.row("01-100").status) == (0, "ATTENTION")
    assert [p.sentence for p in result.problems] == [
        "The ERP no longer has the item that you saw as 01-100. Retry the code."
    ]


def test_link_refuses_an_item_that_belongs_to_another_code(scene: Scene) -> None:
    row = attention(scene)
    scene.send("01-200")
    put("01-200", Status.SUCCESS, remote_id="R1")

    result = link_row(scene.alice, row, "R1")

    assert [p.sentence for p in result.problems] == ["The item in the ERP belongs to 01-200 already."]


def test_link_tells_what_the_erp_answers(scene: Scene) -> None:
    row = attention(scene)
    scene.books.tell(Rule("transient", on="find"))

    result = link_row(scene.alice, row, "R1")

    assert [p.sentence for p in result.problems] == ["The ERP cannot be reached."]


def test_link_comes_too_late_when_the_row_moved(scene: Scene) -> None:
    row = attention(scene)
    services.reject_codes(scene.dora, scene.connection, scene.seen(filter="all"))

    result = link_row(scene.alice, row, "R1")

    assert (result.count, result.changed, scene.states()) == (0, 1, {"01-100": "REJECTED"})


# Unlink


def unlink(scene: Scene, code: str = "01-100", reason: str = "Wrong item") -> services.Result:
    return services.unlink_code(scene.alice, scene.row(code), reason)


def test_unlink_gives_the_code_back_and_leaves_the_erps_item(scene: Scene) -> None:
    synced(scene, "01-100")

    result = unlink(scene)

    row = scene.row("01-100")
    assert (result.count, row.status, row.message) == (1, "REJECTED", "Unlinked by alice: Wrong item")
    assert (row.remote_id, row.receipt) == (None, None)
    assert events("export.unlinked") == [("01-100", "Success", "Rejected: Unlinked by alice: Wrong item")]
    hold = Hold.objects.get()
    assert (hold.lock, hold.note) == (Hold.Lock.NONE, "Unlinked by alice: Wrong item")
    assert Batch.objects.get(kind="unlink").reason == "Wrong item"
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_sent_again_after_an_unlink_the_erp_is_asked_and_nothing_is_made_twice(scene: Scene) -> None:
    synced(scene, "01-100")
    unlink(scene)
    row = scene.row("01-100")

    services.send_codes(scene.dora, scene.connection, [row.item_id])
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.drain()

    assert (scene.row("01-100").generation, scene.states()) == (2, {"01-100": "SUCCESS"})
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.SUCCESS}))
def test_only_a_synced_code_is_unlinked(scene: Scene, status: Status) -> None:
    scene.ready("01-100")
    put("01-100", status)

    assert (unlink(scene).count, scene.states()) == (0, {"01-100": status})


def test_an_unlink_is_no_rejection_to_undo(scene: Scene) -> None:
    synced(scene, "01-100")
    batch = unlink(scene).batch

    assert services.undo_rejection(scene.alice, batch).count == 0
    assert scene.states() == {"01-100": "REJECTED"}


def test_another_companys_member_unlinks_nothing(scene: Scene) -> None:
    synced(scene, "01-100")

    assert services.unlink_code(factories.make_charlie(), scene.row("01-100"), "ha").count == 0
    assert SegmentItem.objects.locked().exists()
    assert Connection.objects.count() == 1
