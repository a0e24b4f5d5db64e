from __future__ import annotations

import json
from typing import Any

import pytest

from companies.models import AuditEvent
from exports.models import Batch, Status
from tests import factories
from tests.exports.review_pages import PAGE, Desk, let_a_worker_answer, seen

pytestmark = pytest.mark.either


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def html(response: Any) -> str:
    return response.content.decode()


def states(desk: Desk) -> dict[str, str]:
    return dict(desk.connection.code_exports.values_list("code", "status"))


class TestExport:
    def test_codes_with_an_account_are_queued_and_their_rows_answered(self, desk: Desk) -> None:
        ready, lacking = desk.ready("01-100"), desk.ready("01-200", income_account=None)

        response = desk.post("export/", seen=seen(ready, lacking))

        assert states(desk) == {"01-100": "QUEUED", "01-200": "READY"}
        assert f'<tr id="export-{ready.pk}" data-status="QUEUED"' in html(response)
        assert "1 cost code accepted. 1 lacks an income account and stayed." in html(response)

    def test_a_row_that_lacks_its_account_says_so(self, desk: Desk) -> None:
        lacking = desk.ready("01-100", income_account=None)

        answer = html(desk.post("export/", seen=seen(lacking)))

        assert '<p class="error">Choose an income account</p>' in answer

    def test_a_row_whose_account_changed_is_answered_with_the_sentence(self, desk: Desk) -> None:
        row = desk.ready("01-100", income_picked=desk.income.identity)
        desk.connection.gl_accounts.filter(pk=desk.income.pk).update(kind="other")

        answer = html(desk.post("export/", seen=seen(row)))

        assert "1 cost code stayed: 4000 Contract Revenue is of the type Other in the ERP now." in answer
        assert "Is of the type Other in the ERP now. Choose another." in answer
        assert '<p class="error">See to the account first</p>' in answer

    def test_the_page_goes_on_asking_while_something_is_unfinished(self, desk: Desk) -> None:
        desk.ready("01-100")

        answer = html(desk.post("export/"))

        assert 'hx-trigger="load delay:300ms, every 1s, answered from:body"' in answer
        assert "0 of 1" in answer

    def test_it_acts_on_all_pages_of_the_filter_and_search(self, desk: Desk) -> None:
        for number in range(100, 160):
            desk.ready(f"01-{number}")
        desk.ready("02-100")

        desk.post("export/", q="01-", rows=50)

        assert desk.connection.code_exports.filter(status=Status.QUEUED).count() == 60
        assert states(desk)["02-100"] == "READY"

    def test_only_ticked_rows_when_the_button_says_so(self, desk: Desk) -> None:
        ticked = desk.ready("01-100")
        desk.ready("01-200")

        desk.post("export/", only="ticked", export=ticked.pk)

        assert states(desk) == {"01-100": "QUEUED", "01-200": "READY"}

    def test_all_matching_stands_for_ticks(self, desk: Desk) -> None:
        for code in ("01-100", "01-200", "02-100"):
            desk.ready(code)

        desk.post("export/", only="ticked", all_matching="1", q="01")

        assert states(desk) == {"01-100": "QUEUED", "01-200": "QUEUED", "02-100": "READY"}

    def test_without_ticks_nothing_happens_and_it_says_what_to_do(self, desk: Desk) -> None:
        desk.ready("01-100")

        response = desk.post("export/", only="ticked")

        assert response.status_code == 422
        assert "Tick the cost codes first." in html(response)
        assert states(desk) == {"01-100": "READY"}

    def test_what_arrived_since_the_list_was_read_stays(self, desk: Desk) -> None:
        desk.ready("01-100")
        seen_at = desk.seen_at()
        desk.ready("01-200")

        answer = html(desk.post("export/", seen_at=seen_at))

        assert states(desk) == {"01-100": "QUEUED", "01-200": "READY"}
        assert "1 arrived since you opened the list and stayed." in answer

    def test_a_second_click_does_not_blame_the_first(self, desk: Desk) -> None:
        desk.ready("01-100")
        seen_at = desk.seen_at()
        desk.post("export/", seen_at=seen_at)

        answer = html(desk.post("export/", seen_at=seen_at))

        assert "Nothing to export." in answer
        assert "stayed" not in answer

    def test_another_companys_ids_do_nothing(self, desk: Desk) -> None:
        charlie = factories.make_charlie()
        foreign = factories.make_export("01-100", factories.make_connection(charlie.company))

        desk.post("export/", only="ticked", export=foreign.pk)

        foreign.refresh_from_db()
        assert foreign.status == Status.READY

    @pytest.mark.parametrize(
        "moment", ["", "yesterday", "2026-01-01T00:00:00 1", "2026-13-45T00:00:00Z 1", "2026-01-01T00:00:00Z"]
    )
    def test_a_form_without_its_moment_is_refused(self, desk: Desk, moment: str) -> None:
        assert desk.post("export/", seen_at=moment).status_code == 400


