from __future__ import annotations

from typing import Any

import pytest

from companies.models import AuditEvent
from erp_integrations.base import AccountKind
from erp_integrations.models import GLAccount
from exports import services
from exports.defaults import Defaults, set_defaults
from exports.models import CodeExport, Invalid
from exports.services import INHERIT, KEEP
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.steps import events, queries
from wbs.models import DefaultAccounts, SegmentItem


class Accounts(Scene):
    """A scene with accounts to choose from, and divisions."""

    def __init__(self, scene: Scene) -> None:
        vars(self).update(vars(scene))
        self.add_codes("03-10-100", "03-10-200", "03-20-100", "04-100")
        self.labor = factories.make_account(self.connection, "5100", AccountKind.EXPENSE)
        self.fees = factories.make_account(self.connection, "4100")
        self.connection.default_income_account = self.income
        self.connection.save()

    def give(self, code: str, income: GLAccount | None = None, expense: GLAccount | None = None) -> bool:
        return set_defaults(self.dora, self.connection, SegmentItem.objects.get(full_code=code), income, expense)

    def accounts(self) -> dict[str, tuple[str | None, str | None]]:
        rows = CodeExport.objects.values_list("code", "income_account__number", "expense_account__number")
        return {code: (income, expense) for code, income, expense in rows}


@pytest.fixture
def desk(scene: Scene) -> Accounts:
    return Accounts(scene)


def test_sending_fills_in_the_nearest_default_of_each_kind(desk: Accounts) -> None:
    desk.give("03", expense=desk.expense)
    desk.give("03-10", income=desk.fees)
    desk.give("03-10-200", expense=desk.labor)

    services.send_codes(desk.dora, desk.connection, None)

    assert desk.accounts() == {
        "03-10-100": ("4100", "5000"),
        "03-10-200": ("4100", "5100"),
        "03-20-100": ("4000", "5000"),
        "04-100": ("4000", None),
    }
    check_invariants(desk.connection, desk.books)


def test_a_code_that_goes_again_keeps_what_was_chosen_and_gets_the_rest(desk: Accounts) -> None:
    services.send_codes(desk.dora, desk.connection, None)
    row = desk.row("03-10-100")
    services.assign(row.pk, desk.alice, "scripted-erp", row.version, desk.fees.pk, None)
    services.reject_codes(desk.alice, desk.connection, desk.seen())
    desk.give("03", desk.income, desk.expense)

    services.send_codes(desk.dora, desk.connection, [row.item_id, desk.row("04-100").item_id])

    assert desk.accounts()["03-10-100"] == ("4100", "5000")
    assert desk.accounts()["04-100"] == ("4000", None)
    row = desk.row("03-10-100")
    assert (row.income_from, row.expense_from) == ("", "03"), "whoever chose it is no default"


@pytest.mark.parametrize("wrong", ["inactive", "of another kind"])
def test_a_default_that_may_not_be_chosen_now_is_passed_over(desk: Accounts, wrong: str) -> None:
    desk.give("03", income=desk.fees)
    GLAccount.objects.filter(pk=desk.fees.pk).update(
        is_active=wrong != "inactive", kind=AccountKind.OTHER if wrong == "of another kind" else AccountKind.INCOME
    )

    services.send_codes(desk.dora, desk.connection, None)

    assert desk.accounts()["03-10-100"][0] == "4000"


def test_codes_that_only_begin_alike_are_not_below(desk: Accounts) -> None:
    desk.add_codes("030-100")
    desk.give("03", income=desk.fees)

    services.send_codes(desk.dora, desk.connection, None)

    assert desk.accounts()["030-100"][0] == "4000"


def test_flat_codes_have_defaults_of_their_own(scene: Scene) -> None:
    segment = factories.make_segment(delimiter="")
    items = [factories.make_cost_code(code, segment=segment) for code in ("0310", "0320")]
    set_defaults(scene.dora, scene.connection, items[0], scene.income, None)

    services.send_codes(scene.dora, scene.connection, None)

    assert (scene.row("0310").income_account, scene.row("0320").income_account) == (scene.income, None)


def test_another_connections_defaults_do_not_count(desk: Accounts) -> None:
    other = factories.make_connection(slug="other-erp")
    set_defaults(desk.dora, other, SegmentItem.objects.get(full_code="03"), factories.make_account(other, "9000"), None)

    services.send_codes(desk.dora, desk.connection, None)

    assert desk.accounts()["03-10-100"][0] == "4000"


