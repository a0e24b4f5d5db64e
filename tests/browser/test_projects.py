"""An admin makes a project, chooses its codes, and adds a new code where it is missing: with the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from companies.models import Company, Member
from tests.browser.people import assert_accessible, eventually, follow, signed_in
from tests.factories import make_company, make_connection, make_cost_code, make_dora, make_project
from wbs.models import Project, Segment, SegmentItem

PROJECTS = "/companies/sample-builders/projects/"
CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
RULES = "/companies/sample-builders/erp-integrations/books/rules/"


@pytest.fixture
def company(db: None) -> Company:
    company = make_company()
    make_connection(company, erp="quickbooks-desktop", name="Books", slug="books")
    for code in ("01-100", "01-200", "02-100", "02-200"):
        make_cost_code(code, f"Text {code}")
    Segment.of(company, "cost-types").add_item("L", "Labor", None, None)
    return company


@pytest.fixture
def dora(page: Page, company: Company) -> Member:
    member = make_dora(company)
    signed_in(page, "dora", then=PROJECTS)
    return member


def codes_of(number: str) -> list[str]:
    return list(Project.objects.get(number=number).items().values_list("full_code", flat=True))


def press(page: Page, name: str, role: str = "button") -> None:
    """As someone does who has no mouse."""
    page.get_by_role(role, name=name, exact=True).focus()  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def test_a_project_is_made_and_gets_codes_with_the_keyboard_alone(page: Page, dora: Member) -> None:
    assert_accessible(page)
    press(page, "Add Project", "link")
    expect(page.get_by_role("heading", name="Add Project")).to_be_visible()
    page.get_by_label("Number").focus()
    page.keyboard.type("P-100")
    page.keyboard.press("Tab")
    page.keyboard.type("Tower")
    page.keyboard.press("Tab")
    page.keyboard.type("Books")
    assert_accessible(page)
    press(page, "Save")

    expect(page.get_by_text("The project P-100 Tower was added.")).to_be_visible()
    expect(page.get_by_role("table", name="Cost Types").get_by_role("row", name="L Labor")).to_contain_text("Other")
    expect(page.get_by_text("Not offered: QuickBooks Desktop knows no sub jobs.")).to_be_visible()
    press(page, "Add Cost Codes from Company", "link")
    expect(page.get_by_role("heading", name="Cost Codes from Company")).to_be_visible()
    expect(page.get_by_role("button", name="Add Selected")).to_be_disabled()
    assert_accessible(page)
    page.get_by_label("Select 01-200").focus()
    page.keyboard.press("Space")
    press(page, "Add Selected")
    expect(page.get_by_text("1 code was added to P-100 Tower.")).to_be_visible()
    press(page, "Add all of 02")
    expect(page.get_by_text("2 codes were added to P-100 Tower.")).to_be_visible()
    assert codes_of("P-100") == ["01-200", "02-100", "02-200"]

    follow(page, "P-100 Tower", f"{PROJECTS}{Project.objects.get().pk}/")
    page.get_by_label("Search").focus()
    page.keyboard.type("02-1")
    table = page.get_by_role("table", name="Cost Codes", exact=True)
    expect(table.get_by_role("row")).to_have_count(3)  # with its head and its division
    page.get_by_label("Select 02-100").focus()
    page.keyboard.press("Space")
    press(page, "Remove")
    expect(page.get_by_text("1 code was removed from P-100 Tower.")).to_be_visible()
    assert codes_of("P-100") == ["01-200", "02-200"]
    assert_accessible(page)


def test_a_new_code_says_where_it_is_missing_and_is_added_with_one_click(page: Page, dora: Member) -> None:
    for number in ("P-1", "P-2"):
        make_project(number, connection=dora.company.connections.get())
    page.goto(CODES)
    page.get_by_role("link", name="01-100").click()
    dialog = page.get_by_role("dialog", name="Edit 01-100")
    assert_accessible(page)
    dialog.get_by_role("button", name="Add to P-2").click()

    expect(dialog.get_by_text("01-100 was added to P-2 Riverside Tower.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Add to P-2")).to_have_count(0)
    expect(dialog.get_by_label("Description")).to_have_value("Text 01-100")
    assert codes_of("P-2") == ["01-100"]

    page.goto(CODES)
    follow(page, "Missing on projects", f"{PROJECTS}missing/")
    assert_accessible(page)
    page.get_by_role("button", name="Add 01-200 where it is missing").click()
    expect(page.get_by_text("01-200 was added to 2 projects.")).to_be_visible()
    expect(page.get_by_role("row", name="01-200")).to_have_count(0)


def test_the_form_warns_while_a_code_is_typed_and_saves_it_all_the_same(page: Page, dora: Member) -> None:
    page.goto(CODES)
    page.get_by_role("button", name="Add Item").click()
    dialog = page.get_by_role("dialog", name="Add Item")
    dialog.get_by_label("Code").focus()
    page.keyboard.type("9" * 35)
    warning = dialog.get_by_text("this code has 35. Shorten it.")
    expect(warning).to_be_visible()
    expect(dialog.get_by_label("Code")).to_be_focused()
    assert_accessible(page)
    for _ in range(4):
        page.keyboard.press("Backspace")
    expect(warning).to_have_count(0)
    page.keyboard.type("9999")
    dialog.get_by_label("Description").fill("Long")
    press(page, "Save")

    row = page.get_by_role("row", name="Select " + "9" * 35)
    expect(row).to_contain_text("Books: QuickBooks allows 31 characters for an item name")
    eventually(lambda: SegmentItem.objects.filter(full_code="9" * 35).count(), 1)

    page.goto(RULES)
    assert_accessible(page)
    page.get_by_role("link", name="9" * 35).click()
    expect(page.get_by_role("heading", name="Edit " + "9" * 35)).to_be_visible()
    assert_accessible(page)


def test_a_phone_scrolls_only_downwards(page: Page, dora: Member) -> None:
    project = make_project(connection=dora.company.connections.get())
    project.add_codes(SegmentItem.objects.filter(full_code__startswith="01"), None)
    page.set_viewport_size({"width": 400, "height": 800})

    for address in ("", f"{project.pk}/", f"{project.pk}/cost-codes-from-company/", "missing/"):
        page.goto(PROJECTS + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 400, address
        assert_accessible(page)


class TestWithoutJavaScript:
    @pytest.fixture
    def browser_context_args(self, browser_context_args: dict[str, object]) -> dict[str, object]:
        return {**browser_context_args, "java_script_enabled": False}

    def test_codes_are_added_found_and_removed_on_plain_pages(self, page: Page, dora: Member) -> None:
        project = make_project(connection=dora.company.connections.get())
        page.goto(f"{PROJECTS}{project.pk}/cost-codes-from-company/")
        page.get_by_label("Division").select_option(label="02 Division 02")
        page.get_by_role("button", name="Find").click()
        page.get_by_role("button", name="Add All 2 Matching").click()
        expect(page.get_by_text("2 codes were added to P-100 Riverside Tower.")).to_be_visible()

        page.get_by_label("Select 02-100").check()
        page.get_by_role("button", name="Remove").click()
        expect(page.get_by_text("1 code was removed from P-100 Riverside Tower.")).to_be_visible()
        assert codes_of("P-100") == ["02-200"]
