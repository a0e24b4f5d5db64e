"""An admin keeps the list of cost codes: by hand, from a file, and with the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from companies.models import Member
from tests.browser.people import assert_accessible, follow, signed_in
from tests.factories import make_connection, make_cost_code, make_dora, make_hold, make_segment
from wbs.models import Hold, SegmentItem

WBS = "/companies/sample-builders/admin/work-breakdown-structure/"
CODES = f"{WBS}cost-codes/"
REFUSED = "the server responded with a status of"  # Chromium's words for 409 and 422, which we mean


@pytest.fixture
def dora(page: Page) -> Member:
    member = make_dora()
    signed_in(page, "dora", then=WBS)
    return member


def codes_in_order() -> list[str]:
    return list(SegmentItem.objects.values_list("full_code", flat=True))


def test_an_item_is_added_and_edited_in_a_dialog(page: Page, dora: Member, console_errors: list[str]) -> None:
    make_cost_code("01-100", "Doors")
    follow(page, "Cost Code", CODES)

    page.get_by_label("Select 01-100").check()
    page.get_by_role("button", name="Add Item").click()
    dialog = page.get_by_role("dialog", name="Add Item")
    expect(dialog.get_by_label("Code")).to_be_focused()
    assert_accessible(page)
    dialog.get_by_label("Code").fill("100")
    dialog.get_by_label("Description").fill("Windows & more")
    dialog.get_by_label("Parent").select_option(label="01 Division 01")
    dialog.get_by_role("button", name="Save").click()

    expect(dialog.get_by_text("01-100 exists already: “Doors”.")).to_be_visible()
    expect(dialog.get_by_label("Code")).to_be_focused()
    assert_accessible(page)
    expect(dialog.get_by_label("Description")).to_have_value("Windows & more")
    dialog.get_by_label("Code").fill("200")
    dialog.get_by_role("button", name="Save").click()

    expect(page.get_by_role("link", name="01-200")).to_be_focused()
    expect(dialog).to_be_hidden()
    expect(page.locator("#live")).to_have_text("01-200 was added.")
    expect(page.get_by_label("Select 01-100")).to_be_checked()

    page.get_by_role("link", name="01-200").click()
    dialog = page.get_by_role("dialog", name="Edit 01-200")
    dialog.get_by_label("Description").fill("Windows")
    dialog.get_by_role("button", name="Save").click()
    expect(
        page.get_by_role("row", name="Select 01-200").get_by_role("cell", name="Windows", exact=True)
    ).to_be_visible()

    page.get_by_role("link", name="01-200").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("link", name="01-200")).to_be_focused()
    assert [error for error in console_errors if REFUSED not in error] == []
    console_errors.clear()


def test_an_item_is_edited_on_its_own_page(page: Page, dora: Member) -> None:
    """By its address, as from a link of another page; nothing is said in the console."""
    item = make_cost_code("01-100", "Doors")
    page.goto(f"{CODES}{item.pk}/")

    page.get_by_label("Description").fill("Windows")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("01-100 was saved.")).to_be_visible()
    expect(page.get_by_role("row", name="Select 01-100")).to_contain_text("Windows")


def test_someone_elses_change_is_shown_before_it_is_replaced(
    page: Page, dora: Member, console_errors: list[str]
) -> None:
    item = make_cost_code("01", "Doors")
    page.goto(CODES)
    page.get_by_role("link", name="01", exact=True).click()
    expect(page.get_by_role("dialog", name="Edit 01")).to_be_visible()
    item.change("01", "Theirs", None, 1, None)

    page.get_by_label("Description").fill("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("it is now 01 “Theirs”")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("cell", name="Mine")).to_be_visible()
    console_errors.clear()  # 409


def test_a_list_with_problems_is_checked_mended_and_imported(page: Page, dora: Member, tmp_path: Path) -> None:
    make_cost_code("01-100")
    file = tmp_path / "our list.csv"
    file.write_text(
        "code;description\n02-100;Doors \n02-100;Again\n01-100;Known\n10-Jan;Damaged\n01-200;Décor\n", "cp1252"
    )
    page.goto(CODES)
    follow(page, "Import", f"{CODES}import/")
    assert_accessible(page)

    page.get_by_label("File").set_input_files(file)
    expect(page.get_by_label("Delimiter")).to_have_value("-")
    expect(page.get_by_label("Create missing divisions")).to_be_checked()
    page.get_by_role("button", name="Check File").click()

    problems = page.get_by_role("table", name="Problems").get_by_role("row")
    expect(problems).to_have_count(4)
    expect(problems.nth(1)).to_contain_text("Row 2 has the same code.")
    expect(problems.nth(2)).to_contain_text("01-100 is in the list already.")
    expect(problems.nth(3)).to_contain_text("A spreadsheet made a date of this code.")
    expect(page.get_by_text("it was read as Windows-1252")).to_be_visible()
    expect(page.get_by_text("Blanks at the ends were trimmed. Rows: 2.")).to_be_visible()
    assert_accessible(page)

    expect(page.get_by_label("Division 02")).to_have_value("Division 02")
    page.get_by_label("Division 02").fill("Openings")
    page.get_by_role("button", name="Import Good Rows").click()

    expect(page.get_by_text("3 codes were imported from our list.csv.")).to_be_visible()
    expect(page.get_by_role("cell", name="Openings")).to_be_visible()
    assert codes_in_order() == ["01", "01-100", "01-200", "02", "02-100"]


def test_the_search_narrows_while_typing_and_what_it_shows_can_be_deactivated(page: Page, dora: Member) -> None:
    make_cost_code("01-100", "Doors")
    make_cost_code("02-100", "Décor")
    make_hold(make_cost_code("02-200", "Décor, sent"), Hold.Lock.ALL)
    page.goto(CODES)
    table = page.get_by_role("table", name="Cost Codes")
    assert_accessible(page)

    page.get_by_label("Search").fill("DÉC")
    expect(table.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("button", name="Deactivate")).to_be_disabled()
    page.get_by_label("Select all").check()
    page.get_by_role("button", name="Deactivate").click()

    expect(page.get_by_text("1 code was deactivated.")).to_be_visible()
    expect(page.get_by_label("Search")).to_have_value("DÉC")
    expect(table.get_by_role("row", name="Select 02-100")).to_contain_text("Inactive")
    expect(table.get_by_role("row", name="Select 02-200")).to_contain_text("02-200 is sent to Practice ERP")
    assert_accessible(page)

    page.get_by_label("Select 02-100").check()
    page.get_by_role("button", name="Reactivate").click()
    expect(table.get_by_role("row", name="Select 02-100")).to_contain_text("Active")
    page.get_by_label("Select 02-100").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_label("Select 02-100")).to_have_count(0)


def test_codes_are_sent_and_recalled_from_the_page(page: Page, dora: Member) -> None:
    make_cost_code("01-100", "Doors")
    make_cost_code("01-200", "Windows")
    make_connection()
    page.goto(CODES)
    row = page.get_by_role("row", name="Select 01-100")

    page.get_by_label("Select 01-100").check()
    page.get_by_role("button", name="Send to ERP").click()
    expect(row).to_contain_text("Ready to Export")
    expect(page.get_by_role("row", name="Select 01-200")).to_contain_text("Not sent")

    page.get_by_role("link", name="01-100").click()
    expect(page.get_by_label("Description")).to_be_disabled()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.keyboard.press("Escape")

    page.get_by_label("Select 01-100").check()
    page.get_by_role("button", name="Recall").click()
    expect(row).to_contain_text("Recalled by")
    page.get_by_role("button", name="Send to ERP").click()
    expect(page.get_by_role("row", name="Select 01-200")).to_contain_text("Ready to Export")


def test_the_keyboard_alone_is_enough(page: Page, dora: Member) -> None:
    make_segment()
    page.goto(CODES)
    keys = page.keyboard

    page.get_by_label("Search").focus()
    keys.press("Tab")
    keys.press("Tab")
    expect(page.get_by_role("button", name="Add Item")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    keys.type("01")
    keys.press("Tab")
    keys.type("Général")
    keys.press("Enter")
    expect(page.get_by_role("link", name="01", exact=True)).to_be_focused()

    keys.press("Shift+Tab")
    expect(page.get_by_label("Select 01")).to_be_focused()
    keys.press("Space")
    expect(page.get_by_label("Select all")).to_be_checked()
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_role("dialog", name="Edit 01")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("link", name="01", exact=True)).to_be_focused()

    page.get_by_role("button", name="Deactivate").focus()
    keys.press("Enter")
    expect(page.get_by_role("row", name="Select 01")).to_contain_text("Inactive")


def test_a_phone_shows_the_same_names_and_scrolls_only_downwards(page: Page, dora: Member) -> None:
    for code in ("01-100", "02-100"):
        make_cost_code(code, "A description that is rather long, as they are in real lists / of real people & firms")
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(CODES)

    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    for name in ("Search", "Select 01-100"):
        expect(page.get_by_label(name)).to_be_visible()
    assert_accessible(page)


class TestWithoutJavaScript:
    @pytest.fixture
    def browser_context_args(self, browser_context_args: dict[str, object]) -> dict[str, object]:
        return {**browser_context_args, "java_script_enabled": False}

    def test_items_are_added_edited_and_deleted_on_plain_pages(self, page: Page, dora: Member) -> None:
        page.goto(CODES)
        page.get_by_role("button", name="Add Item").click()
        page.get_by_label("Code", exact=True).fill("01")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Write a description.")).to_be_visible()
        expect(page.get_by_label("Code", exact=True)).to_have_value("01")
        page.get_by_label("Description").fill("Doors")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("01 was added.")).to_be_visible()

        page.get_by_role("link", name="01", exact=True).click()
        page.get_by_role("link", name="Add Item under 01").click()
        page.get_by_label("Code", exact=True).fill("100")
        page.get_by_label("Description").fill("Hinges")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("link", name="01-100")).to_be_visible()

        page.get_by_label("Select 01-100").check()
        page.get_by_role("button", name="Delete").click()
        expect(page.get_by_text("1 code was deleted.")).to_be_visible()
        assert codes_in_order() == ["01"]

    def test_a_list_is_imported(self, page: Page, dora: Member, tmp_path: Path) -> None:
        file = tmp_path / "list.csv"
        file.write_text("code,description\n01-100,Doors\n")
        page.goto(f"{CODES}import/")
        page.get_by_label("File").set_input_files(file)
        page.get_by_role("button", name="Check File").click()
        page.get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_role("link", name="01-100")).to_be_visible()