class TestReject:
    def test_the_yellow_banner_confirms_and_offers_undo_and_reason(self, desk: Desk) -> None:
        rows = [desk.ready("01-100"), desk.ready("01-200")]

        answer = html(desk.post("reject/", seen=seen(*rows)))

        batch = Batch.objects.get(kind=Batch.Kind.REJECT)
        assert set(states(desk).values()) == {"REJECTED"}
        assert '<div class="banner banner-warning" role="status"' in answer
        assert "2 cost codes were removed from Ready to Export" in answer
        assert f"batches/{batch.pk}/undo/" in answer
        assert f"batches/{batch.pk}/reason/" in answer
        assert answer.count('data-status="REJECTED"') == 2

    def test_what_is_being_sent_is_not_rejected_and_counted(self, desk: Desk) -> None:
        row, flying = desk.ready("01-100"), desk.ready("01-200")
        seen_at = desk.seen_at()
        desk.post("export/", only="ticked", export=flying.pk, seen_at=seen_at)

        answer = html(desk.post("reject/", seen_at=seen_at, seen=seen(row)))

        assert states(desk) == {"01-100": "REJECTED", "01-200": "QUEUED"}
        assert "1 is being sent to the ERP at this moment and stayed." in answer

    def test_undo_puts_the_codes_back(self, desk: Desk) -> None:
        row = desk.ready("01-100")
        desk.post("reject/")
        batch = Batch.objects.get(kind=Batch.Kind.REJECT)

        answer = html(desk.post(f"batches/{batch.pk}/undo/", seen=seen(row)))

        assert states(desk) == {"01-100": "READY"}
        assert "Undone: 1 cost code is back where it was." in answer
        assert f'<tr id="export-{row.pk}" data-status="READY"' in answer

    def test_the_reason_reaches_the_rows_and_the_banner_keeps_undo(self, desk: Desk) -> None:
        row = desk.ready("01-100")
        desk.post("reject/")
        batch = Batch.objects.get(kind=Batch.Kind.REJECT)

        answer = html(desk.post(f"batches/{batch.pk}/reason/", reason=" Wrong division ", seen=seen(row)))

        row.refresh_from_db()
        assert row.message == "Wrong division"
        assert "banner-warning" in answer
        assert "Wrong division" in answer
        assert f"batches/{batch.pk}/undo/" in answer

    def test_an_empty_reason_is_asked_for_again(self, desk: Desk) -> None:
        desk.ready("01-100")
        desk.post("reject/")
        batch = Batch.objects.get(kind=Batch.Kind.REJECT)

        response = desk.post(f"batches/{batch.pk}/reason/", reason=" ")

        assert response.status_code == 422
        assert "Type the reason" in html(response)

    def test_only_a_rejection_can_be_undone(self, desk: Desk) -> None:
        batch = Batch.objects.create(company=desk.alice.company, connection=desk.connection, kind=Batch.Kind.EXPORT)

        assert desk.post(f"batches/{batch.pk}/undo/").status_code == 404


class TestSetAccounts:
    def test_apply_sets_the_accounts_of_the_ticked_rows(self, desk: Desk) -> None:
        rows = [desk.ready("01-100", income_account=None), desk.ready("01-200", income_account=None)]

        answer = html(
            desk.post(
                "set-accounts/",
                only="ticked",
                export=[row.pk for row in rows],
                set_income=desk.income.pk,
                set_expense="keep",
                seen=seen(*rows),
            )
        )

        for row in rows:
            row.refresh_from_db()
        assert {row.income_account for row in rows} == {desk.income}
        assert "Accounts set for 2 cost codes." in answer
        assert answer.count("4000 Contract Revenue</option>") == 2

    def test_no_expense_account_is_not_the_same_as_leaving_it(self, desk: Desk) -> None:
        row = desk.ready("01-100", expense_account=desk.expense)

        desk.post("set-accounts/", only="ticked", export=row.pk, set_income="keep", set_expense="keep")
        row.refresh_from_db()
        assert row.expense_account == desk.expense

        desk.post("set-accounts/", only="ticked", export=row.pk, set_income="keep", set_expense="none")
        row.refresh_from_db()
        assert row.expense_account is None
        assert row.income_account == desk.income

    def test_an_account_of_another_connection_is_refused(self, desk: Desk) -> None:
        other = factories.make_connection(desk.alice.company, slug="other", name="Other")
        foreign = factories.make_account(other, "4000")
        row = desk.ready("01-100")

        response = desk.post("set-accounts/", only="ticked", export=row.pk, set_income=foreign.pk)

        assert response.status_code == 422
        assert "cannot be chosen" in html(response)

    @pytest.mark.parametrize("value", ["nonsense", "-1", "none"])
    def test_what_is_no_account_is_refused(self, desk: Desk, value: str) -> None:
        row = desk.ready("01-100")

        response = desk.post("set-accounts/", only="ticked", export=row.pk, set_income=value)

        row.refresh_from_db()
        assert response.status_code == 422
        assert row.income_account == desk.income

    def test_without_script_a_page_asks_for_the_accounts(self, desk: Desk) -> None:
        row = desk.ready("01-100")

        page = html(desk.post("set-accounts/?choose=1", htmx=False, only="ticked", export=row.pk))

        assert f'name="export" value="{row.pk}"' in page
        assert "Leave unchanged" in page
        assert "No expense account" in page
        assert "4000 Contract Revenue" in page


