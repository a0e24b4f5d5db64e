from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from exports.defaults import set_defaults
from tests import factories
from tests.exports.review_pages import Desk, queries
from wbs.models import DefaultAccounts, Segment, SegmentItem

pytestmark = pytest.mark.either

LIST = "/companies/sample-builders/erp-integrations/practice-erp/default-accounts/"
REVIEW = "/companies/sample-builders/erp-integrations/practice-erp/standard-cost-codes/"


@pytest.fixture
def desk(db: None) -> Desk:
    desk = Desk()
    for code in ("03-100", "03-200", "04-100"):
        factories.make_cost_code(code)
    return desk


@pytest.fixture
def dora(desk: Desk) -> Client:
    return desk.client_of(desk.dora)


def html(response: Any) -> str:
    return response.content.decode()


def item(code: str) -> SegmentItem:
    return SegmentItem.objects.get(full_code=code)


def test_the_list_shows_divisions_and_what_they_inherit(desk: Desk, dora: Client) -> None:
    desk.connection.default_income_account = desk.income
    desk.connection.save()
    set_defaults(desk.dora, desk.connection, item("03"), None, desk.expense)

    page = html(dora.get(LIST))

    assert f'<tr class="division tier-1" id="default-{item("03").pk}">' in page
    assert "03-100" not in page
    assert "5000 Job Labor" in page
    assert "4000 Contract Revenue (from Practice ERP)" in page


def test_codes_are_found_by_search_and_stay_listed_once_they_have_their_own(desk: Desk, dora: Client) -> None:
    assert f'{item("03-200").pk}/">03-200</a>' in html(dora.get(LIST, {"q": "03-2"}))
    assert "contains “zz”" in html(dora.get(LIST, {"q": "zz"}))

    set_defaults(desk.dora, desk.connection, item("03-200"), desk.income, None)

    assert f'{item("03-200").pk}/">03-200</a>' in html(dora.get(LIST))


def test_a_division_gets_its_defaults_and_is_reset(desk: Desk, dora: Client) -> None:
    address = f"{LIST}{item('03').pk}/"

    answer = dora.post(address, {"income": desk.income.pk, "expense": desk.expense.pk})

    assert answer["Location"] == LIST
    assert str(DefaultAccounts.objects.get()) == "Income: 4000 Contract Revenue; Expense: 5000 Job Labor"
    assert "Saved the default accounts of 03." in html(dora.get(LIST))
    form = html(dora.get(f"{LIST}{item('03-100').pk}/"))
    assert '<option value="" selected>Inherited from 03: 4000 Contract Revenue</option>' in form
    dora.post(address, {"income": "", "expense": ""})
    assert not DefaultAccounts.objects.exists()


@pytest.mark.parametrize("what", ["nothing", "of another connection", "of another kind", "inactive"])
def test_an_account_that_is_not_offered_is_refused(desk: Desk, dora: Client, what: str) -> None:
    account = {
        "nothing": "x",
        "of another connection": factories.make_account(factories.make_connection(slug="other"), "1").pk,
        "of another kind": factories.make_account(desk.connection, "1000", "other").pk,
        "inactive": factories.make_account(desk.connection, "4999", is_active=False).pk,
    }[what]

    response = dora.post(f"{LIST}{item('03').pk}/", {"income": account})

    assert response.status_code == 422
    assert 'id="id_income_error"' in html(response)
    assert not DefaultAccounts.objects.exists()


