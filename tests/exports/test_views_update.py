from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from companies.models import AuditEvent
from erp_integrations.adapters.practice.adapter import PracticeAdapter
from exports.models import Batch, CodeExport, Drift, Status
from tests import factories
from tests.exports.review_pages import PAGE, Desk
from tests.exports.steps import describe

pytestmark = pytest.mark.either


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def html(response: Any) -> str:
    return response.content.decode()


def synced(desk: Desk, code: str = "01-100", **values: Any) -> CodeExport:
    """A code that the ERP has as we sent it, though the WBS says something else by now."""
    receipt = {
        "remote_id": "77",
        "code": code,
        "description": f"Description {code}",
        "income_account": "4000",
        "expense_account": None,
        "is_active": True,
    }
    row = desk.ready(code, **{"status": Status.SUCCESS, "remote_id": "77", "receipt": receipt, **values})
    describe(code)
    return row


def page(desk: Desk, row: CodeExport, client: Any = None) -> str:
    return html(desk.get(f"{row.pk}/", client=client))


def update(desk: Desk, row: CodeExport, client: Any = None, **values: Any) -> Any:
    """What the form of the page posts."""
    row.refresh_from_db()
    item = CodeExport.objects.get(pk=row.pk).item
    shown = {"version": row.version, "item_version": item.version, "income": desk.income.pk, "back": row.pk}
    return desk.post(f"{row.pk}/update/", client=client, htmx=False, **{"seen_at": "", **shown, **values})


def test_it_shows_what_the_erp_has_beside_what_it_gets(desk: Desk) -> None:
    row = synced(desk)

    shown = page(desk, row)

    assert "Changed since export" in shown
    assert '<td data-label="In the ERP now">Description 01-100</td>' in shown
    assert '<td data-label="After the update">Renamed here <span' in shown
    assert f'<option value="{desk.income.pk}" selected>4000 Contract Revenue</option>' in shown
    assert "Export Update</button>" in shown
    assert "Here and in the ERP" not in shown


def test_export_update_queues_it_and_leads_back(desk: Desk) -> None:
    row = synced(desk)

    response = update(desk, row, expense=desk.expense.pk)

    row.refresh_from_db()
    assert (row.status, row.description, row.expense_account) == ("QUEUED", "Renamed here", desk.expense)
    assert response.headers["Location"] == f"{PAGE}{row.pk}/"
    shown = page(desk, row)
    assert "Accepted 1 cost code." in shown
    assert "This is an update of an item that the ERP has." in shown
    assert "Changed since export" not in shown
    assert ">Cancel</button>" in shown
    assert "Export Update" not in shown
    assert ">Reject</button>" not in shown


def test_cancel_on_this_page_makes_it_success_again(desk: Desk) -> None:
    row = synced(desk)
    update(desk, row)

    desk.post(f"{row.pk}/cancel/", htmx=False, back=row.pk)

    row.refresh_from_db()
    assert (row.status, row.description) == ("SUCCESS", "Description 01-100")
    assert "Changed since export" in page(desk, row)


@pytest.mark.parametrize("status", [Status.FAILED, Status.ATTENTION])
def test_an_update_that_stopped_offers_retry_and_keep_as_it_is(desk: Desk, status: Status) -> None:
    row = synced(desk)
    update(desk, row)
    CodeExport.objects.update(status=status, message="The account is closed.")

    for shown in (page(desk, row), html(desk.get("?filter=all"))):
        assert "Keep as It Is</button>" in shown
        assert "Retry</button>" in shown
        assert "Link</button>" not in shown
        assert ">Cancel</button>" not in shown


def test_a_version_that_is_no_longer_so_is_told(desk: Desk) -> None:
    row = synced(desk)

    update(desk, row, item_version=1)

    assert "Not accepted. 1 was changed by someone else since and stayed." in page(desk, row)
    assert not Batch.objects.exists()


@pytest.mark.parametrize("income", ["", "abc", "99999999"])
def test_an_account_that_cannot_be_chosen_is_told_beside_the_drop_downs(desk: Desk, income: str) -> None:
    row = synced(desk)

    response = update(desk, row, income=income)

    assert response.status_code == 422
    assert 'id="update-error"' in html(response)
    row.refresh_from_db()
    assert row.status == "SUCCESS"