class TestOneRow:
    def test_retry_queues_a_failed_code_again(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.FAILED, message="No.")

        answer = html(desk.post(f"{row.pk}/retry/", seen=seen(row)))

        assert states(desk) == {"01-100": "QUEUED"}
        assert f'<tr id="export-{row.pk}" data-status="QUEUED"' in answer

    def test_retry_selected_takes_the_ticked_failed_codes(self, desk: Desk) -> None:
        rows = [desk.ready(code, status=Status.FAILED) for code in ("01-100", "01-200", "01-300")]

        desk.post("retry/", filter="failed-to-export", only="ticked", export=[row.pk for row in rows[:2]])

        assert states(desk) == {"01-100": "QUEUED", "01-200": "QUEUED", "01-300": "FAILED"}

    def test_cancel_takes_a_queued_code_back(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.QUEUED)

        response = desk.post(f"{row.pk}/cancel/", seen=seen(row))

        assert states(desk) == {"01-100": "READY"}
        assert json.loads(response.headers["HX-Trigger"])["say"] == {"value": "Cancelled 1 cost code."}

    def test_cancel_of_what_is_sent_already_says_why_not(self, desk: Desk) -> None:
        row = desk.ready("01-100", status=Status.EXPORTING)

        answer = html(desk.post(f"{row.pk}/cancel/"))

        assert states(desk) == {"01-100": "EXPORTING"}
        assert "Not cancelled. 1 is being sent to the ERP at this moment and stayed." in answer

    def test_link_of_an_item_that_is_gone_says_so(self, desk: Desk) -> None:
        there = {"code": "01-100", "description": "Theirs", "income_account": None, "expense_account": None}
        row = desk.ready("01-100", status=Status.ATTENTION, receipt={"remote_id": "7", **there})

        desk.post(f"{row.pk}/link/", remote_id="7")
        let_a_worker_answer()
        answer = html(desk.get(f"{row.pk}/"))

        assert states(desk) == {"01-100": "ATTENTION"}
        assert "Not linked." in answer
        assert "no longer has the item" in answer


class TestWithoutScript:
    def test_a_click_leads_back_to_the_list_with_the_banner_once(self, desk: Desk) -> None:
        desk.ready("01-100")

        response = desk.post("reject/", htmx=False, filter="all", q="01")

        assert response.status_code == 302
        assert response.headers["Location"] == f"{PAGE}?filter=all&q=01"
        assert "banner-warning" in html(desk.get("?filter=all"))
        assert "banner-warning" not in html(desk.get("?filter=all"))

    def test_after_an_export_the_rows_say_what_they_lack(self, desk: Desk) -> None:
        desk.ready("01-100", income_account=None)

        desk.post("export/", htmx=False)

        assert '<p class="error">Choose an income account</p>' in html(desk.get())

    def test_all_matching_is_carried_by_the_address(self, desk: Desk) -> None:
        desk.ready("01-100")

        page = html(desk.get("?select=all"))

        assert 'name="all_matching" value="1" data-all-matching hidden checked>' in page
        assert 'aria-label="Select 01-100" checked' in page


POSTS = [
    "export/",
    "reject/",
    "set-accounts/",
    "retry/",
    "{row}/assign/",
    "{row}/retry/",
    "{row}/cancel/",
    "{row}/link/",
]
POSTS += ["batches/{batch}/undo/", "batches/{batch}/reason/"]


@pytest.mark.parametrize("path", POSTS)
class TestWhoMay:
    @pytest.fixture
    def address(self, desk: Desk, path: str) -> str:
        row = desk.ready("01-100", status=Status.FAILED)
        batch = Batch.objects.create(company=desk.alice.company, connection=desk.connection, kind=Batch.Kind.REJECT)
        return path.format(row=row.pk, batch=batch.pk)

    def test_bob_may_not(self, desk: Desk, address: str) -> None:
        bob = desk.client_of(factories.make_bob())

        assert desk.post(address, client=bob).status_code == 403
        self.nothing_happened(desk)

    def test_charlie_finds_nothing(self, desk: Desk, address: str) -> None:
        charlie = desk.client_of(factories.make_charlie())

        assert desk.post(address, client=charlie).status_code == 404
        self.nothing_happened(desk)

    def test_reading_changes_nothing(self, desk: Desk, address: str) -> None:
        assert desk.get(address).status_code == 405

    def nothing_happened(self, desk: Desk) -> None:
        assert states(desk) == {"01-100": "FAILED"}
        assert not AuditEvent.objects.exists()
