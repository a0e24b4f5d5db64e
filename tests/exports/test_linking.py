from __future__ import annotations

from dataclasses import replace

import pytest

from companies.models import AuditEvent
from erp_integrations.base import CodeData
from erp_integrations.models import Connection
from exports import services
from exports.matching import find_matches, match
from exports.models import Batch, CodeExport, Drift, Reading, RemoteItem, Status
from exports.services import calling
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.test_reviewing import events, put, queries
from wbs.models import Hold, SegmentItem


def by_hand(scene: Scene, code: str, description: str = "Theirs") -> str:
    """Someone types an item into the ERP; its remote id."""
    return str(scene.books.add(CodeData("", code, description, income_account="4000"), by_hand=True)["remote_id"])


def link(scene: Scene, **seen: str) -> services.Result:
    """By alice: `link(scene, **{"01-100": "R1"})`."""
    ids = dict(CodeExport.objects.filter(code__in=seen).values_list("code", "pk"))
    return services.link_codes(
        scene.alice, scene.connection, {ids[code]: remote_id for code, remote_id in seen.items()}
    )


def sentences(result: services.Result) -> dict[str, str]:
    return {problem.code: problem.sentence for problem in result.problems}


# Matching


def matches(scene: Scene) -> dict[str, tuple[str, str]]:
    return {found.export.code: (found.item.remote_id, found.how) for found in find_matches(scene.connection)}


def test_codes_meet_items_by_code_by_a_code_alike_and_by_description(scene: Scene) -> None:
    scene.send("01-100", "01-200", "01-300", "01-400", "01-500")
    CodeExport.objects.filter(code="01-400").update(description_key="concrete walls")
    by_hand(scene, "01-100")
    by_hand(scene, "1.200", "Two")
    by_hand(scene, "01300", "Three")
    by_hand(scene, "WALLS", "Concrete Walls")

    services.read_items(scene.connection, scene.alice)

    assert matches(scene) == {
        "01-100": ("R1", "Same code"),
        "01-200": ("R2", "Code alike"),
        "01-300": ("R3", "Code alike"),
        "01-400": ("R4", "Same description"),
    }


def test_what_fits_several_is_left_to_people(scene: Scene) -> None:
    scene.send("01-100", "01-200", "01-300")
    CodeExport.objects.update(description_key="the same")
    by_hand(scene, "1-100", "a")
    by_hand(scene, "001-100", "b")
    by_hand(scene, "x", "The same")
    services.read_items(scene.connection, scene.alice)

    assert matches(scene) == {}


@pytest.mark.parametrize("why", ["ours", "inactive", "taken", "an obstacle"])
def test_items_that_cannot_be_taken_are_not_offered(scene: Scene, why: str) -> None:
    scene.send("01-100", "01-200")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    assert len(matches(scene)) == 1

    if why == "taken":
        put("01-200", Status.SUCCESS, remote_id="R1")
    else:
        changes = {"ours": {"is_ours": True}, "inactive": {"is_active": False}, "an obstacle": {"obstacle": "No."}}
        RemoteItem.objects.update(**changes[why])

    assert matches(scene) == {}


