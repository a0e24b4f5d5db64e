"""The help of the leading product for cost codes and QuickBooks Desktop, followed step by step in ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from exports.web_connector.models import Access, username_of
from tests import factories
from tests.browser.conftest import watch
from tests.browser.people import follow, sign_in
from tests.browser.test_reference_steps import WBS, open_ready_to_export
from tests.browser.test_review import EXPENSE, INCOME, account_of, row_of
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import WebConnector
from wbs.models import Segment

CODES, PROJECTS = f"{WBS}cost-codes/", "/companies/sample-builders/projects/"
LIST = "/companies/sample-builders/erp-integrations/quickbooks/standard-cost-codes/"
TOO_LONG = "01-" + "9" * 94


@pytest.fixture
def connector(page: Page, site: str) -> WebConnector:
    """A company whose books are in QuickBooks Desktop, its chart of accounts read; alice is signed in."""
    factories.make_alice()
    dora = factories.make_dora()
    company, quickbooks = dora.company, QuickBooks()
    connection = factories.make_connection(company, erp="quickbooks-desktop", name="QuickBooks", slug="quickbooks")
    for number in ("100", "200"):
        factories.make_cost_code(f"01-{number}", f"Works {number}")
    Segment.of(company, "cost-types").add_item("L", "Labor", None, None)
    Segment.add(company, "Phase", None)
    project = factories.make_project("P-1", company, connection=connection)
    project.add_codes(factories.make_segment(company).items.filter(tier=2), None)
    quickbooks.stamp(f"{{{OWNER_ID}}}", f"{{{connection.guid}}}")
    password = Access.renew(connection, dora.user)
    address = f"{site}/web-connector/{connection.guid}/"
    connector = WebConnector(address, username_of(connection), password, quickbooks)
    connector.poll()
    sign_in(page, "alice", "/")
    return connector


@pytest.fixture
def admin(browser: Browser, site: str, connector: WebConnector, console_errors: list[str]) -> Iterator[Page]:
    """Dora's own browser, at the cost codes."""
    context = browser.new_context(base_url=site)
    page = context.new_page()
    watch(page, console_errors)
    sign_in(page, "dora", CODES)
    yield page
    context.close()


def test_cost_codes_are_accepted_rejected_edited_and_sent_again(
    page: Page, admin: Page, connector: WebConnector
) -> None:
    admin.get_by_role("button", name="Send to ERP").click()
    expect(row_of(admin, "01-100")).to_contain_text("Ready to Export")
    open_ready_to_export(page, LIST)
    for kind, number in ((INCOME, "4000 Construction Income"), (EXPENSE, "5010 Job Costs:Labor")):
        choice = account_of(page, "01-100", kind)
        choice.focus()
        choice.select_option(label=number)
        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()

    page.get_by_role("button", name="Export Cost Codes").click()
    expect(row_of(page, "01-100")).to_contain_text("Waiting for Web Connector, last seen")
    connector.poll()
    expect(row_of(page, "01-100")).to_contain_text("Success")
    expect(row_of(page, "01-200")).to_contain_text("Choose an income account")

    page.reload()
    page.get_by_role("button", name="Reject All").click()
    expect(page.locator(".banner-warning")).to_contain_text("1 cost code was removed from Ready to Export")

    admin.reload()
    admin.get_by_role("link", name="01-200").click()
    dialog = admin.get_by_role("dialog", name="Edit 01-200")
    dialog.get_by_label("Description").fill("Works, renamed")
    dialog.get_by_role("button", name="Save").click()
    expect(row_of(admin, "01-200")).to_contain_text("Works, renamed")
    admin.get_by_role("button", name="Send to ERP").click()
    expect(row_of(admin, "01-200")).to_contain_text("Ready to Export")
    page.reload()
    expect(row_of(page, "01-200")).to_contain_text("Works, renamed")
    assert [item.name for item in connector.quickbooks.items] == ["01-100"]


def test_what_quickbooks_cannot_hold_is_told(admin: Page) -> None:
    factories.make_cost_code(TOO_LONG, "Far too long")
    admin.reload()
    admin.get_by_role("button", name="Send to ERP").click()
    expect(row_of(admin, TOO_LONG)).to_contain_text("report shows 96 characters of a full code; this one has 97.")

    follow(admin, "Projects", PROJECTS)
    admin.get_by_role("link", name="P-1").first.click()
    types = admin.get_by_role("table", name="Cost Types").get_by_role("row", name="L Labor")
    expect(types).to_contain_text("Other")
    expect(admin.get_by_text("All of them stand as “Other” here: a placeholder that is never sent.")).to_be_visible()
    expect(admin.get_by_text("Not offered: QuickBooks Desktop knows no sub jobs.")).to_be_visible()
    expect(admin.get_by_text("Not offered: QuickBooks Desktop knows no custom segments.")).to_be_visible()
    expect(
        admin.get_by_text("QuickBooks Desktop keeps one list of codes for all projects, so a project has no codes")
    ).to_be_visible()


def test_a_new_company_code_is_added_to_the_projects_wbs(admin: Page) -> None:
    factories.make_cost_code("01-300", "Works 300")
    follow(admin, "Projects", PROJECTS)
    admin.get_by_role("link", name="P-1").first.click()
    expect(admin.get_by_role("link", name="01-300")).to_have_count(0)

    admin.get_by_role("link", name="Add Cost Codes from Company").click()
    admin.get_by_label("Select 01-300").check()
    admin.get_by_role("button", name="Add Selected").click()

    expect(admin.get_by_text("1 code was added to P-1")).to_be_visible()
    expect(admin.get_by_role("table", name="Cost Codes", exact=True)).to_contain_text("01-300")
