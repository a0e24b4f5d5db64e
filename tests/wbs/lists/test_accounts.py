from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_integrations.adapters.practice.chart import CHART
from erp_integrations.base import EXPENSE_KINDS, INCOME_KINDS, AccountKind
from erp_integrations.models import GLAccount
from erp_integrations.models.accounts import tell_apart
from wbs.lists.accounts import NAMED, Account, Chart, Found, key_of

pytestmark = pytest.mark.once

INCOME, EXPENSE = FIELDS = ("income_account", "expense_account")
WORDS = dict(GLAccount.KINDS)
KINDS = {
    INCOME: ["Income", "Other income"],
    EXPENSE: ["Cost of goods sold", "Expense", "Other expense"],
}


def account(number: str, name: str, kind: AccountKind = AccountKind.INCOME, is_active: bool = True, parent: str = ""):
    account.made += 1  # type: ignore[attr-defined]
    label, pk = f"{number} {name}".strip(), account.made  # type: ignore[attr-defined]
    fits = (kind in INCOME_KINDS, kind in EXPENSE_KINDS)
    return Account(pk, number, name, label, kind, WORDS[kind], parent, is_active, *fits)


account.made = 0  # type: ignore[attr-defined]
COST = AccountKind.COST_OF_GOODS_SOLD
PRACTICE = [account(*each) for each in CHART]


def chart(*accounts: Account) -> Chart:
    return Chart("Practice ERP", accounts or PRACTICE, KINDS)


def found(text: str, field: str = INCOME, at: Chart | None = None) -> str:
    """The label of the account, or the problem."""
    result = (at or chart()).find(text, field)
    assert not (result.account and result.problem)
    return result.account.label if result.account else result.problem


@pytest.mark.parametrize(
    ("text", "field", "label"),
    [
        ("4000", INCOME, "4000 Contract Revenue"),
        ("contract revenue", INCOME, "4000 Contract Revenue"),
        ("4000 Contract Revenue", INCOME, "4000 Contract Revenue"),
        (" 4000\u00a0 CONTRACT\u2003Revenue\t", INCOME, "4000 Contract Revenue"),
        ("40\u200b00", INCOME, "4000 Contract Revenue"),
        ("4000 - Contract Revenue", INCOME, "4000 Contract Revenue"),
        ("4000-Contract Revenue", INCOME, "4000 Contract Revenue"),
        ("4000 – contract revenue", INCOME, "4000 Contract Revenue"),
        ("4000 · Contract Revenue", INCOME, "4000 Contract Revenue"),
        ("4000: Contract Revenue", INCOME, "4000 Contract Revenue"),
        ("Contract Revenue (4000)", INCOME, "4000 Contract Revenue"),
        ("4100 · Revenue:4000 · Contract Revenue", INCOME, "4000 Contract Revenue"),
        ("4010 · Contract Revenue: Commercial", INCOME, "4010 Contract Revenue: Commercial"),
        ("Contract Revenue: Commercial", INCOME, "4010 Contract Revenue: Commercial"),
        ("Workers’ Compensation", EXPENSE, "6210 Workers' Compensation"),
        ("Subcontractors", EXPENSE, "5200 Subcontractors"),
        ("7000 Interest Income", INCOME, "7000 Interest Income"),
        ("8200", EXPENSE, "8200 Penalties and Late Fees"),
    ],
)
def test_an_account_is_found_by_number_by_name_and_by_both(text: str, field: str, label: str) -> None:
    assert found(text, field) == label


@pytest.mark.parametrize("text", ["", " ", "\u00a0", "none", "None", "(none)", "N/A", "-", "–"])
@pytest.mark.parametrize("field", FIELDS)
def test_a_cell_that_says_none_means_none(text: str, field: str) -> None:
    assert chart().find(text, field) == Found()


def test_an_account_that_is_called_like_none_is_one() -> None:
    assert found("none", INCOME, chart(account("", "None"))) == "None"


