"""An account that is no longer what it was when it was picked is told at its codes and does not leave for the ERP."""

from __future__ import annotations

import pytest
from django.db.models import F

from erp_integrations.base import AccountKind, GLAccountData
from exports import queue, services
from exports.models import CodeExport, Conflict, Invalid
from exports.pages import words
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.steps import changed, events, make_many, put, queries, update

CHANGES = {
    "inactive": ({"is_active": False}, "Account 4000 is no longer active in the ERP"),
    "of another kind": ({"kind": AccountKind.OTHER}, "Account 4000 is of the type Other in the ERP now"),
    "renamed": ({"name": "Fees"}, "4000 Fees was 4000 Account 4000 when it was picked"),
    "renumbered": ({"number": "4001"}, "4001 Account 4000 was 4000 Account 4000 when it was picked"),
    "of another fitting kind": (
        {"kind": AccountKind.OTHER_INCOME},
        "4000 Account 4000 was 4000 Account 4000 of the type Income when it was picked",
    ),
}
WAYS = pytest.mark.parametrize("how", CHANGES)


def change(scene: Scene, how: str) -> str:
    """Someone changes the income account in the ERP; what is then said of it."""
    values, sentence = CHANGES[how]
    scene.connection.gl_accounts.filter(pk=scene.income.pk).update(**values)
    return sentence


@WAYS
def test_a_code_with_such_an_account_stays_and_the_account_is_named(scene: Scene, how: str) -> None:
    scene.ready("01-100", "01-200")
    scene.send("01-300")
    sentence = change(scene, how)

    result = services.queue_codes(scene.alice, scene.connection, scene.seen())

    told = words.exported(result)
    assert (result.count, result.lacking, sum(result.accounts.values())) == (0, 3, 2)
    assert sentence in told
    assert "2 cost codes stayed: " in told
    assert "1 lacks an income account and stayed." in told


def test_of_an_inactive_expense_account_the_income_account_is_not_blamed(scene: Scene) -> None:
    scene.ready("01-100", "01-200", "01-300")
    scene.connection.gl_accounts.filter(pk=scene.expense.pk).update(is_active=False)

    result = services.queue_codes(scene.alice, scene.connection, scene.seen())

    assert words.exported(result) == (
        "Nothing to export. 3 cost codes stayed: 5000 Account 5000 is no longer active in the ERP."
    )


def test_of_many_accounts_those_of_the_most_codes_are_named(scene: Scene) -> None:
    for place in range(5):
        account = factories.make_account(scene.connection, f"410{place}", is_active=False)
        [row] = scene.ready(f"01-10{place}")
        CodeExport.objects.filter(pk=row.pk).update(income_account=account)

    told = words.exported(services.queue_codes(scene.alice, scene.connection, scene.seen()))

    assert told.count("is no longer active") == 3
    assert "2 cost codes stayed because of other accounts." in told


@WAYS
def test_an_account_that_changes_between_click_and_sending_does_not_leave(scene: Scene, how: str) -> None:
    scene.queue("01-100", "01-200")
    sentence = change(scene, how)

    assert not scene.portion()
    queue.sweep()

    row = scene.row("01-100")
    assert scene.books.events("start") == []
    assert scene.states() == {"01-100": "READY", "01-200": "READY"}
    assert row.message.startswith("Not sent. Income account ")
    assert sentence in row.message
    assert events("export.ready")[0][1:] == ("Queued", f"Ready to Export: {row.message}")
    check_invariants(scene.connection, scene.books)


def test_only_the_codes_of_that_account_are_held(scene: Scene) -> None:
    scene.queue("01-100")
    other = factories.make_account(scene.connection, "4100")
    [row] = scene.ready("01-200")
    services.assign_accounts(scene.alice, scene.connection, scene.seen(ids=(row.pk,)), other.pk, None)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    change(scene, "inactive")

    scene.portion()

    assert scene.states() == {"01-100": "QUEUED", "01-200": "SUCCESS"}


def test_a_sync_between_click_and_sending_is_enough(scene: Scene) -> None:
    """The chart as the ERP tells it: what vanished from it (a heading) is inactive here."""
    scene.queue("01-100")
    scene.connection.keep_gl_accounts([GLAccountData("5000", "5000", "Labor", AccountKind.EXPENSE)], None)

    scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "READY"}
    assert scene.books.items() == []


def test_a_change_that_is_taken_back_holds_nothing(scene: Scene) -> None:
    scene.queue("01-100")
    for how in ("Fees", "Account 4000"):
        scene.connection.gl_accounts.filter(number="4000").update(name=how)

    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}


