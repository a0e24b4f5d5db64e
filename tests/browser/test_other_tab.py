"""Two tabs of one browser: what one does with the sign-in, the other is told truly, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from companies.models import Member
from exports.models import CodeExport
from tests.browser.people import assert_accessible, eventually, sign_in
from tests.factories import make_account, make_alice, make_dora, make_export

MEMBERS = "/companies/sample-builders/admin/members/"
REVIEW = "/companies/sample-builders/erp-integrations/practice-erp/standard-cost-codes/"


@pytest.fixture
def other(page: Page) -> Iterator[Page]:
    """Another tab."""
    other = page.context.new_page()
    yield other
    other.close()


@pytest.fixture
def export(transactional_db: None) -> CodeExport:
    export = make_export("01-100")
    make_account(export.connection, "4000")
    make_account(export.connection, "4100")
    make_alice()
    make_dora()
    return export


def sign_out(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def choose(page: Page, account: str) -> None:
    select = page.get_by_label("General Ledger Account - Income for 01-100")
    select.focus()
    select.select_option(label=f"{account} Account {account}")


def chosen(export: CodeExport) -> str:
    export.refresh_from_db()
    return export.income_account.number if export.income_account else ""


def refused(console_errors: list[str], *statuses: str) -> None:
    assert all(any(status in error for status in statuses) for error in console_errors)
    console_errors.clear()


def test_a_save_goes_through_after_signing_in_anew(page: Page, other: Page, export: CodeExport) -> None:
    sign_in(page, "alice", then=REVIEW)
    sign_out(other)
    sign_in(other, "alice", then="/")

    choose(page, "4000")

    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert chosen(export) == "4000"


def test_nothing_is_saved_under_another_name(
    page: Page, other: Page, export: CodeExport, console_errors: list[str]
) -> None:
    sign_in(page, "alice", then=REVIEW)
    sign_out(other)
    sign_in(other, "dora", then="/")

    choose(page, "4000")

    expect(page.get_by_role("alert")).to_contain_text("Not saved: You are signed in as dora now")
    assert chosen(export) == ""
    refused(console_errors, "403")


def leave_with_a_choice(page: Page) -> None:
    """Choose by the keyboard, and leave before the pause ends after which it would be saved."""
    page.clock.install()
    # What htmx sends from a page that is hidden for good may arrive or not: here it is not sent.
    page.evaluate("document.addEventListener('visibilitychange', (event) => event.stopImmediatePropagation(), true)")
    page.get_by_label("General Ledger Account - Income for 01-100").focus()
    page.keyboard.type("4100")
    page.evaluate("location.href = '/'")


def test_a_choice_is_saved_on_leaving_after_signing_in_anew(page: Page, other: Page, export: CodeExport) -> None:
    sign_in(page, "alice", then=REVIEW)
    sign_out(other)
    sign_in(other, "alice", then="/")

    leave_with_a_choice(page)

    eventually(lambda: chosen(export), "4100")


def test_on_leaving_nothing_is_saved_under_another_name_either(
    page: Page, other: Page, export: CodeExport, caplog: pytest.LogCaptureFixture
) -> None:
    sign_in(page, "alice", then=REVIEW)
    sign_out(other)
    sign_in(other, "dora", then="/")

    leave_with_a_choice(page)

    eventually(lambda: "Forbidden: " in caplog.text, True)
    assert chosen(export) == ""


def test_signed_out_the_choice_stays_and_is_saved_after_signing_in(
    page: Page, other: Page, export: CodeExport, console_errors: list[str]
) -> None:
    """No poll leads away from it meanwhile."""
    sign_in(page, "alice", then=REVIEW)
    sign_out(other)

    choose(page, "4100")
    expect(page.get_by_role("alert")).to_contain_text("Not saved: you are signed out.")
    with page.expect_response(lambda response: response.url.endswith("/poll/")) as polled:
        page.evaluate("document.body.dispatchEvent(new Event('answered'))")
    assert polled.value.status == 401
    sign_in(other, "alice", then="/")
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    assert chosen(export) == "4100"
    refused(console_errors, "401")


def test_a_form_goes_through_after_signing_in_anew(page: Page, other: Page, export: CodeExport) -> None:
    sign_in(page, "dora", then=MEMBERS)
    sign_out(other)
    sign_in(other, "dora", then="/")

    page.get_by_label("Admin tool for alice").select_option("Admin")
    page.get_by_role("button", name="Save alice").click()

    expect(page.get_by_text("The rights of alice are changed.")).to_be_visible()


def test_a_form_is_not_sent_under_another_name_unless_they_say_so(
    page: Page, other: Page, export: CodeExport, console_errors: list[str]
) -> None:
    Member.objects.filter(user__username="alice").update(admin_level=3)
    sign_in(page, "alice", then=MEMBERS)
    sign_out(other)
    sign_in(other, "dora", then="/")

    page.get_by_label("Whoever sent a code may not accept it").check()
    page.get_by_role("button", name="Save Four Eyes").click()

    expect(page.get_by_text("You are signed in as dora now; this page was made for someone else.")).to_be_visible()
    export.company.refresh_from_db()
    assert not export.company.four_eyes
    assert_accessible(page)
    page.get_by_role("button", name="Send Again").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    refused(console_errors, "403")


def test_without_scripts_it_is_one_click_more(browser: Browser, site: str, export: CodeExport) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page, other = context.new_page(), context.new_page()
    sign_in(page, "dora", then=MEMBERS)
    sign_out(other)

    page.get_by_label("Whoever sent a code may not accept it").check()
    page.get_by_role("button", name="Save Four Eyes").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    sign_in(other, "dora", then="/")
    page.get_by_role("button", name="Send Again").click()
    expect(page.get_by_text("You are signed in as dora now.")).to_be_visible()
    page.get_by_role("button", name="Send Again").click()

    expect(page.get_by_role("status")).to_contain_text("Saved.")
    eventually(lambda: type(export.company).objects.get().four_eyes, True)
    context.close()
