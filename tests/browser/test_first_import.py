"""A first list comes in as the office has it, with its accounts, and is sent: how many clicks that takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Page, expect

from companies.models import Member
from exports.models import CodeExport, Status
from tests.browser.people import assert_accessible, signed_in
from tests.factories import make_connection, make_cost_code, make_dora
from wbs.models import SegmentItem

WBS = "/companies/sample-builders/admin/work-breakdown-structure/"
CODES = f"{WBS}cost-codes/"
MOST_CLICKS = 8
DIVISIONS, CODES_IN_EACH = 25, 15


class Counted:
    """Clicks a person makes."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def press(self, role: str, name: str) -> None:
        self.page.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]
        self.clicks += 1

    def choose_file(self, file: Path) -> None:
        """Two: the field, and the file in the dialog of the system."""
        self.page.get_by_label("File", exact=True).set_input_files(file)
        self.clicks += 2


@pytest.fixture
def dora(page: Page) -> Member:
    member = make_dora()
    make_connection(member.company).sync_gl_accounts(member.user)
    signed_in(page, "dora", then=CODES)
    return member


def office_list(file: Path) -> Path:
    book = Workbook()
    sheet = book.active
    sheet.append(["Ridgeline Contractors: standard cost codes", None, None, None])
    sheet.append([])
    sheet.append(["Cost Code", "Cost Code Description", "Income", "Expense"])
    for division in range(1, DIVISIONS + 1):
        sheet.append([f"{division:02}-0000", f"Works of kind {division}", None, None])
        for place in range(1, CODES_IN_EACH + 1):
            sheet.append([f"{division:02}-{place * 100:04}", f"Part {place} of {division}", 4010, "5020 Supervision"])
    book.save(file)
    return file


def test_a_first_list_is_sent_with_its_accounts_in_a_few_clicks(page: Page, dora: Member, tmp_path: Path) -> None:
    person = Counted(page)

    person.press("link", "Import")
    person.choose_file(office_list(tmp_path / "codes.xlsx"))
    person.press("button", "Check File")
    expect(page.get_by_role("heading", name="codes.xlsx")).to_be_visible()
    assert_accessible(page)
    person.press("button", "Import")
    expect(page.get_by_text("400 codes were imported from codes.xlsx.")).to_be_visible()
    person.press("button", "Send to ERP")
    expect(page.get_by_text("375 cost codes sent to Practice ERP.")).to_be_visible()

    assert person.clicks <= MOST_CLICKS
    ready = CodeExport.objects.filter(status=Status.READY)
    assert ready.count() == DIVISIONS * CODES_IN_EACH
    assert set(ready.values_list("income_account__number", "expense_account__number")) == {("4010", "5020")}
    assert SegmentItem.objects.get(full_code="07").description == "Works of kind 7"


def test_a_column_is_pointed_at_a_division_named_and_the_import_undone(
    page: Page, dora: Member, tmp_path: Path
) -> None:
    make_cost_code("09-900", "Was here")
    file = tmp_path / "list.csv"
    file.write_text("Seq;Kostenpos;Bemerkung;Wortlaut\nA;03-110;x;Formwork\nB;03–120;x;Rebar\nC;02-SEP;x;Septic\n")
    page.goto(f"{CODES}import/")
    page.get_by_label("File", exact=True).set_input_files(file)
    page.get_by_role("button", name="Check File").click()
    expect(page.get_by_role("table", name="Problems")).to_contain_text("02-SEP")

    page.get_by_label("Description", exact=True).select_option("Wortlaut")
    page.get_by_label("Clean", exact=True).check()
    page.get_by_label("These are codes", exact=True).check()
    page.get_by_role("button", name="Check File").click()
    page.get_by_label("Division 03").fill("Concrete")
    page.get_by_role("link", name="Rows").click()
    rows = page.get_by_role("table", name="Rows", exact=True)
    expect(rows.get_by_role("row", name="02-SEP")).to_contain_text("Septic")
    expect(page.get_by_label("Division 03")).to_have_value("Concrete")
    assert_accessible(page)
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_text("5 codes were imported from list.csv.")).to_be_visible()
    table = page.get_by_role("table", name="Cost Codes")
    expect(table.get_by_role("row", name="Select 03", exact=False).first).to_contain_text("Concrete")
    assert_accessible(page)
    page.get_by_role("button", name="Undo Import").click()
    expect(page.get_by_text("The import of list.csv was undone: 5 codes.")).to_be_visible()
    expect(table.get_by_label("Select 09-900")).to_be_visible()
    expect(table.get_by_label("Select 03-110")).to_have_count(0)
