"""Long lists: a workbook is checked while one does something else, divisions fold, segments make a budget code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from companies.models import Member
from tests.browser.people import assert_accessible, follow, signed_in
from tests.factories import make_cost_code, make_dora, make_hold, make_project
from wbs.lists.bounds import MAX_BYTES
from wbs.lists.xlsx_files import write_xlsx
from wbs.models import SegmentItem, drafts

WBS = "/companies/sample-builders/admin/work-breakdown-structure/"
CODES = f"{WBS}cost-codes/"


@pytest.fixture
def dora(page: Page) -> Member:
    member = make_dora()
    signed_in(page, "dora", then=WBS)
    return member


def test_a_long_workbook_is_checked_left_found_again_and_imported(
    page: Page, dora: Member, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no worker here: the page that asks does the work, when it may."""
    monkeypatch.setattr(drafts, "UNCLAIMED_S", 3600)
    file = tmp_path / "long.xlsx"
    file.write_bytes(
        write_xlsx(["code", "description"], ((f"01-{number}", "Text") for number in range(5_100)), "Cost Codes")
    )
    page.goto(f"{CODES}import/")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check File").click()

    expect(page.get_by_text(re.compile(r"Reading long.xlsx: 0 of 5,10\d rows"))).to_be_visible()
    assert_accessible(page)
    page.goto(f"{CODES}import/")
    assert_accessible(page)
    monkeypatch.setattr(drafts, "UNCLAIMED_S", 0)
    page.get_by_role("table", name="Checks").get_by_role("link", name="long.xlsx").click()
    expect(page.get_by_role("heading", name="long.xlsx")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_text("5,101 codes were imported")).to_be_visible()


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page, dora: Member, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(b"x" * (MAX_BYTES + 1))
    page.goto(f"{CODES}import/")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check File").click()

    problem = page.get_by_label("File").evaluate("input => input.validationMessage")
    assert problem == "The file is larger than 10 MB. Import it in parts."
    small = tmp_path / "small.csv"
    small.write_bytes(b"code,description\n01-100,Doors\n")
    page.get_by_label("File").set_input_files(small)
    page.get_by_role("button", name="Check File").click()
    expect(page.get_by_role("heading", name="small.csv")).to_be_visible()


def test_the_template_is_downloaded_filled_in_and_imported(page: Page, dora: Member, tmp_path: Path) -> None:
    page.goto(f"{CODES}import/")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download Template").click()
    file = tmp_path / "ours.xlsx"
    download.value.save_as(file)
    book = load_workbook(file)
    book.worksheets[0].append(["1-10", "A date, elsewhere"])
    book.save(file)
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check File").click()
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("row", name="Select 1-10")).to_contain_text("A date, elsewhere")


def test_a_whole_list_is_deleted_but_for_what_is_used_and_each_says_why(page: Page, dora: Member) -> None:
    make_project().add_codes(SegmentItem.objects.filter(pk=make_cost_code("01-100").pk), None)
    make_hold(make_cost_code("01-200"))
    make_cost_code("01-300")
    page.goto(CODES)
    page.get_by_label("Select all", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text("1 code was deleted.")).to_be_visible()
    table = page.get_by_role("table", name="Cost Codes")
    expect(table.get_by_role("row", name="Select 01-100")).to_contain_text("P-100")
    expect(table.get_by_role("row", name="Select 01-200")).to_contain_text(
        "01-200 was sent to Practice ERP and belongs to its history."
    )
    assert_accessible(page)
    page.get_by_role("link", name="01-100", exact=True).click()
    expect(page.get_by_role("region", name="Where used")).to_contain_text("P-100 Riverside Tower")


def test_divisions_collapse_and_expand_with_the_keyboard(page: Page, dora: Member) -> None:
    for code in ("01-100", "02-100"):
        make_cost_code(code)
    page.goto(CODES)

    page.get_by_role("link", name="Collapse 01").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Select 01-100")).to_have_count(0)
    expect(page.get_by_role("link", name="Expand 01")).to_be_focused()
    expect(page.get_by_label("Select 02-100")).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Select 01-100")).to_be_visible()

    page.get_by_role("link", name="Collapse All").click()
    expect(page.get_by_role("table", name="Cost Codes").get_by_role("row")).to_have_count(3)
    page.get_by_label("Select all 4 matching").check()
    expect(page.get_by_label("Select 01", exact=True)).to_be_checked()
    page.get_by_role("button", name="Deactivate").click()
    expect(page.get_by_text("4 codes were deactivated.")).to_be_visible()
    expect(page.get_by_role("table", name="Cost Codes").get_by_role("row")).to_have_count(3)
    assert not SegmentItem.objects.filter(is_active=True).exists()


def test_a_segment_is_added_and_takes_its_place_in_the_budget_code(page: Page, dora: Member) -> None:
    page.goto(WBS)
    assert_accessible(page)
    page.get_by_label("Name").fill("Phase")
    page.get_by_role("button", name="Add Segment").click()
    follow(page, "Phase", f"{WBS}phase/")
    page.get_by_role("button", name="Add Item").click()
    dialog = page.get_by_role("dialog", name="Add Item")
    dialog.get_by_label("Code").fill("P7")
    dialog.get_by_label("Description").fill("Shell")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="P7")).to_be_focused()
    assert_accessible(page)

    page.goto(f"{WBS}budget-code/")
    assert_accessible(page)
    page.get_by_label("Phase").select_option("3")
    expect(page.get_by_text("01-100.L.P7")).to_be_visible()
    page.get_by_label("Delimiter").select_option("/")
    expect(page.get_by_text("01-100/L/P7")).to_be_visible()
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_text("The budget code was saved.")).to_be_visible()
    expect(page.get_by_text("01-100/L/P7")).to_be_visible()


def test_a_phone_scrolls_only_downwards(page: Page, dora: Member) -> None:
    make_cost_code("01-100")
    page.set_viewport_size({"width": 400, "height": 800})

    for address in (WBS, f"{CODES}?fold=all", f"{WBS}budget-code/", f"{CODES}import/"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
