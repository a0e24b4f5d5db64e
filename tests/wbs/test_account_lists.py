from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from erp_integrations.base import EXPENSE_KINDS, INCOME_KINDS, AccountKind
from erp_integrations.models import Connection
from tests import factories
from wbs.account_lists import chart_of
from wbs.lists.accounts import Account

pytestmark = pytest.mark.django_db
FITS = ("fits_income", "fits_expense")


def labels(erp: Connection) -> list[str]:
    return [account.label for account in chart_of(erp).accounts]


def test_an_account_is_told_as_the_connection_has_it() -> None:
    erp = factories.make_connection()
    made = factories.make_account(
        erp, "5200", AccountKind.COST_OF_GOODS_SOLD, name="Labor", parent="Costs", distinction="Costs", is_active=False
    )

    assert chart_of(erp).accounts == (
        Account(
            made.pk,
            "5200",
            "Labor",
            label=str(made),
            kind="cost_of_goods_sold",
            kind_label="Cost of goods sold",
            parent="Costs",
            is_active=False,
            fits_income=True,  # the Practice ERP takes any of profit and loss
            fits_expense=True,
        ),
    )


def test_the_kinds_are_those_that_the_connection_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    erp = factories.make_connection()
    for kind in AccountKind:
        factories.make_account(erp, kind, kind)

    def fitting() -> tuple[set[str], set[str]]:
        accounts = chart_of(erp).accounts
        income, expense = ([account for account in accounts if getattr(account, name)] for name in FITS)
        return {account.kind for account in income}, {account.kind for account in expense}

    strict = replace(erp.capabilities, income_kinds=INCOME_KINDS)
    monkeypatch.setattr(erp.adapter_class, "capabilities", strict)
    assert chart_of(erp).kinds == {
        "income_account": ["Income", "Other income"],
        "expense_account": ["Cost of goods sold", "Expense", "Other expense"],
    }
    assert fitting() == (INCOME_KINDS, EXPENSE_KINDS)

    monkeypatch.setattr(erp.adapter_class, "capabilities", replace(strict, has_expense_account=False))
    assert chart_of(erp).kinds["expense_account"] == []
    assert fitting() == (INCOME_KINDS, set())


def test_accounts_of_another_connection_are_never_found() -> None:
    ours = factories.make_connection()
    beside = factories.make_connection(slug="other-erp")
    theirs = factories.make_connection(factories.make_company("Other", "other"))
    for number, erp in (("4000", ours), ("4001", beside), ("4002", theirs)):
        factories.make_account(erp, number)

    assert labels(ours) == ["4000 Account 4000"]
    for text in ("4001", "Account 4001", "4002 Account 4002"):
        assert (
            chart_of(ours).find(text, "income_account").problem.startswith(f"“{text}” is no account of Practice ERP.")
        )


def test_it_takes_one_query_however_many_there_are() -> None:
    erp = factories.make_connection()
    for number in range(30):
        factories.make_account(erp, str(number))

    with CaptureQueriesContext(connection) as captured:
        chart = chart_of(erp)
        chart.find("7", "income_account")

    assert len(captured) == 1
