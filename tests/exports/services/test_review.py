from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from erp_integrations.base import AccountKind
from exports import services
from exports.models import Batch, Cause, CodeExport, Invalid, Status
from exports.services import KEEP
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.steps import events, make_many, put, queries
from wbs.models import Hold, SegmentItem

# Export


def test_export_accepts_the_whole_list(scene: Scene) -> None:
    scene.ready("01-100", "01-200")

    result = services.queue_codes(scene.alice, scene.connection, scene.seen())

    row = scene.row("01-100")
    assert result.count == 2
    assert scene.states() == {"01-100": "QUEUED", "01-200": "QUEUED"}
    assert (row.batch, row.export_batch, row.changed_by) == (result.batch, result.batch, scene.alice.user)
    assert events("export.queued") == [("01-100", "Ready to Export", "Queued"), ("01-200", "Ready to Export", "Queued")]
    check_invariants(scene.connection, scene.books)


def test_export_keeps_to_filter_search_and_ticks(scene: Scene) -> None:
    rows = scene.ready("01-100", "01-200", "02-100")

    services.queue_codes(scene.alice, scene.connection, scene.seen(search="02-"))
    services.queue_codes(scene.alice, scene.connection, scene.seen(ids=(rows[0].pk,)))
    services.queue_codes(scene.alice, scene.connection, scene.seen(filter="failed-to-export"))

    assert scene.states() == {"01-100": "QUEUED", "01-200": "READY", "02-100": "QUEUED"}


def test_codes_without_an_active_income_account_stay_and_are_counted(scene: Scene) -> None:
    scene.send("01-100")
    scene.ready("01-200", "01-300")
    idle = factories.make_account(scene.connection, "4100", is_active=False)
    CodeExport.objects.filter(code="01-200").update(income_account=idle)

    result = services.queue_codes(scene.alice, scene.connection, scene.seen())

    assert (result.count, result.lacking) == (1, 2)


def test_codes_with_an_inactive_expense_account_stay(scene: Scene) -> None:
    scene.ready("01-100")
    scene.expense.is_active = False
    scene.expense.save()

    assert services.queue_codes(scene.alice, scene.connection, scene.seen()).lacking == 1


@pytest.mark.parametrize("status", ["EXPORTING", "UNKNOWN", "FAILED", "ATTENTION", "REJECTED"])
def test_only_what_is_ready_is_accepted(scene: Scene, status: str) -> None:
    [row] = scene.ready("01-100")
    CodeExport.objects.update(status=status, cause=Cause.REJECTED if status == "REJECTED" else "")

    assert services.queue_codes(scene.alice, scene.connection, scene.seen(ids=(row.pk,))).count == 0
    assert scene.states() == {"01-100": status}


def test_what_arrived_since_the_list_was_read_stays(scene: Scene) -> None:
    scene.ready("01-100")
    seen = scene.seen()
    rows = scene.ready("01-200")

    result = services.queue_codes(scene.alice, scene.connection, seen)
    ticked = services.queue_codes(scene.alice, scene.connection, replace(seen, ids=(rows[0].pk,)))

    assert (result.count, result.arrived) == (1, 1)
    assert (ticked.count, ticked.arrived) == (0, 1)


def test_what_someone_else_changed_since_stays_and_own_changes_go(scene: Scene) -> None:
    rows = scene.ready("01-100", "01-200")
    seen = scene.seen()
    for member, row in ((scene.alice, rows[0]), (scene.dora, rows[1])):
        services.assign(row.pk, member, "scripted-erp", row.version, scene.income.pk, None)

    result = services.queue_codes(scene.alice, scene.connection, seen)

    assert (result.count, result.changed) == (1, 1)
    assert scene.states() == {"01-100": "QUEUED", "01-200": "READY"}


def test_the_loser_of_two_exports_is_told(scene: Scene) -> None:
    scene.ready("01-100")
    seen = scene.seen()
    services.queue_codes(scene.alice, scene.connection, seen)

    result = services.queue_codes(scene.dora, scene.connection, seen)

    assert (result.count, result.batch, result.in_flight) == (0, None, 1)


def test_an_export_that_comes_after_a_rejection_is_told_too(scene: Scene) -> None:
    scene.ready("01-100")
    seen = scene.seen()
    services.reject_codes(scene.dora, scene.connection, seen)

    result = services.queue_codes(scene.alice, scene.connection, seen)

    assert (result.count, result.changed) == (0, 1)


def test_older_exports_that_still_run_are_not_counted(scene: Scene) -> None:
    scene.queue("01-100")
    scene.ready("01-200")

    result = services.queue_codes(scene.alice, scene.connection, scene.seen())

    assert (result.count, result.in_flight, result.changed) == (1, 0, 0)


def test_with_four_eyes_nobody_accepts_what_they_sent(scene: Scene) -> None:
    scene.ready("01-100")
    scene.alice.company.four_eyes = scene.dora.company.four_eyes = True

    own = services.queue_codes(scene.dora, scene.connection, scene.seen())
    others = services.queue_codes(scene.alice, scene.connection, scene.seen())

    assert (own.count, own.own) == (0, 1)
    assert (others.count, others.own) == (1, 0)


