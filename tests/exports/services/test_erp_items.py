from __future__ import annotations

from dataclasses import replace

import pytest

from companies.models import AuditEvent
from exports import services
from exports.models import CodeExport, Drift, Reading, RemoteItem
from exports.queue import erp_calls
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.review_pages import let_a_worker_answer
from tests.exports.scene import Scene
from tests.exports.scripted import Rule, ScriptedAdapter
from tests.exports.steps import by_hand, events, link, queries, synced


def test_reading_again_keeps_what_the_erp_has_now(scene: Scene) -> None:
    by_hand(scene, "ONE")
    by_hand(scene, "TWO")
    services.read_items(scene.connection, scene.alice)
    scene.books.write("gone", remote_id="R1")
    scene.books.write("edited", remote_id="R2", code="THREE")

    assert services.read_items(scene.connection, scene.alice) == ""

    assert list(RemoteItem.objects.values_list("remote_id", "code")) == [("R2", "THREE")]
    told = AuditEvent.objects.filter(action="items.read").latest("pk")
    assert (told.actor, told.new) == (scene.alice.user, "1 items; 0 codes orphaned or changed in the ERP")
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
    assert scene.books.events("start") == [], "a worker of its own reads it"
    let_a_worker_answer()

    assert len(scene.books.events("start")) == 1
    assert AuditEvent.objects.get(action="items.read").actor is None
    Reading.objects.update(due_at="2026-01-01T00:00Z")
    services.read_due_items()
    let_a_worker_answer()
    assert len(scene.books.events("start")) == 2


def test_a_paused_connection_is_left_alone(scene: Scene) -> None:
    scene.connection.pause(scene.dora.user)

    services.read_due_items()
    let_a_worker_answer()

    assert scene.books.events("start") == []


# What happened in the ERP since


def test_synced_codes_whose_item_is_gone_or_differs_are_marked(scene: Scene) -> None:
    synced(scene, "01-100", "01-200", "01-300")
    services.read_items(scene.connection)
    assert set(CodeExport.objects.values_list("drift", flat=True)) == {""}
    scene.books.write("gone", remote_id=scene.row("01-100").remote_id)
    scene.books.write("edited", remote_id=scene.row("01-200").remote_id, description="Renamed there")

    services.read_items(scene.connection)

    drift = dict(CodeExport.objects.values_list("code", "drift"))
    assert drift == {"01-100": Drift.ORPHANED, "01-200": Drift.CHANGED, "01-300": ""}
    assert scene.row("01-200").erp_values["description"] == "Renamed there"
    assert scene.states()["01-100"] == "SUCCESS", "a mark is no move"
    check_invariants(scene.connection, scene.books)


def test_a_mark_goes_when_the_item_is_as_it_was(scene: Scene) -> None:
    synced(scene, "01-100")
    remote_id = scene.row("01-100").remote_id
    scene.books.write("edited", remote_id=remote_id, description="Renamed there")
    services.read_items(scene.connection)
    scene.books.write("edited", remote_id=remote_id, description="Description 01-100")

    services.read_items(scene.connection)

    assert (scene.row("01-100").drift, scene.row("01-100").erp_values) == ("", None)


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
    fetch = erp_calls.fetch_items

    def fetch_then_export(adapter):
        found = fetch(adapter)
        synced(scene, "01-100")
        return found

    monkeypatch.setattr(erp_calls, "fetch_items", fetch_then_export)

    services.read_items(scene.connection)

    assert (scene.row("01-100").status, scene.row("01-100").drift) == ("SUCCESS", "")


def test_comparing_takes_the_same_queries_for_any_number(scene: Scene) -> None:
    synced(scene, "01-100")
    services.read_items(scene.connection)
    few = len(queries(lambda: services.read_items(scene.connection)))
    synced(scene, *(f"02-{number}" for number in range(100, 120)))

    assert len(queries(lambda: services.read_items(scene.connection))) == few


# Accept what was changed there


def changed_there(scene: Scene) -> CodeExport:
    synced(scene, "01-100")
    scene.books.write("edited", remote_id="R1", description="Renamed there")
    services.read_items(scene.connection)
    return scene.row("01-100")


def test_a_change_is_accepted_and_no_longer_marked(scene: Scene) -> None:
    row = changed_there(scene)

    assert services.accept_change(scene.alice, row).count == 1
    services.read_items(scene.connection)

    row.refresh_from_db()
    assert (row.status, row.drift, row.erp_values, row.receipt["description"]) == ("SUCCESS", "", None, "Renamed there")
    assert events("export.change_accepted") == [("01-100", "01-100 Description 01-100", "01-100 Renamed there")]
    check_invariants(scene.connection, scene.books)


def test_only_the_change_that_was_seen_is_accepted(scene: Scene) -> None:
    row = changed_there(scene)
    scene.books.write("edited", remote_id="R1", description="And again")
    services.read_items(scene.connection)

    assert services.accept_change(scene.alice, row).count == 0
    assert services.accept_change(factories.make_charlie(), scene.row("01-100")).count == 0
    assert scene.row("01-100").drift == Drift.CHANGED


def test_what_is_gone_cannot_be_accepted(scene: Scene) -> None:
    synced(scene, "01-100")
    scene.books.write("gone", remote_id="R1")
    services.read_items(scene.connection)

    assert services.accept_change(scene.alice, scene.row("01-100")).count == 0


def test_accounts_that_were_emptied_in_the_erp_are_told(scene: Scene) -> None:
    """As Tryton does when a category is deleted."""
    synced(scene, "01-100")
    scene.books.write("edited", remote_id="R1", income_account=None, expense_account=None)

    services.read_items(scene.connection)

    row = scene.row("01-100")
    assert row.drift == "changed"
    assert (row.erp_values["income_account"], row.erp_values["expense_account"]) == (None, None)


def test_an_item_whose_record_cannot_be_read_is_neither_gone_nor_changed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(scene, "01-100")
    listed = ScriptedAdapter.fetch_items
    monkeypatch.setattr(
        ScriptedAdapter,
        "fetch_items",
        lambda self: [
            replace(item, description=None, income_account=None, expense_account=None, obstacle="It cannot be read.")
            for item in listed(self)
        ],
    )

    services.read_items(scene.connection)

    assert scene.row("01-100").drift == ""