UNKNOWN = "Write one that is, or sync the GL accounts of Practice ERP if it is new there."
NO_INCOME = "An income account is of the type Income or Other income."
NO_EXPENSE = "An expense account is of the type Cost of goods sold, Expense or Other expense."
OTHERWISE = "Write another account, or leave the cell empty."


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        ("4999", INCOME, f"“4999” is no account of Practice ERP. {UNKNOWN}"),
        ("4800", INCOME, f"“4800” is 4800 Bonding Revenue (old), which is inactive in Practice ERP. {OTHERWISE}"),
        (
            "scaffolding (old)",
            EXPENSE,
            f"“scaffolding (old)” is 5800 Scaffolding (old), which is inactive in Practice ERP. {OTHERWISE}",
        ),
        (
            "1010",
            INCOME,
            f"“1010” is 1010 Operating Bank Account, which is of the type Other. {NO_INCOME} {OTHERWISE}",
        ),
        (
            "4600 Equipment Rental Revenue",
            EXPENSE,
            f"“4600 Equipment Rental Revenue” is of the type Income. {NO_EXPENSE} {OTHERWISE}",
        ),
        (
            "5200",
            INCOME,
            f"“5200” is 5200 Subcontractors, which is of the type Cost of goods sold. {NO_INCOME} {OTHERWISE}",
        ),
        ("x" * 700, INCOME, f"“{'x' * 80}…” is no account of Practice ERP. {UNKNOWN}"),
    ],
)
def test_whatever_else_is_a_problem_that_says_what_to_do(text: str, field: str, problem: str) -> None:
    assert found(text, field) == problem


@pytest.mark.parametrize(
    ("text", "field", "near"),
    [
        ("Commercial", INCOME, "4010 Contract Revenue: Commercial"),
        ("4010 Contract Revenue", INCOME, "4010 Contract Revenue: Commercial"),
        ("Contract Revenu", INCOME, "4000 Contract Revenue"),
        ("Contrect Revenue", INCOME, "4000 Contract Revenue"),
        ("Subcontractor", EXPENSE, "5200 Subcontractors"),
        ("Scaffolding old", EXPENSE, ""),
        ("4000.0", INCOME, "4000 Contract Revenue"),
        ("5200.00", EXPENSE, "5200 Subcontractors"),
        ("04000", INCOME, "4000 Contract Revenue"),
        ("5200.00", INCOME, ""),
        ("Materials and Labor", EXPENSE, ""),
        ("4999", INCOME, ""),
        ("0", INCOME, ""),
        ("?", INCOME, ""),
    ],
)
def test_what_is_obviously_meant_is_proposed_and_not_taken(text: str, field: str, near: str) -> None:
    advice = f"Write “{near}” if that is meant." if near else UNKNOWN

    assert found(text, field) == f"“{text}” is no account of Practice ERP. {advice}"


class TestSeveralOfOneName:
    def test_all_are_named(self) -> None:
        two = chart(*PRACTICE, account("5290", "Subcontractors", COST))

        told = "“Subcontractors” is 5200 Subcontractors and 5290 Subcontractors. Write the number."
        assert found("Subcontractors", EXPENSE, two) == told
        assert found("5290 subcontractors", EXPENSE, two) == found("5290", EXPENSE, two) == "5290 Subcontractors"

    def test_where_a_number_does_not_tell_them_apart_the_whole_does(self) -> None:
        alike = [replace(account("5200", "Labor", COST), label=f"5200 Labor ({above})") for above in ("Shop", "Site")]
        two = chart(*alike)

        told = " is 5200 Labor (Shop) and 5200 Labor (Site). Write one of them in full."
        assert found("5200", EXPENSE, two) == f"“5200”{told}"
        assert found("5200 labor", EXPENSE, two) == f"“5200 labor”{told}"
        assert found("5200 labor (site)", EXPENSE, two) == "5200 Labor (Site)"

    def test_of_very_many_the_first_are_named(self) -> None:
        many = chart(*(account(str(number), "Labor", COST) for number in range(1000, 1000 + NAMED + 1200)))

        assert found("Labor", EXPENSE, many).endswith("1009 Labor and 1,200 more. Write the number.")

    @pytest.mark.parametrize("kind", [COST, AccountKind.OTHER])
    def test_the_only_one_that_may_be_chosen_wins(self, kind: AccountKind) -> None:
        others = [account("1", "Labor", kind, is_active=kind == AccountKind.OTHER), account("2", "Labor", COST)]

        assert found("labor", EXPENSE, chart(*others)) == "2 Labor"

    def test_if_none_may_be_chosen_each_is_told_why(self) -> None:
        none = chart(account("1", "Labor", COST, is_active=False), account("2", "Labor"))

        assert found("Labor", EXPENSE, none) == (
            "“Labor” is 1 Labor, which is inactive in Practice ERP and 2 Labor, which is of the type Income. "
            f"{NO_EXPENSE} {OTHERWISE}"
        )

    def test_the_whole_name_of_one_that_is_closed_is_not_taken_for_another(self) -> None:
        mixed = chart(account("", "Labor", COST, is_active=False), account("5100", "Labor", COST))

        assert found("Labor", EXPENSE, mixed) == (
            "“Labor” is inactive in Practice ERP. Write “5100 Labor” if that is meant."
        )