def test_another_companys_member_exports_nothing(scene: Scene) -> None:
    scene.ready("01-100")

    assert services.queue_codes(factories.make_charlie(), scene.connection, scene.seen()).count == 0


@pytest.mark.parametrize("click", [services.queue_codes, services.reject_codes])
def test_a_click_takes_as_many_queries_for_1000_codes_as_for_10(scene: Scene, click: Any) -> None:
    counts = []
    for division, number in (("01", 10), ("02", 1000)):
        make_many(scene, division, number)
        seen = scene.seen()
        counts.append(len(queries(lambda seen=seen: click(scene.alice, scene.connection, seen))))
        assert CodeExport.objects.filter(status="READY").count() == 0

    assert counts[0] == counts[1] <= 7


# Reject, undo, reason


def test_reject_all_empties_the_list_and_frees_the_codes(scene: Scene) -> None:
    scene.ready("01-100", "01-200")

    result = services.reject_codes(scene.alice, scene.connection, scene.seen())

    assert result.count == 2
    assert set(scene.states().values()) == {"REJECTED"}
    assert set(Hold.objects.values_list("lock", "status")) == {(Hold.Lock.NONE, "REJECTED")}
    check_invariants(scene.connection, scene.books)


@pytest.mark.parametrize("status", ["READY", "QUEUED", "FAILED", "ATTENTION"])
def test_what_is_not_at_the_erp_can_be_rejected(scene: Scene, status: Status) -> None:
    scene.ready("01-100")
    put("01-100", status)

    assert services.reject_codes(scene.alice, scene.connection, scene.seen(filter="all")).count == 1


@pytest.mark.parametrize("status", ["EXPORTING", "UNKNOWN"])
def test_what_is_at_the_erp_is_not_rejected_but_counted(scene: Scene, status: Status) -> None:
    row = scene.ready("01-100")[0]
    put("01-100", status)

    for selection in (scene.seen(filter="all"), scene.seen(ids=(row.pk,))):
        result = services.reject_codes(scene.alice, scene.connection, selection)
        assert (result.count, result.in_flight) == (0, 1)


def test_a_rejection_counts_what_someone_exported_meanwhile(scene: Scene) -> None:
    scene.ready("01-100", "01-200")
    seen = scene.seen()
    services.queue_codes(scene.dora, scene.connection, replace(seen, search="01-100"))

    result = services.reject_codes(scene.alice, scene.connection, seen)

    assert (result.count, result.in_flight) == (1, 1)


@pytest.mark.parametrize(
    ("before", "after"), [("READY", "READY"), ("QUEUED", "READY"), ("FAILED", "FAILED"), ("ATTENTION", "ATTENTION")]
)
def test_undo_puts_a_code_back_where_it_was(scene: Scene, before: Status, after: str) -> None:
    scene.ready("01-100")
    put("01-100", before, message="E42" if before != "READY" else "")
    rejected = services.reject_codes(scene.alice, scene.connection, scene.seen(filter="all")).batch
    services.set_reason(scene.alice, rejected, "wrong division")

    result = services.undo_rejection(scene.alice, rejected)

    row = scene.row("01-100")
    assert (result.count, row.status, row.generation) == (1, after, 1)
    assert row.message == ("" if after == "READY" else "E42")
    hold = Hold.objects.get()
    assert (hold.lock, hold.status, hold.note) == (Hold.Lock.ALL, after, row.message)


def test_undo_leaves_what_was_edited_sent_again_or_retired_since(scene: Scene) -> None:
    rows = scene.ready("01-100", "01-200", "01-300", "01-400")
    rejected = services.reject_codes(scene.alice, scene.connection, scene.seen()).batch
    SegmentItem.objects.filter(pk=rows[0].item_id).update(version=2)
    services.send_codes(scene.dora, scene.connection, [rows[1].item_id])
    SegmentItem.objects.filter(pk=rows[2].item_id).update(is_active=False)

    result = services.undo_rejection(scene.alice, rejected)

    assert (result.count, result.changed) == (1, 3)
    assert scene.states() == {"01-100": "REJECTED", "01-200": "READY", "01-300": "REJECTED", "01-400": "READY"}
    assert (scene.row("01-200").generation, scene.row("01-400").generation) == (2, 1)
    check_invariants(scene.connection, scene.books)


def test_undo_happens_once(scene: Scene) -> None:
    scene.ready("01-100")
    rejected = services.reject_codes(scene.alice, scene.connection, scene.seen()).batch
    services.undo_rejection(scene.alice, rejected)
    services.reject_codes(scene.alice, scene.connection, scene.seen())

    assert services.undo_rejection(scene.alice, rejected).count == 0
    assert scene.states() == {"01-100": "REJECTED"}


