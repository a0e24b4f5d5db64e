"""The help of the leading product for accepting and rejecting cost codes, followed step by step in ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from erp_integrations.models import Connection
from exports import services
from tests import factories
from tests.browser.conftest import watch
from tests.browser.people import eventually, follow, sign_in
from tests.browser.test_review import EXPENSE, INCOME, account_of, numbers, row_of
from tests.servers.celery import Worker

TOOL = "/companies/sample-builders/erp-integrations/"
LIST = f"{TOOL}practice-erp/standard-cost-codes/"
WBS = "/companies/sample-builders/admin/work-breakdown-structure/"


@pytest.fixture
def erp(page: Page) -> Connection:
    """Three codes sent by dora, one of them synced already; alice is signed in."""
    factories.make_alice()
    dora = factories.make_dora()
    connection = factories.make_connection()
    connection.sync_gl_accounts(None)
    for number in ("100", "200", "300"):
        factories.make_cost_code(f"01-{number}", f"Works {number}")
    services.send_codes(dora, connection, None)
    synced = connection.code_exports.filter(code="01-300")
    synced.update(status="SUCCESS", remote_id="300", income_account=connection.gl_accounts.get(number="4000"))
    sign_in(page, "alice", "/")
    return connection


@pytest.fixture
def admin(browser: Browser, site: str, erp: Connection, console_errors: list[str]) -> Iterator[Page]:
    """Dora's own browser, at the WBS."""
    context = browser.new_context(base_url=site)
    page = context.new_page()
    watch(page, console_errors)
    sign_in(page, "dora", WBS)
    yield page
    context.close()


def open_ready_to_export(page: Page, address: str = LIST) -> None:
    follow(page, "ERP Integrations", address)
    expect(page.get_by_role("link", name="Standard Cost Codes")).to_have_attribute("aria-current", "page")
    panel = page.get_by_role("complementary").filter(has_text="Filter Standard Cost Codes By")
    expect(panel.get_by_role("link", name="Ready to Export")).to_have_attribute("aria-current", "page")


def test_cost_codes_are_accepted(page: Page, erp: Connection, worker: Worker) -> None:
    open_ready_to_export(page)

    listed = page.get_by_role("table", name="ERP Cost Code List")
    expect(listed.get_by_role("row").filter(has=page.get_by_role("checkbox", name="Select 01-"))).to_have_count(2)
    expect(row_of(page, "01-100")).to_contain_text("Works 100")
    expect(row_of(page, "01-300")).to_have_count(0)

    for code, income, expense in (("01-100", "4000", "5000"), ("01-200", "4010", None)):
        for kind, number in ((INCOME, income), (EXPENSE, expense)):
            if number:
                choice = account_of(page, code, kind)
                choice.focus()
                choice.select_option(label=str(erp.gl_accounts.get(number=number)))
                expect(row_of(page, code).get_by_text("Saved")).to_be_visible()
        eventually(lambda code=code: numbers(code), (income, expense))

    page.get_by_role("button", name="Export Cost Codes").click()

    for code in ("01-100", "01-200"):
        expect(row_of(page, code)).to_contain_text("Success")


def test_cost_codes_are_rejected_edited_and_sent_again(page: Page, admin: Page, erp: Connection) -> None:
    open_ready_to_export(page)

    page.get_by_role("button", name="Reject All").click()

    expect(page.locator(".banner-warning")).to_contain_text("2 cost codes were removed from Ready to Export")
    expect(
        page.get_by_role("table", name="ERP Cost Code List").get_by_role("checkbox", name="Select 01-")
    ).to_have_count(0)

    follow(admin, "Cost Code", f"{WBS}cost-codes/")
    row = admin.get_by_role("row", name="Select 01-100")
    expect(row).to_contain_text("Rejected")
    admin.get_by_role("link", name="01-100").click()
    dialog = admin.get_by_role("dialog", name="Edit 01-100")
    dialog.get_by_label("Description").fill("Works, renamed")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Works, renamed")
    admin.get_by_role("button", name="Send to ERP").click()
    expect(row).to_contain_text("Ready to Export")

    page.reload()
    expect(row_of(page, "01-100")).to_contain_text("Works, renamed")
    expect(row_of(page, "01-200")).to_have_count(0)