@pytest.mark.parametrize("status", sorted(Status))
def test_only_codes_that_wait_for_a_person_are_offered(scene: Scene, status: Status) -> None:
    scene.ready("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    put("01-100", status, remote_id="R9" if status == Status.SUCCESS else None)

    assert bool(matches(scene)) is (status in {Status.READY, Status.FAILED, Status.ATTENTION})


def test_codes_and_items_without_letters_or_digits_match_nothing() -> None:
    exports = [CodeExport(pk=1, code="--", code_key="--", description_key="a")]
    items = [RemoteItem(pk=1, code="..", description=""), RemoteItem(pk=2, code="", description="")]

    assert match(exports, items) == []


def test_matching_takes_two_queries(scene: Scene) -> None:
    scene.send(*(f"01-{number}" for number in range(100, 120)))
    for number in range(100, 120):
        by_hand(scene, f"01-{number}")
    services.read_items(scene.connection, scene.alice)

    assert len(queries(lambda: find_matches(scene.connection))) == 2


# Linking


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


@pytest.mark.parametrize("status", sorted({"QUEUED", "SENDING", "UNKNOWN", "REJECTED"}))
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
    find = calling.find

    def find_slowly(*words):
        services.queue_codes(scene.dora, scene.connection, scene.seen())
        return find(*words)

    monkeypatch.setattr(calling, "find", find_slowly)

    result = link(scene, **{"01-100": "R1"})

    assert (result.count, result.changed, scene.states()) == (0, 1, {"01-100": "QUEUED"})


def test_an_item_that_is_gone_or_another_by_now_is_not_linked(scene: Scene) -> None:
    scene.send("01-100", "01-200")
    by_hand(scene, "01-200")
    services.read_items(scene.connection, scene.alice)

    result = link(scene, **{"01-100": "R7", "01-200": "R7"})

    told = "The ERP no longer has the item that you saw as {}. Read the items again."
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
    find = calling.find

    def find_with_obstacle(*words):
        receipts, error = find(*words)
        return {key: replace(held, obstacle="It is an assembly.") for key, held in receipts.items()}, error

    monkeypatch.setattr(calling, "find", find_with_obstacle)

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


# Reading


def test_reading_again_keeps_what_the_erp_has_now(scene: Scene) -> None:
    by_hand(scene, "ONE")
    by_hand(scene, "TWO")
    services.read_items(scene.connection, scene.alice)
    scene.books.write("gone", remote_id="R1")
    scene.books.write("edited", remote_id="R2", code="THREE")

    assert services.read_items(scene.connection, scene.alice) == ""

    assert list(RemoteItem.objects.values_list("remote_id", "code")) == [("R2", "THREE")]
    told = AuditEvent.objects.filter(action="items.read").latest("pk")
    assert (told.actor, told.new) == (scene.alice.user, "1 items; 0 codes gone or changed in the ERP")
    assert Reading.objects.get().read_at


@pytest.mark.parametrize(
    ("rule", "sentence"), [("transient", "The ERP cannot be reached."), ("bug", "Something failed")]
)
def test_a_reading_that_fails_keeps_the_old_and_says_why(scene: Scene, rule: str, sentence: str) -> None:
    by_hand(scene, "ONE")
    services.read_items(scene.connection, scene.alice)
    scene.books.tell(Rule(rule, on="list"))

    assert services.read_items(scene.connection, scene.alice).startswith(sentence)

    assert RemoteItem.objects.count() == 1
    assert Reading.objects.get().problem.startswith(sentence)


def test_it_reads_by_itself_once_a_day(scene: Scene) -> None:
    by_hand(scene, "ONE")

    services.read_due_items()
    services.read_due_items()

    assert len(scene.books.events("start")) == 1
    assert AuditEvent.objects.get(action="items.read").actor is None
    Reading.objects.update(due_at="2026-01-01T00:00Z")
    services.read_due_items()
    assert len(scene.books.events("start")) == 2


def test_a_paused_connection_is_left_alone(scene: Scene) -> None:
    scene.connection.pause(scene.dora.user)

    services.read_due_items()

    assert scene.books.events("start") == []


# What happened in the ERP since


def synced(scene: Scene, *codes: str) -> None:
    scene.queue(*codes)
    scene.drain()


def test_synced_codes_whose_item_is_gone_or_differs_are_marked(scene: Scene) -> None:
    synced(scene, "01-100", "01-200", "01-300")
    services.read_items(scene.connection)
    assert set(CodeExport.objects.values_list("drift", flat=True)) == {""}
    scene.books.write("gone", remote_id=scene.row("01-100").remote_id)
    scene.books.write("edited", remote_id=scene.row("01-200").remote_id, description="Renamed there")

    services.read_items(scene.connection)

    drift = dict(CodeExport.objects.values_list("code", "drift"))
    assert drift == {"01-100": Drift.GONE, "01-200": Drift.CHANGED, "01-300": ""}
    assert scene.row("01-200").found["description"] == "Renamed there"
    assert scene.states()["01-100"] == "SUCCESS", "a mark is no move"
    check_invariants(scene.connection, scene.books)


def test_a_mark_goes_when_the_item_is_as_it_was(scene: Scene) -> None:
    synced(scene, "01-100")
    remote_id = scene.row("01-100").remote_id
    scene.books.write("edited", remote_id=remote_id, description="Renamed there")
    services.read_items(scene.connection)
    scene.books.write("edited", remote_id=remote_id, description="Description 01-100")

    services.read_items(scene.connection)

    assert (scene.row("01-100").drift, scene.row("01-100").found) == ("", None)


def test_a_linked_item_is_compared_with_what_it_was_when_it_was_linked(scene: Scene) -> None:
    scene.send("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection)
    link(scene, **{"01-100": "R1"})

    services.read_items(scene.connection)

    assert scene.row("01-100").drift == ""


def test_what_was_exported_while_the_items_were_read_is_not_called_gone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = calling.fetch_items

    def fetch_then_export(adapter):
        found = fetch(adapter)
        synced(scene, "01-100")
        return found

    monkeypatch.setattr(calling, "fetch_items", fetch_then_export)

    services.read_items(scene.connection)

    assert (scene.row("01-100").status, scene.row("01-100").drift) == ("SUCCESS", "")


def test_comparing_takes_the_same_queries_for_any_number(scene: Scene) -> None:
    synced(scene, "01-100")
    services.read_items(scene.connection)
    few = len(queries(lambda: services.read_items(scene.connection)))
    synced(scene, *(f"02-{number}" for number in range(100, 120)))

    assert len(queries(lambda: services.read_items(scene.connection))) == few


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


# Accept what was changed in the ERP


def changed_there(scene: Scene) -> CodeExport:
    synced(scene, "01-100")
    scene.books.write("edited", remote_id="R1", description="Renamed there")
    services.read_items(scene.connection)
    return scene.row("01-100")


def test_a_change_is_accepted_and_no_longer_marked(scene: Scene) -> None:
    row = changed_there(scene)

    assert services.accept_change(scene.alice, row)
    services.read_items(scene.connection)

    row.refresh_from_db()
    assert (row.status, row.drift, row.found, row.receipt["description"]) == ("SUCCESS", "", None, "Renamed there")
    assert events("export.change_accepted") == [("01-100", "01-100 Description 01-100", "01-100 Renamed there")]
    check_invariants(scene.connection, scene.books)


def test_only_the_change_that_was_seen_is_accepted(scene: Scene) -> None:
    row = changed_there(scene)
    scene.books.write("edited", remote_id="R1", description="And again")
    services.read_items(scene.connection)

    assert not services.accept_change(scene.alice, row)
    assert not services.accept_change(factories.make_charlie(), scene.row("01-100"))
    assert scene.row("01-100").drift == Drift.CHANGED


def test_what_is_gone_cannot_be_accepted(scene: Scene) -> None:
    synced(scene, "01-100")
    scene.books.write("gone", remote_id="R1")
    services.read_items(scene.connection)

    assert not services.accept_change(scene.alice, scene.row("01-100"))