def test_only_a_rejection_is_undone(scene: Scene) -> None:
    [row] = scene.send("01-100")
    services.recall_codes(scene.dora, [row.item_id])

    assert services.undo_rejection(scene.alice, Batch.objects.get(kind="recall")).count == 0


def test_a_reason_reaches_codes_and_wbs(scene: Scene) -> None:
    scene.ready("01-100")
    rejected = services.reject_codes(scene.alice, scene.connection, scene.seen()).batch

    services.set_reason(scene.alice, rejected, "Use 01-200")

    assert scene.row("01-100").message == Hold.objects.get().note == Batch.objects.get(pk=rejected.pk).reason
    assert events("export.reason") == [("01-100", "", "Use 01-200")]
    check_invariants(scene.connection, scene.books)


def test_another_companys_member_undoes_and_reasons_nothing(scene: Scene) -> None:
    scene.ready("01-100")
    rejected = services.reject_codes(scene.alice, scene.connection, scene.seen()).batch
    charlie = factories.make_charlie()

    services.set_reason(charlie, rejected, "ha")

    assert services.undo_rejection(charlie, rejected).count == 0
    assert (scene.row("01-100").status, scene.row("01-100").message) == ("REJECTED", "")


# Set Accounts


def test_accounts_are_set_for_many_rows_with_one_event_each(scene: Scene) -> None:
    scene.send("01-100", "01-200")

    result = services.assign_accounts(scene.alice, scene.connection, scene.seen(), scene.income.pk, scene.expense.pk)

    assert (result.count, result.batch.kind) == (2, "assign")
    new = "Income: 4000 Account 4000; Expense: 5000 Account 5000"
    assert events("export.assigned") == [(code, "Income: none; Expense: none", new) for code in ("01-100", "01-200")]


def test_leave_unchanged_and_no_expense_account_are_different(scene: Scene) -> None:
    scene.ready("01-100")

    services.assign_accounts(scene.alice, scene.connection, scene.seen(), KEEP, None)

    row = scene.row("01-100")
    assert (row.income_account, row.expense_account) == (scene.income, None)
    assert events("export.assigned")[-1] == (
        "01-100",
        "Income: 4000 Account 4000; Expense: 5000 Account 5000",
        "Income: 4000 Account 4000; Expense: none",
    )


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.READY, Status.FAILED}))
def test_accounts_are_set_before_acceptance_only(scene: Scene, status: Status) -> None:
    row = scene.ready("01-100")[0]
    put("01-100", status, remote_id="R1")

    result = services.assign_accounts(scene.alice, scene.connection, scene.seen(ids=(row.pk,)), KEEP, None)

    assert (result.count, scene.row("01-100").expense_account) == (0, scene.expense)


def test_accounts_that_are_not_offered_are_refused(scene: Scene) -> None:
    scene.send("01-100")
    other = factories.make_connection(slug="other-erp")
    wrong = [
        factories.make_account(other, "4000"),
        factories.make_account(scene.connection, "1000", AccountKind.OTHER),
        factories.make_account(scene.connection, "4100", is_active=False),
        scene.expense,
    ]

    for account in wrong:
        with pytest.raises(Invalid, match="cannot be chosen"):
            services.assign_accounts(scene.alice, scene.connection, scene.seen(), account.pk, KEEP)


# Cancel, retry


def test_cancel_takes_a_queued_code_back(scene: Scene) -> None:
    [row] = scene.queue("01-100")

    assert services.cancel_codes(scene.alice, scene.connection, [row.pk]).count == 1
    assert scene.states() == {"01-100": "READY"}
    check_invariants(scene.connection, scene.books)


def test_cancel_comes_too_late_for_what_is_being_sent(scene: Scene) -> None:
    [row] = scene.queue("01-100")
    put("01-100", Status.EXPORTING)

    result = services.cancel_codes(scene.alice, scene.connection, [row.pk])

    assert (result.count, result.in_flight) == (0, 1)


@pytest.mark.parametrize(("before", "ask_first"), [("FAILED", False), ("ATTENTION", True)])
def test_retry_queues_again_and_asks_first_about_what_was_in_doubt(
    scene: Scene, before: Status, ask_first: bool
) -> None:
    [row] = scene.ready("01-100")
    put("01-100", before, message="E42", tries=3, lost_answers=4)

    result = services.retry_codes(scene.alice, scene.connection, [row.pk])

    row.refresh_from_db()
    assert (result.count, row.status, row.message, row.ask_first) == (1, "QUEUED", "", ask_first)
    assert (row.tries, row.lost_answers, row.export_batch) == (0, 0, result.batch)


def test_retry_needs_an_income_account_and_the_right_state(scene: Scene) -> None:
    rows = scene.send("01-100") + scene.ready("01-200")
    put("01-100", Status.FAILED)

    result = services.retry_codes(scene.alice, scene.connection, [row.pk for row in rows])

    assert (result.count, result.lacking) == (0, 1)
    assert scene.states() == {"01-100": "FAILED", "01-200": "READY"}