def test_a_code_that_is_to_be_asked_about_first_is_held_too(scene: Scene) -> None:
    scene.queue("01-100")
    CodeExport.objects.update(ask_first=True)
    change(scene, "renamed")

    assert not scene.portion()
    queue.sweep()

    assert scene.states() == {"01-100": "READY"}
    assert scene.row("01-100").ask_first


@pytest.mark.parametrize("status", ["FAILED", "ATTENTION"])
def test_a_retry_looks_at_the_accounts(scene: Scene, status: str) -> None:
    [row] = scene.ready("01-100")
    put("01-100", status)
    sentence = change(scene, "of another kind")

    result = services.retry_codes(scene.alice, scene.connection, [row.pk])

    assert scene.states() == {"01-100": status}
    assert sentence in words.did("Retried", result)


def test_a_claim_looks_without_further_queries(scene: Scene) -> None:
    scene.queue("01-100")
    statements = queries(scene.portion)

    assert len(statements) <= 14, statements


def test_the_sweep_takes_as_many_queries_for_1000_codes_as_for_10(scene: Scene) -> None:
    counts = []
    for division, number in (("01", 10), ("02", 500)):
        make_many(scene, division, number)
        services.queue_codes(scene.alice, scene.connection, scene.seen())
        change(scene, "inactive")
        counts.append(len(queries(queue.sweep)))
        scene.connection.gl_accounts.update(is_active=True)
        CodeExport.objects.filter(status="READY").update(status="REJECTED", cause="rejected")

    assert counts[0] == counts[1]


# Release: the approver keeps the account as it is now, or picks another


def kept(scene: Scene, row: CodeExport) -> CodeExport:
    account = scene.connection.gl_accounts.get(pk=scene.income.pk)
    ids = (row.income_account_id, row.expense_account_id)
    return services.assign(
        row.pk, scene.alice, scene.connection.slug, row.version, *ids, {"income_account": account.identity}
    )


def test_keeping_a_renamed_account_releases_the_code(scene: Scene) -> None:
    [row] = scene.ready("01-100")
    change(scene, "renamed")

    kept(scene, row)

    assert services.queue_codes(scene.alice, scene.connection, scene.seen()).count == 1
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}
    assert events("export.assigned")[-1][1:] == (
        "Income: 4000 Account 4000; Expense: 5000 Account 5000",
        "Income: 4000 Fees; Expense: 5000 Account 5000",
    )
    check_invariants(scene.connection, scene.books)


def test_what_was_kept_as_it_read_before_the_last_change_is_a_conflict(scene: Scene) -> None:
    [row] = scene.ready("01-100")
    seen = scene.income.identity
    change(scene, "renamed")
    CodeExport.objects.update(income_picked="income: 3999 Older")
    row = scene.row("01-100")

    with pytest.raises(Conflict):
        services.assign(row.pk, scene.alice, scene.connection.slug, row.version, *ids_of(row), {"income_account": seen})


def ids_of(row: CodeExport) -> tuple[int | None, int | None]:
    return row.income_account_id, row.expense_account_id


def test_another_choice_in_the_row_keeps_nothing(scene: Scene) -> None:
    """Each save posts both accounts: that is no word about the one that was left alone."""
    [row] = scene.ready("01-100")
    change(scene, "renamed")

    services.assign(row.pk, scene.alice, scene.connection.slug, row.version, scene.income.pk, None)

    assert services.queue_codes(scene.alice, scene.connection, scene.seen()).count == 0


def test_picking_the_account_anew_for_many_releases_them(scene: Scene) -> None:
    scene.ready("01-100", "01-200")
    change(scene, "renumbered")

    services.assign_accounts(scene.alice, scene.connection, scene.seen(), scene.income.pk, services.KEEP)

    assert services.queue_codes(scene.alice, scene.connection, scene.seen()).count == 2


def test_a_renamed_account_of_a_code_that_needs_review_can_be_kept(scene: Scene) -> None:
    scene.ready("01-100")
    row = put("01-100", "ATTENTION", message="There already.")
    change(scene, "renamed")

    kept(scene, row)

    assert scene.row("01-100").message == "There already."
    assert services.retry_codes(scene.alice, scene.connection, [row.pk]).count == 1


def test_an_account_that_fits_no_more_cannot_be_kept(scene: Scene) -> None:
    [row] = scene.ready("01-100")
    change(scene, "of another kind")

    kept(scene, row)

    assert services.queue_codes(scene.alice, scene.connection, scene.seen()).count == 0


