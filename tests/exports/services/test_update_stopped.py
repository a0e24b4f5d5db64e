"""Updates that did not reach the ERP: cancelled, kept as it is, retried; and what passes them over."""

from __future__ import annotations

import pytest

from exports import queue, services
from exports.models import CodeExport, Drift, Status
from tests.exports.queue.test_recovery import calls
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import by_hand, changed, describe, events, held, link, put, synced, update
from wbs.codes import fold
from wbs.models import Hold


def test_a_cancelled_update_leaves_everything_as_it_was(scene: Scene) -> None:
    synced(scene, "01-100")
    before = CodeExport.objects.values().get()
    describe("01-100")
    update(scene, expense_id=None)

    result = services.cancel_codes(scene.alice, scene.connection, [before["id"]])

    moved = {"version", "moves", "changed_at", "changed_by_id", "moved_at", "batch_id", "export_batch_id", "due_at"}
    moved |= {"previous_status", "previous_message", "generation", "request_key"}
    after = CodeExport.objects.values().get()
    assert result.count == 1
    assert {name for name in after if after[name] != before[name]} <= moved
    assert events("export.update_cancelled") == [("01-100", "Queued", "Success")]
    assert (Hold.objects.get().lock, Hold.objects.get().item_version) == (Hold.Lock.CODE, 1)
    scene.drain()
    assert calls(scene, "update") == []
    check_invariants(scene.connection, scene.books)


def test_one_that_may_have_arrived_is_asked_about_although_its_account_fits_no_more(scene: Scene) -> None:
    """Else nothing could be done about it: it may not be kept as it is before the ERP was asked."""
    changed(scene, "01-100")
    scene.books.tell(Rule("after:uncertain", on="update"), Rule("uncertain", on="find"))
    update(scene)
    scene.let_time_pass()
    for _ in range(60):
        scene.portion()
        scene.let_time_pass()
    assert scene.states() == {"01-100": "ATTENTION"}
    scene.books.tell()
    scene.connection.gl_accounts.update(is_active=False)

    assert services.retry_codes(scene.alice, scene.connection, [scene.row("01-100").pk]).count == 1
    queue.sweep()
    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    check_invariants(scene.connection, scene.books)


def test_one_that_did_not_arrive_waits_for_an_account_that_fits(scene: Scene) -> None:
    changed(scene, "01-100")
    update(scene)
    row = put("01-100", Status.ATTENTION)
    scene.connection.gl_accounts.update(is_active=False)

    services.retry_codes(scene.alice, scene.connection, [row.pk])
    while scene.portion():
        pass
    queue.sweep()

    assert calls(scene, "update") == []
    row = scene.row("01-100")
    assert row.status == "FAILED"
    assert row.message.startswith("Not sent. Income account 4000")
    assert services.cancel_codes(scene.alice, scene.connection, [row.pk]).count == 1


def test_a_code_without_accounts_of_its_own_goes_back_to_none(scene: Scene) -> None:
    scene.send("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection)
    link(scene, **{"01-100": "R1"})
    update(scene, income_id=scene.income.pk)

    services.cancel_codes(scene.alice, scene.connection, [scene.row("01-100").pk])

    row = scene.row("01-100")
    assert (row.status, row.income_account, row.expense_account, row.before_update) == ("SUCCESS", None, None, None)
    check_invariants(scene.connection, scene.books)


def test_a_refused_update_is_kept_as_it_is_or_retried(scene: Scene) -> None:
    changed(scene, "01-100", "01-200")
    scene.books.tell(Rule("refuse", "01-100", on="update", times=1), Rule("refuse", "01-200", on="update", times=1))
    update(scene, "01-100")
    update(scene, "01-200")
    scene.drain()
    assert set(scene.states().values()) == {"FAILED"}

    kept = services.cancel_codes(scene.alice, scene.connection, [scene.row("01-100").pk])
    tried = services.retry_codes(scene.alice, scene.connection, [scene.row("01-200").pk])
    scene.drain()

    assert (kept.count, kept.problems, tried.count) == (1, [], 1)
    assert scene.states() == {"01-100": "SUCCESS", "01-200": "SUCCESS"}
    assert [held(scene, name)["description"] for name in ("R1", "R2")] == ["Description 01-100", "Renamed here"]
    assert scene.row("01-100").description == "Description 01-100"
    check_invariants(scene.connection, scene.books)


def test_an_item_that_is_another_by_now_is_shown_beside_ours(scene: Scene) -> None:
    changed(scene, "01-100")
    scene.books.write("edited", remote_id="R1", description="Renamed there")
    scene.books.tell(Rule("there", "01-100", on="update", times=1))
    update(scene)

    scene.drain()

    row = scene.row("01-100")
    assert (row.status, row.message) == ("ATTENTION", "01-100 stays as it is.")
    assert (row.drift, row.erp_values["description"]) == (Drift.CHANGED, "Renamed there")
    assert row.receipt["description"] == "Description 01-100", "what it may go back to"
    services.retry_codes(scene.alice, scene.connection, [row.pk])
    scene.drain()
    assert (scene.states(), held(scene)["description"]) == ({"01-100": "SUCCESS"}, "Renamed here")
    check_invariants(scene.connection, scene.books)


def test_what_may_have_reached_the_erp_is_not_called_as_it_was(scene: Scene) -> None:
    changed(scene, "01-100")
    scene.books.tell(Rule("after:uncertain", on="update", times=1), Rule("unsupported", on="find", times=1))
    update(scene)
    scene.drain()
    [pk] = CodeExport.objects.filter(status=Status.ATTENTION).values_list("pk", flat=True)

    result = services.cancel_codes(scene.alice, scene.connection, [pk])

    assert (result.count, scene.states()) == (0, {"01-100": "ATTENTION"})
    assert [problem.sentence[:38] for problem in result.problems] == ["The update may have reached the ERP. R"]
    services.retry_codes(scene.alice, scene.connection, [pk])
    scene.drain()
    assert (scene.states(), len(calls(scene, "update"))) == ({"01-100": "SUCCESS"}, 1)
    check_invariants(scene.connection, scene.books)


def test_reject_all_leaves_updates_alone_and_counts_them(scene: Scene) -> None:
    changed(scene, "01-100")
    update(scene)
    scene.ready("01-200")

    result = services.reject_codes(scene.alice, scene.connection, scene.seen(filter="all"))

    assert (result.count, result.updating) == (1, 1)
    assert scene.states() == {"01-100": "QUEUED", "01-200": "REJECTED"}


@pytest.mark.parametrize("status", [Status.FAILED, Status.ATTENTION])
def test_an_update_that_stopped_is_not_linked_or_rejected(scene: Scene, status: Status) -> None:
    changed(scene, "01-100")
    update(scene)
    put("01-100", status)
    by_hand(scene, "01-100")
    services.read_items(scene.connection)

    assert link(scene, **{"01-100": "R2"}).count == 0
    assert services.reject_codes(scene.alice, scene.connection, scene.seen(filter="all")).count == 0
    assert services.send_codes(scene.dora, scene.connection, None).count == 0
    assert scene.row("01-100").remote_id == "R1"


def test_it_is_searched_by_the_words_that_it_has(scene: Scene) -> None:
    changed(scene, "01-100")
    update(scene)
    assert CodeExport.objects.matching("renamed").count() == 1

    services.cancel_codes(scene.alice, scene.connection, [scene.row("01-100").pk])

    assert scene.row("01-100").description_key == fold("Description 01-100")
