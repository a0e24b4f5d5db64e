"""An approver at the review page: picks accounts, exports, rejects, and sees what becomes of each code."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from erp_integrations.models import Connection
from exports import queue, services
from exports.models import Batch, CodeExport, Status
from tests import factories
from tests.browser.conftest import watch
from tests.browser.people import assert_accessible, eventually, sign_in, signed_in
from tests.exports.review_pages import let_a_worker_answer
from tests.servers.celery import Worker

LIST = "/companies/sample-builders/erp-integrations/practice-erp/standard-cost-codes/"
INCOME, EXPENSE = "General Ledger Account - Income", "General Ledger Account - Expense (Optional)"


@pytest.fixture
def erp(page: Page) -> Connection:
    """Five codes sent by dora; alice is signed in and looks at them."""
    factories.make_alice()
    dora = factories.make_dora()
    connection = factories.make_connection()
    connection.sync_gl_accounts(None)
    for number in range(100, 105):
        factories.make_cost_code(f"01-{number}")
    services.send_codes(dora, connection, None)
    signed_in(page, "alice", LIST)
    return connection


def row_of(page: Page, code: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=code, exact=True))


def account_of(page: Page, code: str, kind: str = INCOME) -> Locator:
    return page.get_by_label(f"{kind} for {code}", exact=True)


def stored(code: str) -> CodeExport:
    return CodeExport.objects.select_related("income_account", "expense_account").get(code=code)


def numbers(code: str) -> tuple[str, str]:
    return CodeExport.objects.values_list("income_account__number", "expense_account__number").get(code=code)


def set_income(connection: Connection, *codes: str) -> None:
    account = connection.gl_accounts.get(number="4000")
    connection.code_exports.filter(code__in=codes).update(income_account=account)


class TestAccounts:
    def test_a_choice_saves_itself_and_is_announced(self, page: Page, erp: Connection) -> None:
        choice = account_of(page, "01-100")
        expect(choice.get_by_role("option")).to_have_count(1)
        choice.click()
        assert choice.get_by_role("option").count() > 50

        choice.select_option(label="4000 Contract Revenue")

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        expect(page.locator("#live")).to_have_text("Saved 01-100")
        expect(choice).to_be_focused()
        assert str(stored("01-100").income_account) == "4000 Contract Revenue"
        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_hidden()

    def test_a_list_that_is_left_keeps_its_choice_alone(self, page: Page, erp: Connection) -> None:
        choice = account_of(page, "01-100")
        choice.click()
        choice.select_option(label="4000 Contract Revenue")
        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()

        account_of(page, "01-101").focus()

        expect(choice.locator("option")).to_have_text(["Choose an income account", "4000 Contract Revenue"])
        expect(choice.locator("option:checked")).to_have_text("4000 Contract Revenue")
        choice.click()
        choice.select_option(label="Choose an income account")
        account_of(page, "01-101").focus()
        expect(choice.locator("option")).to_have_count(1)
        eventually(lambda: stored("01-100").income_account, None)

    def test_the_keyboard_alone_is_enough(self, page: Page, erp: Connection) -> None:
        page.get_by_label("Select 01-100", exact=True).focus()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="01-100", exact=True)).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.type("4010")
        page.keyboard.press("Tab")
        page.keyboard.type("5000")
        expect(account_of(page, "01-100", EXPENSE)).to_be_focused()

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        eventually(lambda: numbers("01-100"), ("4010", "5000"))

    def test_both_accounts_changed_at_once_are_both_saved(self, page: Page, erp: Connection) -> None:
        for kind, number in ((INCOME, "4000"), (EXPENSE, "5000")):
            choice = account_of(page, "01-100", kind)
            choice.focus()
            choice.select_option(value=str(erp.gl_accounts.get(number=number).pk), no_wait_after=True)

        eventually(lambda: numbers("01-100"), ("4000", "5000"))

    def test_someone_elses_change_is_shown_instead_of_overwritten(
        self, page: Page, erp: Connection, console_errors: list[str]
    ) -> None:
        newer = erp.gl_accounts.get(number="4010")
        dora = erp.company.members.get(user__username="dora")
        services.assign(stored("01-100").pk, dora, erp.slug, 1, newer.pk, None)
        choice = account_of(page, "01-100")
        choice.focus()

        choice.select_option(label="4000 Contract Revenue")

        expect(row_of(page, "01-100")).to_contain_text("Someone else changed or exported this code meanwhile")
        expect(account_of(page, "01-100").locator("option:checked")).to_have_text(str(newer))
        expect(account_of(page, "01-100")).to_be_focused()
        assert stored("01-100").income_account == newer
        assert "409 (Conflict)" in console_errors.pop()

    def test_a_save_that_does_not_arrive_stays_visible_until_tried_again(
        self, page: Page, erp: Connection, console_errors: list[str]
    ) -> None:
        page.route("**/assign/", lambda route: route.abort())
        choice = account_of(page, "01-100")
        choice.focus()
        choice.select_option(label="4000 Contract Revenue")

        expect(row_of(page, "01-100")).to_contain_text("Not saved.")
        expect(page.get_by_role("alert")).to_contain_text("Not saved: Tieback cannot be reached.")
        page.unroute("**/assign/")
        row_of(page, "01-100").get_by_role("button", name="Try again").click()

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        expect(row_of(page, "01-100")).not_to_contain_text("Not saved")
        assert str(stored("01-100").income_account) == "4000 Contract Revenue"
        console_errors.clear()


class TestExport:
    def test_every_code_is_followed_to_success(self, page: Page, erp: Connection, worker: Worker) -> None:
        set_income(erp, "01-100", "01-101", "01-102", "01-103")
        page.reload()

        page.get_by_role("button", name="Export Cost Codes").click()

        for code in ("01-100", "01-101", "01-102", "01-103"):
            expect(row_of(page, code)).to_have_attribute("data-status", "SUCCESS")
            expect(row_of(page, code)).to_contain_text("Success")
        expect(page.get_by_text("4 Success.")).to_be_visible()
        expect(row_of(page, "01-104")).to_contain_text("Choose an income account")
        expect(page.get_by_role("link", name="Synced 4")).to_be_visible()
        assert set(erp.code_exports.filter(remote_id__isnull=False).values_list("status", flat=True)) == {"SUCCESS"}

    def test_a_drop_down_in_use_is_left_alone_while_others_move(self, page: Page, erp: Connection) -> None:
        set_income(erp, "01-100")
        page.reload()
        page.get_by_role("button", name="Export Cost Codes").click()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")
        choice = account_of(page, "01-104")
        choice.focus()
        choice.evaluate("control => { control.mine = true }")

        queue.export_portions(erp.pk)

        expect(row_of(page, "01-100")).to_have_attribute("data-status", "SUCCESS")
        expect(choice).to_be_focused()
        assert choice.evaluate("control => control.mine")

    def test_a_refused_code_is_mended_and_retried(self, page: Page, erp: Connection) -> None:
        set_income(erp, "01-100")
        erp.options = {"behaviour": "refuse"}
        erp.save()
        page.reload()
        page.get_by_role("button", name="Export Cost Codes").click()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")
        queue.export_portions(erp.pk)
        expect(row_of(page, "01-100")).to_contain_text("Failed:")
        erp.options = {"behaviour": "normal"}
        erp.save()

        row_of(page, "01-100").get_by_role("button", name="Retry").click()

        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")
        queue.export_portions(erp.pk)
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "SUCCESS")

    def test_a_queued_code_is_cancelled(self, page: Page, erp: Connection) -> None:
        set_income(erp, "01-100")
        page.reload()
        page.get_by_label("Select 01-100", exact=True).check()
        page.get_by_role("button", name="Export Selected").click()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")

        row_of(page, "01-100").get_by_role("button", name="Cancel").click()

        expect(row_of(page, "01-100")).to_have_attribute("data-status", "READY")
        expect(account_of(page, "01-100")).to_be_visible()

    def test_rows_that_move_together_stay_in_use(self, page: Page, erp: Connection, monkeypatch: Any) -> None:
        """Their status comes once for all of them, and yet each has its own buttons."""
        monkeypatch.setattr(queue, "wake", lambda connections: None)
        set_income(erp, "01-100", "01-101", "01-102")
        page.reload()
        link = page.get_by_role("link", name="01-101", exact=True)
        link.focus()

        page.get_by_role("button", name="Export Cost Codes").dispatch_event("click")

        for code in ("01-100", "01-101", "01-102"):
            expect(row_of(page, code)).to_have_attribute("data-status", "QUEUED")
            expect(row_of(page, code)).to_contain_text("4000 Contract Revenue")
        expect(account_of(page, "01-100")).to_have_count(0)
        expect(link).to_be_focused()
        row_of(page, "01-101").get_by_role("button", name="Cancel").click()
        expect(row_of(page, "01-101")).to_have_attribute("data-status", "READY")
        expect(account_of(page, "01-101").locator("option:checked")).to_have_text("4000 Contract Revenue")
        assert [stored(code).status for code in ("01-100", "01-101", "01-102")] == ["QUEUED", "READY", "QUEUED"]
        choice = account_of(page, "01-101")
        choice.click()
        choice.select_option(label="4010 Contract Revenue: Commercial")
        expect(row_of(page, "01-101").get_by_text("Saved")).to_be_visible()
        assert numbers("01-101") == ("4010", None)

    def test_an_item_that_exists_is_linked(self, page: Page, erp: Connection) -> None:
        set_income(erp, "01-100")
        erp.options = {"behaviour": "exists"}
        erp.save()
        page.reload()
        page.get_by_role("button", name="Export Cost Codes").click()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")
        queue.export_portions(erp.pk)
        expect(row_of(page, "01-100")).to_contain_text("Needs review:")

        row_of(page, "01-100").get_by_role("button", name="Link").click()
        expect(page.get_by_text("You may leave this page")).to_be_visible()
        let_a_worker_answer()

        expect(page.get_by_text("Linked 1 cost code.")).to_be_visible()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "SUCCESS")


class TestReject:
    def test_the_yellow_banner_confirms_undoes_and_tells_the_reason(self, page: Page, erp: Connection) -> None:
        page.get_by_role("button", name="Reject All").click()

        banner = page.get_by_role("status").filter(has_text="5 cost codes were removed from Ready to Export")
        expect(banner).to_have_class(re.compile("banner-warning"))
        expect(banner).to_have_css("background-color", "rgb(253, 230, 138)")
        expect(row_of(page, "01-100")).to_have_count(0)
        expect(page.get_by_text("Nothing is left on this page.")).to_be_visible()
        expect(page.get_by_role("link", name="Ready to Export 0")).to_be_visible()
        expect(page.get_by_role("button", name="matching")).to_be_hidden()
        assert_accessible(page)

        page.get_by_label("Reason").fill("Wrong division")
        held: list[Route] = []
        page.route("**/reason/", lambda route: held.append(route))
        page.get_by_role("button", name="Save Reason").click()
        undo = page.get_by_role("button", name="Undo")
        expect(undo).to_be_disabled()  # its answer would have no place: the first one makes the banner anew
        held[0].continue_()

        undo.click()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "READY")
        expect(page.get_by_text("Undone: 5 cost codes are back where they were.")).to_be_visible()
        assert Batch.objects.get(kind=Batch.Kind.REJECT).reason == "Wrong division"
        expect(page.get_by_text("Nothing is left on this page.")).to_be_hidden()
        assert set(erp.code_exports.values_list("status", flat=True)) == {Status.READY}

    def test_only_the_ticked_are_rejected_and_ticks_clear(self, page: Page, erp: Connection) -> None:
        selected = page.get_by_role("button", name="Reject Selected")
        expect(selected).to_be_disabled()
        page.get_by_label("Select 01-101", exact=True).check()
        expect(selected).to_be_enabled()

        selected.click()

        expect(row_of(page, "01-101")).to_have_count(0)
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "READY")
        expect(selected).to_be_disabled()
        page.get_by_label("Select all", exact=True).check()
        expect(page.get_by_label("Select 01-101", exact=True)).not_to_be_checked()
        assert stored("01-101").status == "REJECTED"


class TestManyRows:
    def test_accounts_are_set_for_the_ticked_rows(self, page: Page, erp: Connection) -> None:
        for code in ("01-100", "01-101"):
            page.get_by_label(f"Select {code}", exact=True).check()
        page.get_by_role("button", name="Set Accounts").click()
        dialog = page.get_by_role("dialog", name="Set Accounts")
        expect(dialog).to_contain_text("2 ticked cost codes")
        assert_accessible(page)
        choice = dialog.get_by_label(INCOME, exact=True)
        expect(choice.locator("option").first).to_have_text("Leave unchanged")

        choice.focus()
        choice.select_option(label="4000 Contract Revenue")
        dialog.get_by_role("button", name="Apply").click()

        expect(dialog).to_be_hidden()
        expect(page.get_by_role("status")).to_contain_text("Accounts set for 2 cost codes.")
        expect(account_of(page, "01-100").locator("option:checked")).to_have_text("4000 Contract Revenue")
        assert erp.code_exports.filter(income_account__number="4000").count() == 2
        page.get_by_label("Select 01-100", exact=True).check()
        page.get_by_role("button", name="Set Accounts").click()
        expect(choice).to_have_value("keep")

    def test_ticks_that_the_browser_brings_back_are_meant(self, page: Page, erp: Connection) -> None:
        page.get_by_label("Select 01-100", exact=True).check()
        page.get_by_role("link", name="01-100", exact=True).click()
        expect(page.get_by_role("heading", name="01-100")).to_be_visible()

        page.go_back()

        expect(page.get_by_label("Select 01-100", exact=True)).to_be_checked()
        expect(page.get_by_role("button", name="Reject Selected")).to_be_enabled()

    def test_all_matching_are_meant_beyond_the_page(self, page: Page, erp: Connection) -> None:
        dora = erp.company.members.get(user__username="dora")
        for number in range(200, 260):
            factories.make_cost_code(f"02-{number}")
        services.send_codes(dora, erp, None)
        page.goto(f"{LIST}?q=02-&rows=50")

        page.get_by_role("button", name="Select all 60 matching").click()
        expect(page.get_by_label("Select 02-200", exact=True)).to_be_checked()
        page.get_by_role("button", name="Set Accounts").click()
        dialog = page.get_by_role("dialog", name="Set Accounts")
        dialog.get_by_label(INCOME, exact=True).focus()
        dialog.get_by_label(INCOME, exact=True).select_option(label="4000 Contract Revenue")
        dialog.get_by_role("button", name="Apply").click()

        expect(page.get_by_role("status")).to_contain_text("Accounts set for 60 cost codes.")
        assert erp.code_exports.filter(income_account__number="4000").count() == 60

    def test_where_nothing_matches_nothing_is_offered_to_be_selected(self, page: Page, erp: Connection) -> None:
        offer = page.get_by_role("button", name=re.compile("^Select all .* matching$"))
        expect(offer).to_be_visible()

        page.goto(f"{LIST}?q=nothing-is-called-so")

        expect(page.get_by_role("button", name="Export Cost Codes")).to_be_visible()
        expect(offer).to_be_hidden()

    def test_select_all_is_the_page_and_clear_takes_it_back(self, page: Page, erp: Connection) -> None:
        page.get_by_label("Select all", exact=True).check()
        expect(page.get_by_label("Select 01-104", exact=True)).to_be_checked()

        page.get_by_role("button", name="Clear Selection").click()

        expect(page.get_by_label("Select 01-104", exact=True)).not_to_be_checked()
        expect(page.get_by_role("button", name="Export Selected")).to_be_disabled()

    def test_keys_move_tick_and_explain_but_not_while_typing(self, page: Page, erp: Connection) -> None:
        for key in ("j", "j", "x", "k"):
            page.keyboard.press(key)
        expect(page.get_by_label("Select 01-101", exact=True)).to_be_checked()
        expect(page.get_by_label("Select 01-100", exact=True)).to_be_focused()

        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")

        page.get_by_label("Search").fill("")
        page.get_by_label("Search").press_sequentially("jxk?")
        expect(page.get_by_label("Search")).to_have_value("jxk?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_nothing_scrolls_sideways_on_a_phone(page: Page, erp: Connection) -> None:
    page.set_viewport_size({"width": 400, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    expect(page.get_by_role("button", name="Export Cost Codes")).to_be_in_viewport()
    assert_accessible(page)


def test_every_page_of_the_tool_is_accessible(page: Page, erp: Connection) -> None:
    set_income(erp, "01-100")
    page.reload()
    page.get_by_role("button", name="Export Cost Codes").click()
    expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")
    assert_accessible(page)
    queue.export_portions(erp.pk)

    for path in (f"{LIST}?filter=all", f"{LIST}{stored('01-101').pk}/", LIST.replace("standard-cost-codes", "history")):
        page.goto(path)
        assert_accessible(page)
    page.get_by_role("table", name="Batches").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name=re.compile("Exported: 1 cost code"))).to_be_visible()
    assert_accessible(page)


def test_the_main_job_works_without_javascript(
    page: Page, erp: Connection, browser: Browser, site: str, console_errors: list[str]
) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    page = context.new_page()
    watch(page, console_errors)
    sign_in(page, "alice", LIST)

    page.get_by_role("link", name="01-100", exact=True).click()
    page.get_by_label(INCOME, exact=True).select_option(label="4000 Contract Revenue")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved 01-100.")).to_be_visible()

    page.goto(LIST)
    page.get_by_label("Select 01-101", exact=True).check()
    page.get_by_role("button", name="Set Accounts").click()
    page.get_by_label(INCOME, exact=True).select_option(label="4010 Contract Revenue: Commercial")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Accounts set for 1 cost code.")).to_be_visible()

    page.get_by_role("button", name="Export Cost Codes").click()
    expect(page.get_by_text("2 cost codes accepted.")).to_be_visible()
    queue.export_portions(erp.pk)
    page.get_by_role("link", name="Synced").click()
    expect(row_of(page, "01-100")).to_contain_text("Success")
    expect(row_of(page, "01-101")).to_contain_text("Success")

    page.goto(LIST)
    page.get_by_role("button", name="Reject All").click()
    expect(page.get_by_text("3 cost codes were removed from Ready to Export")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone: 3 cost codes are back where they were.")).to_be_visible()
    context.close()