@pytest.mark.parametrize("again", [False, True])
def test_sending_takes_as_many_queries_for_many_codes_as_for_few(desk: Accounts, again: bool) -> None:
    for number in range(100, 122):
        desk.add_codes(f"05-{number}")
        desk.give(f"05-{number}", desk.fees if number % 2 else desk.income)
    items = list(SegmentItem.objects.filter(full_code__startswith="05-").values_list("pk", flat=True))
    if again:
        services.send_codes(desk.dora, desk.connection, items)
        services.reject_codes(desk.alice, desk.connection, desk.seen())

    few = queries(lambda: services.send_codes(desk.dora, desk.connection, items[:2]))
    many = queries(lambda: services.send_codes(desk.dora, desk.connection, items[2:22]))

    assert len(few) == len(many)


def test_a_change_is_on_record_and_the_same_again_is_none(desk: Accounts) -> None:
    assert desk.give("03", desk.fees, desk.expense)
    assert not desk.give("03", desk.fees, desk.expense)
    assert desk.give("03", None, desk.expense)
    assert desk.give("03")
    assert not desk.give("03")

    told = AuditEvent.objects.filter(action="connection.changed").order_by("pk").values_list("label", "old", "new")
    label = "Scripted ERP: Default accounts of 03"
    both, half = (
        "Income: 4100 Account 4100; Expense: 5000 Account 5000",
        "Income: inherited; Expense: 5000 Account 5000",
    )
    assert list(told) == [
        (label, "", both),
        (label, both, half),
        (label, half, "Income: inherited; Expense: inherited"),
    ]
    assert not DefaultAccounts.objects.exists()


def test_many_codes_are_reset_to_what_each_inherits(desk: Accounts) -> None:
    services.send_codes(desk.dora, desk.connection, None)
    services.assign_accounts(desk.alice, desk.connection, desk.seen(), desk.fees.pk, desk.labor.pk)
    desk.give("03", expense=desk.expense)

    result = services.assign_accounts(desk.alice, desk.connection, desk.seen(search="03"), INHERIT, INHERIT)

    assert result.count == 3
    assert desk.accounts() == {
        "03-10-100": ("4000", "5000"),
        "03-10-200": ("4000", "5000"),
        "03-20-100": ("4000", "5000"),
        "04-100": ("4100", "5100"),
    }
    was, now = (
        "Income: 4100 Account 4100; Expense: 5100 Account 5100",
        "Income: 4000 Account 4000; Expense: 5000 Account 5000",
    )
    assert ("03-10-100", was, now) in events("export.assigned")


def test_a_reset_tells_again_from_whom_it_is(desk: Accounts) -> None:
    desk.give("03", desk.income, desk.expense)
    services.send_codes(desk.dora, desk.connection, None)
    services.assign_accounts(desk.alice, desk.connection, desk.seen(), desk.fees.pk, KEEP)
    chosen = desk.row("03-10-100")

    services.assign_accounts(desk.alice, desk.connection, desk.seen(), INHERIT, KEEP)

    assert (chosen.income_from, chosen.expense_from) == ("", "03")
    assert desk.row("03-10-100").income_from == "03"


def test_where_nothing_is_inherited_the_account_stays(desk: Accounts) -> None:
    services.send_codes(desk.dora, desk.connection, None)
    services.assign_accounts(desk.alice, desk.connection, desk.seen(), KEEP, desk.labor.pk)

    services.assign_accounts(desk.alice, desk.connection, desk.seen(), KEEP, INHERIT)

    assert desk.accounts()["04-100"] == ("4000", "5100")
    same = "Income: 4000 Account 4000; Expense: 5100 Account 5100"
    assert events("export.assigned")[-1] == ("04-100", same, same)


def test_a_reset_takes_as_many_queries_for_many_codes_as_for_few(desk: Accounts) -> None:
    desk.give("03", desk.fees, desk.expense)
    services.send_codes(desk.dora, desk.connection, None)

    def reset(search: str) -> Any:
        seen = desk.seen(search=search)
        return lambda: services.assign_accounts(desk.alice, desk.connection, seen, INHERIT, INHERIT)

    assert len(queries(reset("04-100"))) == len(queries(reset("03")))


def test_an_account_of_another_connection_is_still_refused(desk: Accounts) -> None:
    services.send_codes(desk.dora, desk.connection, None)
    foreign = factories.make_account(factories.make_connection(slug="other-erp"), "9000")

    with pytest.raises(Invalid):
        services.assign_accounts(desk.alice, desk.connection, desk.seen(), foreign.pk, INHERIT)


def test_reading_them_takes_two_queries_however_many_there_are(desk: Accounts) -> None:
    desk.give("03", desk.fees)
    few = len(queries(lambda: Defaults(desk.connection)))
    for code in ("03-10", "03-20", "04", "03-10-100"):
        desk.give(code, desk.income, desk.labor)

    assert len(queries(lambda: Defaults(desk.connection))) == few == 2
