from __future__ import annotations

from typing import Any

import pytest

from companies import audit
from exports.models import Attempt, CodeExport, Status
from tests import factories
from tests.exports.pages import PAGE, Desk


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
