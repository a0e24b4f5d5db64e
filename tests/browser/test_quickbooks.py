"""QuickBooks Desktop from "Supported ERPs" to Success, as people and a Web Connector do it together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from playwright.sync_api import Browser, Locator, Page, expect

from erp_integrations.models import Connection
from exports.models import CodeExport
from tests import factories
from tests.browser.conftest import watch
from tests.browser.people import assert_accessible, eventually, signed_in
from tests.browser.test_review import EXPENSE, account_of, row_of
from tests.patience import PATIENCE_S
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import WebConnector

TOOL = "/companies/sample-builders/erp-integrations/"
SETTINGS, REVIEW = f"{TOOL}quickbooks/settings/", f"{TOOL}quickbooks/standard-cost-codes/"
CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
LONG, ENDLESS = "01-" + "1" * 29, "01-" + "2" * 94  # one character too many for an item, and for a report
INCOME_ACCOUNT, EXPENSE_ACCOUNT = "4000 Construction Income", "5020 Job Costs:Materials & Supplies"


@pytest.fixture
def site(live_server: Any, settings: Any) -> str:
    """Its own idea of its address is where it really is: the .qwc file tells it."""
    settings.SITE_URL = live_server.url
    return str(live_server.url)


@pytest.fixture
def dora(page: Page) -> Page:
    factories.make_dora()
    for code in ("01-100", "01-200", LONG, ENDLESS):
        factories.make_cost_code(code, f"Béton {code[:6]}")
    signed_in(page, "dora", f"{TOOL}supported/")
    return page


@pytest.fixture
def alice(browser: Browser, site: str, dora: Page, console_errors: list[str]) -> Iterator[Page]:
    """Her own browser."""
    factories.make_alice()
    context = browser.new_context(base_url=site)
    page = context.new_page()
    watch(page, console_errors)
    page.set_default_timeout(1000 * PATIENCE_S)
    yield page
    context.close()


def connect(page: Page) -> None:
    """By keyboard alone."""
    page.get_by_role("link", name="Connect QuickBooks Desktop").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("QuickBooks")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Item Names")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Codes per Message")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Connected. Now download the .qwc file and make the password.")).to_be_visible()
    expect(page).to_have_url(f"{page.url.partition('/companies')[0]}{SETTINGS}")


def make_password(page: Page) -> str:
    page.get_by_role("button", name="New Password").click()
    shown = page.get_by_label("Password for the Web Connector")
    expect(shown).to_be_visible()
    return shown.inner_text()


def install(page: Page, folder: Path, password: str, quickbooks: QuickBooks) -> WebConnector:
    """What a person does at the computer with QuickBooks."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .qwc").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    told = {str(each.tag): each.text or "" for each in etree.parse(path).getroot()}
    quickbooks.stamp(told["OwnerID"], told["FileID"])
    return WebConnector(told["AppURL"], told["UserName"], password, quickbooks)


def choose(account: Locator, label: str) -> None:
    account.focus()
    account.select_option(label=label)


def test_from_the_first_page_to_success(dora: Page, alice: Page, tmp_path: Path) -> None:
    quickbooks = QuickBooks()
    connect(dora)
    connector = install(dora, tmp_path, make_password(dora), quickbooks)
    assert connector.poll().percents == [100], "which brings the chart of accounts"

    dora.goto(CODES)
    dora.get_by_role("button", name="Send to ERP").click()
    expect(dora.get_by_text("2 cost codes stay; the reason stands beside each.")).to_be_visible()
    expect(row_of(dora, LONG)).to_contain_text("QuickBooks allows 31 characters for an item name; this code has 32.")
    expect(row_of(dora, ENDLESS)).to_contain_text("shows 96 characters of a full code; this one has 97.")

    signed_in(alice, "alice", REVIEW)
    for code in ("01-100", "01-200"):
        choose(account_of(alice, code), INCOME_ACCOUNT)
        expect(row_of(alice, code)).to_contain_text("Purchases are posted to the income account too.")
    choose(account_of(alice, "01-100", EXPENSE), EXPENSE_ACCOUNT)
    expect(row_of(alice, "01-100")).not_to_contain_text("Purchases are posted")
    eventually(lambda: CodeExport.objects.filter(expense_account__isnull=False).count(), 1)
    alice.get_by_role("button", name="Export Cost Codes").click()
    expect(row_of(alice, "01-100")).to_contain_text("Waiting for Web Connector, last seen")
    assert_accessible(alice)
    alice.evaluate("window.notReloaded = true")

    assert connector.poll().percents[-1] == 100

    for code in ("01-100", "01-200"):
        expect(row_of(alice, code)).to_have_attribute("data-status", "SUCCESS")
    expect(alice.get_by_text("2 Success.")).to_be_visible()
    assert alice.evaluate("window.notReloaded")
    items = {item.full_name: (item.sales_desc, item.income.full_name, item.is_two_sided) for item in quickbooks.items}
    assert items == {
        "01-100": ("Béton 01-100", "Construction Income", True),
        "01-200": ("Béton 01-200", "Construction Income", False),
    }


def test_a_connector_that_was_never_seen_is_seen_without_a_reload(dora: Page, alice: Page) -> None:
    connection = factories.make_connection(erp="quickbooks-desktop", name="QuickBooks", slug="quickbooks")
    factories.make_export("01-300", connection, status="QUEUED", income_account=factories.make_account(connection))
    signed_in(alice, "alice", f"{REVIEW}?filter=all")
    expect(row_of(alice, "01-300")).to_contain_text("Waiting for Web Connector, never seen")
    expect(alice.get_by_text("No contact yet")).to_be_visible()

    connection.note_contact()

    expect(row_of(alice, "01-300")).to_contain_text("Waiting for Web Connector, last seen")
    expect(alice.get_by_text("Last contact")).to_be_visible()


@pytest.mark.parametrize("width", [400, 1280])
def test_its_pages_are_accessible_and_do_not_scroll_sideways(dora: Page, width: int) -> None:
    connection = factories.make_connection(erp="quickbooks-desktop", name="QuickBooks", slug="quickbooks")
    Connection.objects.update(created_at="2020-01-01T00:00:00Z")
    dora.set_viewport_size({"width": width, "height": 800})
    endpoint = f"/web-connector/{connection.guid}/"

    for path in (f"{TOOL}new/quickbooks-desktop/", SETTINGS, REVIEW, endpoint, f"{endpoint}support/"):
        dora.goto(path)
        if path == SETTINGS:
            make_password(dora)
        assert dora.evaluate("document.documentElement.scrollWidth") <= width, path
        assert_accessible(dora)