@pytest.mark.parametrize("way", ["one", "many"])
def test_the_sentence_goes_when_another_account_is_picked(scene: Scene, way: str) -> None:
    scene.queue("01-100")
    change(scene, "inactive")
    queue.sweep()
    row, other = scene.row("01-100"), factories.make_account(scene.connection, "4100").pk

    if way == "one":
        services.assign(row.pk, scene.alice, scene.connection.slug, row.version, other, None)
    else:
        services.assign_accounts(scene.alice, scene.connection, scene.seen(), other, None)

    assert scene.row("01-100").message == ""
    check_invariants(scene.connection, scene.books)


# Every way to get an account remembers how it read


def test_every_way_to_get_accounts_notes_how_they_read(scene: Scene) -> None:
    scene.connection.default_income_account, scene.connection.default_expense_account = scene.income, scene.expense
    scene.connection.save()
    [filled] = scene.send("01-100")
    [row] = scene.ready("01-200")
    [inherits] = scene.ready("01-300")
    CodeExport.objects.filter(pk=inherits.pk).update(income_picked="", expense_picked="")
    services.assign_accounts(
        scene.alice, scene.connection, scene.seen(ids=(inherits.pk,)), services.INHERIT, services.INHERIT
    )
    CodeExport.objects.filter(pk=row.pk).update(income_account=None, income_picked="")
    row.refresh_from_db()
    services.assign(row.pk, scene.alice, scene.connection.slug, row.version, scene.income.pk, scene.expense.pk)

    both = set(CodeExport.objects.values_list("income_picked", "expense_picked"))

    assert filled.income_account == scene.income
    assert both == {("income: 4000 Account 4000", "cost_of_goods_sold: 5000 Account 5000")}


def test_a_code_that_goes_again_notes_the_default_that_fills_it_in(scene: Scene) -> None:
    [row] = scene.send("01-100")
    services.reject_codes(scene.alice, scene.connection, scene.seen())
    scene.connection.default_income_account = scene.income
    scene.connection.save()

    services.send_codes(scene.dora, scene.connection, [row.item_id])

    assert scene.row("01-100").income_picked == scene.income.identity


# Updates of synced codes


def test_an_update_whose_account_changes_before_it_is_sent_fails_and_can_be_mended(scene: Scene) -> None:
    changed(scene, "01-100")
    assert update(scene).count == 1
    sentence = change(scene, "of another kind")

    assert not scene.portion()
    queue.sweep()

    row, other = scene.row("01-100"), factories.make_account(scene.connection, "4100")
    assert row.status == "FAILED"
    assert sentence in row.message
    services.assign(row.pk, scene.alice, scene.connection.slug, row.version, other.pk, row.expense_account_id)
    assert services.retry_codes(scene.alice, scene.connection, [row.pk]).count == 1
    scene.drain()
    assert scene.row("01-100").receipt["income_account"] == "4100"
    check_invariants(scene.connection, scene.books)


def test_an_update_that_is_cancelled_has_its_accounts_back_as_they_were_picked(scene: Scene) -> None:
    changed(scene, "01-100")
    other = factories.make_account(scene.connection, "4100")
    update(scene, income_id=other.pk, expense_id=None)
    assert scene.row("01-100").income_picked == "income: 4100 Account 4100"

    services.cancel_codes(scene.alice, scene.connection, [scene.row("01-100").pk])

    row = scene.row("01-100")
    assert (row.income_picked, row.expense_picked) == (scene.income.identity, scene.expense.identity)


def test_an_account_of_another_kind_is_not_taken_for_an_update(scene: Scene) -> None:
    changed(scene, "01-100")
    change(scene, "of another kind")

    with pytest.raises(Invalid):
        update(scene)


def test_two_versions_of_the_words_agree(scene: Scene) -> None:
    """`fits` for the database, `trouble` for people."""
    rows = scene.ready("01-100")
    for values in ({}, *(values for values, _ in CHANGES.values()), {"number": "", "name": " Fees "}):
        before = {name: getattr(scene.income, name) for name in values}
        scene.connection.gl_accounts.filter(pk=scene.income.pk).update(**values)
        CodeExport.objects.update(version=F("version") + 1)

        row = CodeExport.objects.select_related("connection", "income_account", "expense_account").get(pk=rows[0].pk)
        goes = services.queue_codes(scene.alice, scene.connection, scene.seen()).count == 1

        assert goes == (not row.troubles), values
        if goes:
            services.cancel_codes(scene.alice, scene.connection, [row.pk])
        scene.connection.gl_accounts.filter(pk=scene.income.pk).update(**before)