def test_a_number_comes_before_a_name() -> None:
    both = chart(account("10", "20"), account("20", "Sales"))

    assert found("20", INCOME, both) == "20 Sales"


def test_accounts_without_numbers_are_found_by_the_way_to_them() -> None:
    site, shop = (account("", "Labor", COST, parent=above) for above in ("Job Costs: Site", "Shop"))
    two = chart(replace(site, label="Labor (Job Costs: Site)"), replace(shop, label="Labor (Shop)"))

    assert found("Job Costs:Site:Labor", EXPENSE, two) == "Labor (Job Costs: Site)"
    assert found("shop: labor", EXPENSE, two) == "Labor (Shop)"
    assert found("Labor", EXPENSE, two) == (
        "“Labor” is Labor (Job Costs: Site) and Labor (Shop). Write one of them in full."
    )


def test_an_erp_without_an_expense_account_has_none_for_any_text() -> None:
    without = Chart("Small ERP", PRACTICE, {**KINDS, EXPENSE: []})

    for text in ("5200", "nonsense"):
        told = f"“{text}”: Small ERP has no expense account for a code. Leave the cell empty."
        assert found(text, EXPENSE, without) == told
    assert without.find("", EXPENSE) == without.find("none", EXPENSE) == Found()


def test_a_chart_without_accounts_knows_none() -> None:
    assert found("4000", INCOME, Chart("New ERP", [], KINDS)).startswith("“4000” is no account of New ERP.")


NAMES = st.text(st.sampled_from("aA'’éÉe\u0301 ß:-/(0014)\u00a0."), min_size=1, max_size=6)
TEXTS = NAMES.map(lambda text: " ".join(text.split()))
ACCOUNTS = st.builds(
    GLAccount,
    number=st.one_of(st.just(""), TEXTS),
    name=TEXTS.filter(bool),
    parent=st.one_of(st.just(""), TEXTS),
    kind=st.sampled_from([kind.value for kind in AccountKind]),
    is_active=st.booleans(),
)


@given(st.lists(ACCOUNTS, max_size=8))
def test_every_account_in_full_is_found_as_itself_or_told(accounts: list[GLAccount]) -> None:
    """As an exported list names them; `tell_apart` has made what reads alike differ, as a sync does."""
    for place, each in enumerate(accounts):
        each.pk, each.remote_id = place, str(place)
    tell_apart(accounts)
    whole = Chart(
        "Any ERP",
        [
            Account(
                *(each.pk, each.number, each.name, str(each), each.kind, WORDS[each.kind], each.parent, each.is_active),
                fits_income=each.kind in INCOME_KINDS,
                fits_expense=each.kind in EXPENSE_KINDS,
            )
            for each in accounts
        ],
        KINDS,
    )

    for each in whole.accounts:
        for field in FIELDS:
            result = whole.find(each.label, field)
            alike = [other for other in whole.accounts if key_of(other.label) == key_of(each.label)]
            if each.may_be(field) and len(alike) == 1:
                assert result == Found(each)
            else:
                assert result.account in (None, each)
                assert result.account or result.problem or key_of(each.label) in ("", "-")


@given(st.text(max_size=40), st.sampled_from(FIELDS))
def test_any_text_gets_an_answer(text: str, field: str) -> None:
    result = chart().find(text, field)

    assert result.account is None or (result.account.may_be(field) and not result.problem)
    assert bool(result.problem) == (result.account is None and result != Found())


def test_each_text_is_looked_up_once_for_each_field() -> None:
    whole = chart()

    assert whole.find("Labor", EXPENSE) is whole.find("Labor", EXPENSE)
    assert whole.find("4600", INCOME) != whole.find("4600", EXPENSE)