def test_an_erp_without_an_expense_account_has_no_field_for_it(
    desk: Desk, dora: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    able = desk.connection.capabilities
    monkeypatch.setattr(desk.connection.adapter_class, "capabilities", replace(able, has_expense_account=False))

    assert "expense" not in html(dora.get(LIST)).split("<table")[1]
    assert 'name="expense"' not in html(dora.get(f"{LIST}{item('03').pk}/"))
    assert dora.post(f"{LIST}{item('03').pk}/", {"income": desk.income.pk}).status_code == 302


def test_others_are_refused(desk: Desk) -> None:
    for member, status in ((desk.alice, 403), (factories.make_bob(), 403), (factories.make_charlie(), 404)):
        client = desk.client_of(member)
        assert client.get(LIST).status_code == status
        assert client.post(f"{LIST}{item('03').pk}/", {"income": desk.income.pk}).status_code == status
    assert not DefaultAccounts.objects.exists()


def test_a_code_of_another_company_is_not_here(desk: Desk, dora: Client) -> None:
    foreign = factories.make_cost_code("03", segment=factories.make_segment(factories.make_company("O", "o")))

    assert dora.get(f"{LIST}{foreign.pk}/").status_code == 404


def test_items_of_other_segments_have_none(desk: Desk, dora: Client) -> None:
    kind = factories.make_cost_code("L", segment=Segment.of(desk.alice.company, "cost-types"))

    assert dora.get(f"{LIST}{kind.pk}/").status_code == 404
    assert f'{kind.pk}/">L</a>' not in html(dora.get(LIST, {"q": "L"}))


def test_the_list_takes_the_same_queries_for_any_length(desk: Desk, dora: Client) -> None:
    set_defaults(desk.dora, desk.connection, item("03"), desk.income, None)
    with queries() as few:
        dora.get(LIST)
    for number in range(10, 40):
        factories.make_cost_code(f"{number}-100")
        set_defaults(desk.dora, desk.connection, item(f"{number}"), desk.income, desk.expense)
    with queries() as many:
        dora.get(LIST)

    assert len(few) == len(many)


class TestReview:
    def test_a_row_tells_whose_default_it_has(self, desk: Desk) -> None:
        desk.ready("03-100", income_from="03")
        desk.ready("04-100")

        page = html(desk.get())

        assert page.count("Income: default of 03") == 1

    def test_both_of_one_division_are_told_in_one_word_until_someone_chooses(self, desk: Desk) -> None:
        row = desk.ready("03-100", expense_account=desk.expense, income_from="03", expense_from="03")
        assert "Accounts: default of 03" in html(desk.get())

        other = factories.make_account(desk.connection, "4100")
        answer = desk.post(f"{row.pk}/assign/", version=1, income=other.pk, expense=desk.expense.pk)

        assert "Expense: default of 03" in html(answer)
        assert "Expense: default of 03" in html(desk.get())

    def test_the_page_of_a_code_resets_it_without_javascript(self, desk: Desk) -> None:
        set_defaults(desk.dora, desk.connection, item("03"), desk.income, desk.expense)
        row = desk.ready("03-100", income_account=factories.make_account(desk.connection, "4100"))
        page = html(desk.get(f"{row.pk}/"))
        assert "Default income account: 4000 Contract Revenue (from 03)" in page
        assert "Reset to Default" in page

        answer = desk.post(f"{row.pk}/reset/", htmx=False, back=row.pk)

        row.refresh_from_db()
        assert answer["Location"] == f"{REVIEW}{row.pk}/"
        assert (row.income_account, row.expense_account) == (desk.income, desk.expense)
        assert "Reset 1 cost code." in html(desk.get(f"{row.pk}/"))

    def test_without_defaults_there_is_nothing_to_reset_to(self, desk: Desk) -> None:
        row = desk.ready("03-100")

        assert "Reset to Default" not in html(desk.get(f"{row.pk}/"))

    def test_set_accounts_offers_the_inherited_default(self, desk: Desk) -> None:
        set_defaults(desk.dora, desk.connection, item("03"), None, desk.expense)
        row = desk.ready("03-100")
        assert '<option value="inherit">Inherited default</option>' in html(desk.get())

        desk.post("set-accounts/", only="ticked", export=row.pk, set_income="keep", set_expense="inherit")

        row.refresh_from_db()
        assert (row.income_account, row.expense_account) == (desk.income, desk.expense)
