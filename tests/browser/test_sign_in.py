from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import assert_accessible
from tests.factories import PASSWORD, make_alice, make_bob, make_dora

MEMBERS = "/companies/sample-builders/admin/members/"


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """By the keyboard alone; the first field has the focus."""
    expect(page.get_by_label("Username", exact=True)).to_be_focused()
    page.keyboard.type(username)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")


def test_signing_in_and_out_by_keyboard(page: Page) -> None:
    make_alice()
    page.goto("/")

    sign_in(page, "alice")

    expect(page.get_by_role("heading", name="Cost Codes")).to_be_visible()
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(MEMBERS)
    expect(page.get_by_label("Username", exact=True)).to_be_focused()


def test_a_wrong_password_is_told_and_the_name_stays(page: Page) -> None:
    make_alice()
    page.goto("/login/")

    sign_in(page, "alice", "wrong")

    expect(page.get_by_role("alert")).to_contain_text("This username and password do not fit together.")
    expect(page.get_by_label("Username", exact=True)).to_have_value("alice")
    assert_accessible(page)


def test_too_many_wrong_passwords_are_told_how_long_to_wait(page: Page, console_errors: list[str]) -> None:
    page.goto("/login/")
    for _ in range(6):
        page.get_by_label("Username", exact=True).fill("alice")
        page.get_by_label("Password", exact=True).fill("wrong")
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_have_text("Too many failed sign-ins. Try again in 15 minutes.")
    assert all("429" in error for error in console_errors)
    console_errors.clear()


@pytest.mark.parametrize("path", ["/login/", "/", MEMBERS])
def test_pages_are_accessible_in_light_and_dark(page: Page, path: str) -> None:
    make_dora()
    make_bob()
    if path != "/login/":
        page.goto(f"/login/?next={path}")
        sign_in(page, "dora")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    page.goto(path)

    assert_accessible(page)


def test_an_admin_changes_rights_by_keyboard(page: Page) -> None:
    make_dora()
    bob = make_bob()
    page.goto(f"/login/?next={MEMBERS}")
    sign_in(page, "dora")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    level = page.get_by_label("ERP Integrations for bob")
    level.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_have_text("The rights of bob are changed.")
    bob.refresh_from_db()
    assert (bob.erp_level, bob.can_push_to_accounting) == (2, True)
