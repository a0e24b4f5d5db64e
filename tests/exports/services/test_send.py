from __future__ import annotations

import pytest

from companies.models import AuditEvent
from erp_integrations.base import AccountKind
from exports import services
from exports.models import Attempt, Batch, CodeExport, Status
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from wbs.models import Hold, SegmentItem


def send_all(scene: Scene) -> services.Result:
    return services.send_codes(scene.dora, scene.connection, None)


def test_all_codes_that_were_never_sent_go_and_divisions_stay(scene: Scene) -> None:
    scene.add_codes("01-100", "01-200", "02-100")

    result = send_all(scene)

    assert (result.count, result.problems) == (3, [])
    assert scene.states() == {"01-100": "READY", "01-200": "READY", "02-100": "READY"}
    assert Batch.objects.get().count == 3


def test_a_second_click_sends_nothing_and_leaves_no_batch(scene: Scene) -> None:
    scene.send("01-100")

    result = send_all(scene)

    assert (result.count, result.batch) == (0, None)
    assert AuditEvent.objects.filter(action="export.sent").count() == 1


def test_a_sent_code_is_held_entirely(scene: Scene) -> None:
    [row] = scene.send("01-100")

    hold = Hold.objects.get(item=row.item)

    assert (hold.lock, hold.status, hold.note, hold.item_version) == (Hold.Lock.ALL, Status.READY, "", 1)
    assert row.reference == f"{scene.connection.guid.hex}-{row.item.guid.hex}"


def test_codes_that_break_a_rule_stay_and_say_why(scene: Scene) -> None:
    ids = scene.add_codes("01-100", "01-1:0", "01-" + "9" * 30, "02-100", "03-100")
    SegmentItem.objects.filter(full_code="02-100").update(is_active=False)
    services.send_codes(scene.dora, scene.connection, [ids[4]])

    result = services.send_codes(scene.dora, scene.connection, ids)

    sentences = {problem.code: problem.sentence for problem in result.problems}
    assert result.count == 1
    assert sentences == {
        "01-1:0": "Scripted ERP does not allow : in a code. Take it out.",
        "01-" + "9" * 30: "Scripted ERP allows 20 characters for a code; this one has 33. Shorten it.",
        "02-100": "It is inactive. Reactivate it first.",
        "03-100": "It is sent already: Ready to Export.",
    }


def test_a_code_that_breaks_two_rules_says_both_and_counts_once(scene: Scene) -> None:
    ids = scene.add_codes("01-:" + "9" * 29)

    result = services.send_codes(scene.dora, scene.connection, ids)

    assert len(result.problems) == 1
    assert result.problems[0].sentence == (
        "Scripted ERP allows 20 characters for a code; this one has 33. Shorten it. "
        "Scripted ERP does not allow : in a code. Take it out."
    )


def test_a_ticked_division_is_told_that_it_groups(scene: Scene) -> None:
    scene.add_codes("01-100")
    division = SegmentItem.objects.get(full_code="01")

    result = services.send_codes(scene.dora, scene.connection, [division.pk])

    assert [problem.sentence for problem in result.problems] == [
        "It is a division: it groups codes and is not exported."
    ]


def test_codes_of_another_company_do_not_exist(scene: Scene) -> None:
    charlie = factories.make_charlie()
    [item_id] = scene.add_codes("01-100")

    result = services.send_codes(charlie, scene.connection, [item_id])

    assert (result.count, result.problems) == (0, [])


def test_a_code_that_differs_by_case_from_a_sent_one_stays(scene: Scene) -> None:
    [row] = scene.send("01-A")
    SegmentItem.objects.filter(pk=row.item_id).update(full_code="moved", full_code_key="moved")
    [twin] = scene.add_codes("01-a")

    result = services.send_codes(scene.dora, scene.connection, [twin])

    assert [p.sentence for p in result.problems] == ["01-A is sent already and reads the same. Rename one of them."]


