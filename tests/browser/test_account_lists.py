"""What an approver settles on in a list of accounts is saved once, and nothing goes to the ERP before it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, Route, expect

from companies.models import AuditEvent
from erp_integrations.models import Connection
from exports.models import CodeExport
from tests.browser.people import assert_accessible, eventually
from tests.browser.test_review import EXPENSE, INCOME, LIST, account_of, numbers, row_of, set_income
from tests.browser.test_review import erp as erp


@pytest.fixture
def saves(page: Page) -> list[str]:
    """The bodies of the saves that the page sends."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if "/assign/" in request.url:
            sent.append(request.post_data or "")

    page.on("request", note)
    return sent


def assigned() -> int:
    return AuditEvent.objects.filter(action="export.assigned").count()


def press(page: Page, key: str, times: int) -> None:
    for _ in range(times):
        page.keyboard.press(key)


class TestSettling:
    def test_arrow_keys_save_what_they_end_on_once(self, page: Page, erp: Connection, saves: list[str]) -> None:
        choice = account_of(page, "01-100")
        choice.focus()

        press(page, "ArrowDown", 6)
        chosen = choice.input_value()

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        assert (len(saves), assigned()) == (1, 1)
        assert str(CodeExport.objects.get(code="01-100").income_account_id) == chosen
        expect(choice).to_be_focused()

    @pytest.mark.parametrize("way", ["Tab", "Enter"])
    def test_tab_and_enter_save_at_once(self, page: Page, erp: Connection, saves: list[str], way: str) -> None:
        page.clock.install()  # the pause never ends
        choice = account_of(page, "01-100")
        choice.focus()
        press(page, "ArrowDown", 3)
        chosen = choice.input_value()

        page.keyboard.press(way)

        eventually(lambda: str(CodeExport.objects.get(code="01-100").income_account_id), chosen)
        page.evaluate("0")  # lets the page's own events arrive here
        assert (len(saves), assigned()) == (1, 1)

    def test_a_choice_without_keys_is_saved_at_once(self, page: Page, erp: Connection, saves: list[str]) -> None:
        page.clock.install()
        choice = account_of(page, "01-100")
        choice.focus()
        page.keyboard.press("ArrowDown")
        choice.dispatch_event("pointerdown")

        choice.select_option(label="4010 Contract Revenue: Commercial")

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        assert (len(saves), assigned(), numbers("01-100")[0]) == (1, 1, "4010")

    def test_typing_a_number_saves_once(self, page: Page, erp: Connection, saves: list[str]) -> None:
        account_of(page, "01-100").focus()

        page.keyboard.type("4030")

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        assert (len(saves), assigned(), numbers("01-100")[0]) == (1, 1, "4030")

    def test_both_lists_of_a_row_are_saved(self, page: Page, erp: Connection, saves: list[str]) -> None:
        account_of(page, "01-100").focus()
        page.keyboard.type("4010")
        page.keyboard.press("Tab")
        page.keyboard.type("5000")
        page.keyboard.press("Tab")

        eventually(lambda: numbers("01-100"), ("4010", "5000"))
        page.evaluate("0")  # lets the page's own events arrive here
        assert len(saves) == assigned() == 2


class TestNothingIsLost:
    def test_an_export_waits_for_what_was_chosen_just_before(self, page: Page, erp: Connection) -> None:
        set_income(erp, "01-100")
        page.reload()
        held: list[Route] = []
        page.route("**/assign/", lambda route: held.append(route))
        exports: list[Request] = []
        page.on("request", lambda request: exports.append(request) if request.url.endswith("/export/") else None)
        account_of(page, "01-100").focus()
        page.keyboard.type("4030")

        page.get_by_role("button", name="Export Cost Codes").click()
        eventually(lambda: page.evaluate("document.querySelectorAll('tr.htmx-request').length"), 1)
        assert exports == []
        held[0].continue_()

        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")
        assert numbers("01-100")[0] == "4030"
        assert len(exports) == 1

    def test_an_export_does_not_go_when_the_choice_could_not_be_saved(
        self, page: Page, erp: Connection, console_errors: list[str]
    ) -> None:
        set_income(erp, "01-100")
        page.reload()
        page.route("**/assign/", lambda route: route.abort())
        account_of(page, "01-100").focus()
        page.keyboard.type("4030")

        page.get_by_role("button", name="Export Cost Codes").click()

        expect(page.get_by_role("alert")).to_contain_text("Not done: not every account is saved.")
        assert set(erp.code_exports.values_list("status", flat=True)) == {"READY"}
        console_errors.clear()

    def test_leaving_the_page_saves_what_was_chosen(self, page: Page, erp: Connection) -> None:
        page.clock.install()
        account_of(page, "01-100").focus()
        page.keyboard.type("4030")

        page.evaluate("location.href = '/'")

        eventually(lambda: numbers("01-100")[0], "4030")
        assert assigned() == 1


class TestTrouble:
    def test_a_renamed_account_is_flagged_and_kept_with_one_click(self, page: Page, erp: Connection) -> None:
        choice = account_of(page, "01-100")
        choice.focus()
        page.keyboard.type("4000")
        page.keyboard.press("Tab")
        eventually(lambda: numbers("01-100")[0], "4000")
        erp.gl_accounts.filter(number="4000").update(name="Fees")
        page.get_by_role("button", name="Export Cost Codes").click()
        sentence = "Was 4000 Contract Revenue when it was picked. Keep it or choose another."
        expect(row_of(page, "01-100")).to_contain_text(sentence)
        assert_accessible(page)

        page.get_by_role("button", name="Keep 4000 Fees for 01-100").click()

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        expect(row_of(page, "01-100")).not_to_contain_text("when it was picked")
        expect(account_of(page, "01-100")).to_be_focused()
        page.get_by_role("button", name="Export Cost Codes").click()
        expect(row_of(page, "01-100")).to_have_attribute("data-status", "QUEUED")

    def test_one_that_needs_review_keeps_its_other_account_too(self, page: Page, erp: Connection) -> None:
        income, expense = (erp.gl_accounts.get(number=number) for number in ("4000", "5000"))
        rows = CodeExport.objects.filter(code="01-100")
        rows.update(status="ATTENTION", message="It exists.", income_account=income, expense_account=expense)
        rows.update(income_picked="income: 4000 Fees")
        page.goto(f"{LIST}?filter=needs-review")

        page.get_by_role("button", name="Keep 4000 Contract Revenue for 01-100").click()

        expect(row_of(page, "01-100").get_by_text("Saved")).to_be_visible()
        expect(row_of(page, "01-100")).not_to_contain_text("when it was picked")
        assert (rows.get().income_picked, numbers("01-100")) == (income.identity, ("4000", "5000"))

    def test_the_flag_goes_when_another_account_is_picked(self, page: Page, erp: Connection) -> None:
        set_income(erp, "01-100")
        erp.gl_accounts.filter(number="4000").update(is_active=False)
        page.goto(LIST)
        row = row_of(page, "01-100")
        expect(row).to_contain_text("Is no longer active in the ERP. Choose another.")
        expect(row.get_by_role("button", name="Keep")).to_have_count(0)
        choice = account_of(page, "01-100", INCOME)
        choice.focus()

        choice.select_option(label="4010 Contract Revenue: Commercial")

        expect(row).not_to_contain_text("no longer active")
        expect(account_of(page, "01-100", EXPENSE)).to_be_visible()
