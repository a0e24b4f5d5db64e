"""An ERP admin connects an ERP, looks at its accounts and changes its settings."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from companies.models import Member
from erp_integrations.models import Connection
from tests.browser.people import assert_accessible, signed_in
from tests.factories import make_connection, make_dora
from tests.servers.celery import Worker

BASE = "/companies/sample-builders/erp-integrations/"


@pytest.fixture
def dora(page: Page, worker: Worker) -> Member:
    """An admin, and the worker that asks ERPs for her."""
    member = make_dora()
    signed_in(page, "dora", then=f"{BASE}supported/")
    return member


def test_an_admin_connects_an_erp(page: Page, dora: Member) -> None:
    page.goto(BASE)
    expect(page.get_by_role("heading", name="Supported ERPs")).to_be_visible()
    assert_accessible(page)

    page.get_by_role("link", name="Connect Practice ERP").click()
    page.get_by_label("Name").fill("Our Books")
    page.get_by_label("Behaviour").select_option("down")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Our Books")
    assert_accessible(page)

    page.get_by_label("Behaviour").select_option("normal")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("GL accounts read from Our Books.")).to_be_visible()
    expect(page).to_have_url(f"{page.url.split('/companies')[0]}{BASE}our-books/settings/")


def test_the_accounts_are_synced_and_searched_without_a_reload(page: Page, dora: Member) -> None:
    make_connection()
    page.goto(f"{BASE}practice-erp/gl-accounts/")
    page.get_by_role("button", name="Sync GL Accounts").click()
    expect(page.get_by_text("Last synced just now.")).to_be_visible()
    assert_accessible(page)

    page.evaluate("window.notReloaded = true")
    page.get_by_label("Search").fill("scaffold")

    rows = page.get_by_role("table", name="GL Accounts").get_by_role("row")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("5800")
    expect(rows.nth(1)).to_contain_text("Inactive")
    assert page.evaluate("window.notReloaded")


def test_settings_are_tested_saved_paused_and_resumed(page: Page, dora: Member) -> None:
    connection = make_connection(options={"behaviour": "normal"})
    connection.sync_gl_accounts(None)
    page.goto(f"{BASE}practice-erp/settings/")
    assert_accessible(page)

    page.get_by_label("Behaviour").select_option("down")
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible()
    page.get_by_label("Behaviour").select_option("slow")
    page.get_by_role("button", name="Test Connection").click()
    expect(page.get_by_role("status").filter(has_text="Connected to Practice Books")).to_be_visible()
    assert_accessible(page)

    page.get_by_label("Default income account").select_option(label="4000 Contract Revenue")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    connection.refresh_from_db()
    assert connection.options == {"behaviour": "slow"}
    assert connection.default_income_account.number == "4000"

    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert Connection.objects.get().state == Connection.State.PAUSED
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_scrolls_sideways(page: Page, dora: Member, width: int) -> None:
    make_connection().sync_gl_accounts(None)
    page.set_viewport_size({"width": width, "height": 800})

    for path in ("supported/", "new/practice/", "practice-erp/gl-accounts/", "practice-erp/settings/"):
        page.goto(BASE + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