def test_an_erp_that_takes_no_new_values_says_so_instead(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PracticeAdapter, "capabilities", replace(PracticeAdapter.capabilities, updates_items=False))
    row = synced(desk)

    shown = page(desk, row)

    assert "Practice ERP takes no new values for an item. Change it there, then accept the change." in shown
    assert "Here and in the ERP" in shown
    assert "Export Update" not in shown
    update(desk, row)
    assert "takes no new values" in page(desk, row)
    row.refresh_from_db()
    assert row.status == "SUCCESS"


def test_an_orphaned_code_is_not_updated(desk: Desk) -> None:
    row = synced(desk, drift=Drift.ORPHANED)

    assert "The ERP no longer has the item. Unlink the code and send it again." in page(desk, row)


def test_what_changed_in_the_erp_is_shown_as_it_is_there_now(desk: Desk) -> None:
    row = synced(desk)
    found = {**row.receipt, "description": "Renamed there"}
    CodeExport.objects.update(drift=Drift.CHANGED, erp_values=found)

    shown = page(desk, row)

    assert '<td data-label="In the ERP now">Renamed there</td>' in shown
    assert "Accept Change" in shown


def test_values_that_the_erp_did_not_tell_are_not_said_to_change(desk: Desk) -> None:
    """As of an inactive item, which QuickBooks names only."""
    row = synced(desk)
    found = {**row.receipt, "description": None, "income_account": None, "is_active": False}
    CodeExport.objects.update(drift=Drift.CHANGED, erp_values=found)

    for client in (None, desk.client_of(factories.make_bob())):
        shown = page(desk, row, client).partition("in the ERP</h2>")[2].partition("</table>")[0]
        assert "01-100" in shown
        assert not {word for word in ("None", "none", "changes", "differs") if word in shown}
    assert page(desk, row).count('<td data-label="In the ERP now">not known</td>') == 3
    desk.post(f"{row.pk}/accept-change/", htmx=False, back=row.pk)
    assert AuditEvent.objects.get(action="export.change_accepted").new == "01-100"


def test_a_linked_code_starts_with_the_accounts_of_its_item(desk: Desk) -> None:
    row = synced(desk, income_account=None)

    assert f'<option value="{desk.income.pk}" selected>4000 Contract Revenue</option>' in page(desk, row)


def test_an_inactive_account_is_shown_and_not_taken(desk: Desk) -> None:
    idle = factories.make_account(desk.connection, "4900", name="Old", is_active=False)
    row = synced(desk, income_account=idle)

    assert f'<option value="{idle.pk}" selected>4900 Old (inactive)</option>' in page(desk, row)
    assert update(desk, row, income=idle.pk).status_code == 422


def test_bob_sees_no_button_and_may_not_post(desk: Desk) -> None:
    row, bob = synced(desk), desk.client_of(factories.make_bob())

    shown = page(desk, row, client=bob)

    assert "Export Update" not in shown
    assert "<select" not in shown
    assert update(desk, row, client=bob).status_code == 403


def test_another_companys_approver_finds_nothing(desk: Desk) -> None:
    row, charlie = synced(desk), desk.client_of(factories.make_charlie())

    assert update(desk, row, client=charlie).status_code == 404
    foreign = factories.make_export("01-100", factories.make_connection(factories.make_company("X", "x")))
    assert update(desk, foreign).status_code == 404
    row.refresh_from_db()
    assert row.status == "SUCCESS"


def test_it_is_a_post(desk: Desk) -> None:
    assert desk.get(f"{synced(desk).pk}/update/").status_code == 405


def test_reject_all_says_that_updates_stayed(desk: Desk) -> None:
    row = synced(desk)
    update(desk, row)
    desk.ready("01-200")
    beside = re.search(r'id="to-reject" class="num">([^<]*)<', html(desk.get("?filter=all")))

    response = desk.post("reject/?filter=all", filter="all")

    assert beside
    assert beside[1] == "1", "the number beside the button counts what it takes"

    assert "1 is an update of a synced code and stayed." in html(response)
