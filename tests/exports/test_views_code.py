from __future__ import annotations

import json
import re
from typing import Any

import pytest

from companies import audit
from erp_integrations.base import AccountKind
from exports.models import Attempt, CodeExport, Status
from tests import factories
from tests.exports.review_pages import PAGE, Desk, queries

pytestmark = pytest.mark.either


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def html(response: Any) -> str:
    return response.content.decode()


def save(desk: Desk, row: CodeExport, **values: Any) -> Any:
    return desk.post(f"{row.pk}/assign/", htmx=False, **{"version": row.version, "seen_at": "", **values})


def test_it_offers_both_accounts_as_plain_drop_downs(desk: Desk) -> None:
    row = desk.ready("01-100")

    page = html(desk.get(f"{row.pk}/"))

    assert f'<option value="{desk.income.pk}" selected>4000 Contract Revenue</option>' in page
    assert "5000 Job Labor" in page
    assert ">Save</button>" in page


def test_saving_leads_back_and_says_so(desk: Desk) -> None:
    row = desk.ready("01-100", income_account=None)

    response = save(desk, row, income=desk.income.pk, expense=desk.expense.pk)

    row.refresh_from_db()
    assert (row.income_account, row.expense_account) == (desk.income, desk.expense)
    assert response.headers["Location"] == f"{PAGE}{row.pk}/"
    assert "Saved 01-100." in html(desk.get(f"{row.pk}/"))


def test_an_account_that_no_longer_fits_is_flagged_and_stays_chosen(desk: Desk) -> None:
    bank = factories.make_account(desk.connection, "1010", "other", name="Bank")
    row = desk.ready("01-100", income_account=bank)

    page = html(desk.get(f"{row.pk}/"))

    assert f'<option value="{bank.pk}" selected>1010 Bank (type Other)</option>' in page
    assert "Is of the type Other in the ERP now. Choose another." in page
    assert "_kept" not in page


@pytest.mark.parametrize("status", ["READY", "ATTENTION"])
def test_a_renamed_account_is_kept_without_javascript(desk: Desk, status: str) -> None:
    row = desk.ready("01-100", status=status, income_picked="income: 4000 Sales")
    page = html(desk.get(f"{row.pk}/"))
    assert "Was 4000 Sales when it was picked. Keep it or choose another." in page
    [kept] = re.findall(r'name="income_kept" value="([^"]+)"', page)

    save(desk, row, income=desk.income.pk, income_kept=kept)

    row.refresh_from_db()
    assert row.income_picked == desk.income.identity
    assert "when it was picked" not in html(desk.get(f"{row.pk}/"))


def test_a_conflict_shows_the_sentence_and_keeps_what_was_chosen(desk: Desk) -> None:
    row = desk.ready("01-100", income_account=None)
    CodeExport.objects.filter(pk=row.pk).update(version=5)

    response = save(desk, row, income=desk.income.pk)

    assert response.status_code == 409
    assert "Your choice was not saved." in html(response)
    assert f'<option value="{desk.income.pk}" selected>' in html(response)
    assert 'name="version" value="5"' in html(response)


def test_what_may_not_be_chosen_is_told_beside_the_drop_downs(desk: Desk) -> None:
    row = desk.ready("01-100")

    response = save(desk, row, income=desk.expense.pk + 1000)

    assert response.status_code == 422
    assert 'id="accounts-error"' in html(response)


def test_it_compares_with_the_item_in_the_erp_and_offers_link(desk: Desk) -> None:
    receipt = {
        "remote_id": "77",
        "code": "01-100",
        "description": "Old words",
        "income_account": "4000",
        "expense_account": None,
    }
    row = desk.ready("01-100", status=Status.ATTENTION, message="It exists.", receipt=receipt, detail="HTTP 409")

    page = html(desk.get(f"{row.pk}/"))

    assert "Old words" in page
    assert page.count("differs") == 1
    assert 'name="remote_id" value="77"' in page
    assert "HTTP 409" in page


def test_it_tells_attempts_and_history(desk: Desk) -> None:
    row = desk.ready("01-100")
    Attempt.objects.create(
        export=row,
        generation=1,
        request_key="k",
        lease_token=1,
        payload={"code": "01-100"},
        outcome=Attempt.Outcome.REFUSED,
        message="The account is closed.",
        detail="E-17",
    )
    audit.record(row.company, desk.dora.user, "export.sent", row, kind="export", new="Ready to Export")

    page = html(desk.get(f"{row.pk}/"))

    assert "The account is closed." in page
    assert "E-17" in page
    assert "Export sent" in page
    assert "dora" in page