def test_default_accounts_are_filled_in(scene: Scene) -> None:
    scene.connection.default_income_account = scene.income
    scene.connection.default_expense_account = scene.expense
    scene.connection.save()

    [row] = scene.send("01-100")

    assert (row.income_account, row.expense_account) == (scene.income, scene.expense)


def test_default_accounts_that_may_not_be_chosen_are_left_out(scene: Scene) -> None:
    scene.income.is_active = False
    scene.income.save()
    scene.connection.default_income_account = scene.income
    scene.connection.default_expense_account = factories.make_account(scene.connection, "1000", AccountKind.OTHER)
    scene.connection.save()

    [row] = scene.send("01-100")

    assert (row.income_account, row.expense_account) == (None, None)


def edit(row: CodeExport, description: str) -> None:
    SegmentItem.objects.filter(pk=row.item_id).update(description=description, description_key=description, version=2)


def test_only_edited_codes_go_again_by_themselves(scene: Scene) -> None:
    rows = scene.ready("01-100", "01-200")
    services.reject_codes(scene.alice, scene.connection, scene.seen())
    edit(rows[0], "better")

    result = send_all(scene)

    again = scene.row("01-100")
    assert result.count == 1
    assert scene.states() == {"01-100": "READY", "01-200": "REJECTED"}
    assert (again.generation, again.description, again.item_version, again.income_account) == (
        2,
        "better",
        2,
        scene.income,
    )
    assert Hold.objects.get(item=again.item).item_version == 2
    assert not again.ask_first
    check_invariants(scene.connection, scene.books)


def test_a_ticked_code_goes_again_without_an_edit(scene: Scene) -> None:
    [row] = scene.send("01-100")
    services.reject_codes(scene.alice, scene.connection, scene.seen())

    assert services.send_codes(scene.dora, scene.connection, [row.item_id]).count == 1
    assert scene.row("01-100").generation == 2


@pytest.mark.parametrize(
    ("outcome", "is_asked"), [("refused", False), ("not sent", False), ("absent", False), ("uncertain", True)]
)
def test_a_code_that_may_have_arrived_in_an_earlier_life_is_asked_about_first(
    scene: Scene, outcome: str, is_asked: bool
) -> None:
    [row] = scene.send("01-100")
    Attempt.objects.create(export=row, generation=1, request_key="k", lease_token=1, payload={}, outcome=outcome)
    services.reject_codes(scene.alice, scene.connection, scene.seen())

    services.send_codes(scene.dora, scene.connection, [row.item_id])

    assert scene.row("01-100").ask_first is is_asked


def test_what_arrived_in_an_earlier_life_is_found_and_not_made_twice(scene: Scene) -> None:
    [row] = scene.queue("01-100")
    scene.books.tell(Rule("uncertain", "01-100"), Rule("uncertain", on="find"))
    while scene.row("01-100").status != Status.ATTENTION:
        scene.portion()
    services.reject_codes(scene.alice, scene.connection, scene.seen(filter="all"))
    services.send_codes(scene.dora, scene.connection, [row.item_id])
    scene.books.tell()

    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_recall_takes_ready_codes_back_and_tells_by_whom(scene: Scene) -> None:
    rows = scene.send("01-100") + scene.queue("01-200")

    result = services.recall_codes(scene.dora, [row.item_id for row in rows])

    assert result.count == 1
    assert (scene.row("01-100").status, scene.row("01-100").message) == ("REJECTED", "Recalled by dora")
    assert [p.sentence for p in result.problems] == ["01-200 can no longer be recalled: it is queued."]
    hold = Hold.objects.get(item=rows[0].item)
    assert (hold.lock, hold.note) == (Hold.Lock.NONE, "Recalled by dora")


def test_recall_does_not_reach_into_another_company(scene: Scene) -> None:
    [row] = scene.send("01-100")

    assert services.recall_codes(factories.make_charlie(), [row.item_id]).count == 0
    assert scene.states() == {"01-100": "READY"}