def test_a_click_on_this_page_leads_back_to_it(desk: Desk) -> None:
    row = desk.ready("01-100", status=Status.FAILED)

    response = desk.post(f"{row.pk}/retry/", htmx=False, back=row.pk)

    assert response.headers["Location"] == f"{PAGE}{row.pk}/"
    assert "Retried 1 cost code." in html(desk.get(f"{row.pk}/"))


def test_bob_reads_it_without_controls(desk: Desk) -> None:
    row = desk.ready("01-100", status=Status.FAILED)
    bob = desk.client_of(factories.make_bob())

    page = html(desk.get(f"{row.pk}/", client=bob))

    assert "4000 Contract Revenue" in page
    assert "<select" not in page
    assert "Retry" not in page


def test_another_companys_code_does_not_exist(desk: Desk) -> None:
    charlie = factories.make_charlie()
    foreign = factories.make_export("01-100", factories.make_connection(charlie.company))

    assert desk.get(f"{foreign.pk}/").status_code == 404
    assert save(desk, foreign, income=desk.income.pk).status_code == 404
    assert desk.get(f"{desk.ready('01-100').pk}/", client=desk.client_of(charlie)).status_code == 404


class TestAutoSave:
    def save(self, desk: Desk, row: CodeExport, **values: Any) -> Any:
        values = {"income": row.income_account_id or "", "expense": row.expense_account_id or "", **values}
        return desk.post(f"{row.pk}/assign/", **{"version": row.version, "seen_at": "", **values})

    def test_it_saves_both_accounts_and_answers_the_status_cell(self, desk: Desk) -> None:
        row = desk.ready("01-100", income_account=None)

        response = self.save(desk, row, income=desk.income.pk, expense=desk.expense.pk)

        row.refresh_from_db()
        assert (row.income_account, row.expense_account, row.version) == (desk.income, desk.expense, 2)
        assert html(response).startswith('<td class="status" data-seen="0:2">')
        assert 'name="version" value="2"' in html(response)
        assert "Saved" in html(response)
        assert json.loads(response.headers["HX-Trigger"]) == {"say": {"value": "Saved 01-100"}}

    def test_an_empty_choice_takes_the_account_away(self, desk: Desk) -> None:
        row = desk.ready("01-100", expense_account=desk.expense)

        self.save(desk, row, expense="")

        row.refresh_from_db()
        assert row.expense_account is None

    def test_a_stale_version_gets_the_newer_row(self, desk: Desk) -> None:
        row = desk.ready("01-100", income_account=None)
        newer = factories.make_account(desk.connection, "4100")
        self.save(desk, row, income=newer.pk)

        response = self.save(desk, row, income=desk.income.pk)

        row.refresh_from_db()
        assert response.status_code == 409
        assert response.headers["HX-Retarget"] == f"#export-{row.pk}"
        assert row.income_account == newer
        assert "4100 Account 4100" in html(response)
        assert "Someone else changed or exported this code meanwhile" in html(response)

    def test_an_exported_code_is_not_changed(self, desk: Desk) -> None:
        row = desk.ready("01-100")
        desk.post("export/")

        response = self.save(desk, row, income="")

        row.refresh_from_db()
        assert response.status_code == 409
        assert row.income_account == desk.income
        assert 'data-status="QUEUED"' in html(response)

    @pytest.mark.parametrize("kind", ["of another connection", "inactive", "of the balance sheet", "unknown", "words"])
    def test_an_account_that_may_not_be_chosen_is_told_beside_the_row(self, desk: Desk, kind: str) -> None:
        row = desk.ready("01-100")
        other = factories.make_connection(desk.alice.company, slug="other", name="Other")
        account = {
            "of another connection": lambda: factories.make_account(other, "4000").pk,
            "inactive": lambda: factories.make_account(desk.connection, "4999", is_active=False).pk,
            "of the balance sheet": lambda: factories.make_account(desk.connection, "1000", AccountKind.OTHER).pk,
            "unknown": lambda: 99999,
            "words": lambda: "4000 Sales",
        }[kind]()

        response = self.save(desk, row, income=account)

        row.refresh_from_db()
        assert response.status_code == 422
        assert '<p class="error">' in html(response)
        assert (row.income_account, row.version) == (desk.income, 1)

    def test_it_takes_few_queries(self, desk: Desk) -> None:
        row = desk.ready("01-100")

        with queries() as ran:
            self.save(desk, row, expense=desk.expense.pk)

        assert len(ran) <= 6
        row.refresh_from_db()
        assert row.expense_account == desk.expense
