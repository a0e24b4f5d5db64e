"""Default accounts, linking and unlinking, as people do it with the keyboard, and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from companies.models import Member
from erp_integrations.adapters.practice.models import PracticeAccount, PracticeItem
from erp_integrations.models import Connection
from exports import queue, services
from exports.models import CodeExport
from tests import factories
from tests.browser.people import assert_accessible, eventually, follow, signed_in
from tests.exports.review_pages import let_a_worker_answer
from tests.servers.celery import Worker

ERP = "/companies/sample-builders/erp-integrations/practice-erp/"
LIST = f"{ERP}standard-cost-codes/"


@pytest.fixture
def erp(page: Page) -> Connection:
    """Three codes sent by dora; the ERP has two of them already, typed in by hand."""
    factories.make_alice()
    dora = factories.make_dora()
    connection = factories.make_connection()
    connection.sync_gl_accounts(None)
    for code, name in (("03-100", "Concrete"), ("03 200", "Formwork")):
        PracticeItem.objects.create(
            books=connection.pk,
            code=code,
            code_key=code,
            name=name,
            income_account=PracticeAccount.objects.get(books=connection.pk, number="4000"),
        )
    for number in (100, 200, 300):
        factories.make_cost_code(f"03-{number}")
    services.send_codes(dora, connection, None)
    return connection


def stored(code: str) -> CodeExport:
    return CodeExport.objects.select_related("income_account").get(code=code)


def press(page: Page, role: str, name: str) -> None:
    """By keyboard: to the control, then the key that works it."""
    page.get_by_role(role, name=name, exact=True).focus()  # type: ignore[arg-type]
    page.keyboard.press("Space" if role == "checkbox" else "Enter")


def test_existing_items_are_linked_with_the_keyboard_and_unlinked_again(
    page: Page, erp: Connection, worker: Worker
) -> None:
    signed_in(page, "alice", LIST)
    press(page, "link", "Link Existing Items")
    page.wait_for_url(f"**{ERP}link/")
    press(page, "button", "Compare with ERP")
    expect(page.get_by_role("status")).to_have_text("2 items read from Practice ERP.")
    expect(page.get_by_role("button", name="Link Selected")).to_be_disabled()
    assert_accessible(page)

    page.get_by_label("Select 03-100", exact=True).focus()
    page.keyboard.press("j")
    expect(page.get_by_label("Select 03-200", exact=True)).to_be_focused()
    page.keyboard.press("x")
    press(page, "checkbox", "Select all")
    press(page, "button", "Link Selected")

    expect(page.get_by_role("status")).to_have_text("Linked 2 cost codes.")
    assert {stored(code).status for code in ("03-100", "03-200")} == {"SUCCESS"}
    page.goto(f"{LIST}{stored('03-100').pk}/")
    assert_accessible(page)
    page.get_by_label("Reason").focus()
    page.keyboard.type("The other one")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unlinked by alice: The other one").first).to_be_visible()
    assert stored("03-100").status == "REJECTED"


def test_an_update_is_seen_before_it_is_exported(page: Page, erp: Connection) -> None:
    queue.export_portions(_accept(erp, "03-300"))
    signed_in(page, "dora", "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/")
    page.get_by_role("link", name="03-300", exact=True).click()
    dialog = page.get_by_role("dialog", name="Edit 03-300")
    dialog.get_by_label("Description").fill("Formwork, all of it")
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    eventually(lambda: stored("03-300").item.description, "Formwork, all of it")
    page.get_by_role("button", name="Sign out").click()

    signed_in(page, "alice", f"{LIST}?filter=synced")
    expect(page.get_by_text("Changed since export")).to_be_visible()
    follow(page, "03-300", f"{LIST}{stored('03-300').pk}/")
    changed = page.get_by_role("row", name="Description")
    expect(changed).to_contain_text("Description 03-300")
    expect(changed).to_contain_text("Formwork, all of it")
    assert_accessible(page)
    page.get_by_label("General Ledger Account - Income").focus()
    page.keyboard.type("4010")
    press(page, "button", "Export Update")
    expect(page.get_by_text("Accepted 1 cost code.")).to_be_visible()
    assert_accessible(page)
    queue.export_portions(erp.pk)

    page.reload()
    expect(page.locator("[data-status=SUCCESS]")).to_be_visible()
    expect(page.get_by_text("Changed since export")).to_have_count(0)
    item = PracticeItem.objects.get(books=erp.pk, code="03-300")
    assert (item.name, item.income_account.number) == ("Formwork, all of it", "4010")


def test_what_became_of_an_item_in_the_erp_is_marked_and_accepted(page: Page, erp: Connection) -> None:
    for code in ("03-200", "03-300"):
        queue.export_portions(_accept(erp, code))
    PracticeItem.objects.filter(books=erp.pk, code="03-200").update(name="Renamed over there")
    PracticeItem.objects.filter(books=erp.pk, code="03-300").delete()
    services.read_items(erp)  # as the schedule does once a day
    signed_in(page, "alice", f"{LIST}?filter=synced")

    expect(page.get_by_role("row", name="03-200")).to_contain_text("Changed in ERP")
    expect(page.get_by_role("row", name="03-300")).to_contain_text("Orphaned")
    assert_accessible(page)
    page.get_by_role("link", name="03-200", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LIST}{stored('03-200').pk}/")
    expect(page.get_by_role("row", name="Description").first).to_contain_text("Renamed over there")
    assert_accessible(page)
    press(page, "button", "Accept Change")

    expect(page.get_by_role("status")).to_contain_text("03-200 is taken as it is in the ERP.")
    expect(page.get_by_text("Changed in ERP")).to_have_count(0)
    assert (stored("03-200").drift, stored("03-300").drift) == ("", "orphaned")


def _accept(connection: Connection, code: str) -> int:
    """Alice exports the code; the connection whose turn it is."""
    alice = Member.objects.get(user__username="alice")
    connection.code_exports.filter(code=code).update(income_account=connection.gl_accounts.get(number="4000"))
    services.queue_codes(alice, connection, services.Selection.of([stored(code).pk]))
    return connection.pk


def test_a_division_gets_default_accounts_and_a_code_is_reset_to_them(page: Page, erp: Connection) -> None:
    signed_in(page, "dora", f"{ERP}settings/")
    follow(page, "Default accounts of divisions and codes", f"{ERP}default-accounts/")
    assert_accessible(page)
    press(page, "link", "03")
    page.get_by_label("Default income account").focus()
    page.keyboard.type("4010")
    assert_accessible(page)
    press(page, "button", "Save")
    expect(page.get_by_role("status")).to_have_text("Saved the default accounts of 03.")

    page.goto(f"{LIST}{stored('03-300').pk}/")
    expect(page.get_by_text("Default income account: 4010")).to_be_visible()
    press(page, "button", "Reset to Default")

    expect(page.get_by_text("Reset 1 cost code.")).to_be_visible()
    assert stored("03-300").income_account.number == "4010"
    page.goto(LIST)
    expect(page.get_by_text("Income: default of 03")).to_be_visible()


def test_set_accounts_gives_all_matching_their_inherited_default(page: Page, erp: Connection) -> None:
    erp.default_income_account = erp.gl_accounts.get(number="4000")
    erp.save()
    signed_in(page, "alice", LIST)
    page.get_by_role("button", name="Select all 3 matching").click()
    page.get_by_role("button", name="Set Accounts").click()
    page.locator("#set-income").select_option(label="Inherited default")

    page.get_by_role("button", name="Apply").click()

    eventually(lambda: {stored(f"03-{n}00").income_account_id for n in (1, 2, 3)}, {erp.default_income_account_id})
    expect(page.get_by_text("Income: default of Practice ERP")).to_have_count(3)


def test_four_eyes_is_turned_on_and_holds(page: Page, erp: Connection) -> None:
    signed_in(page, "dora", "/companies/sample-builders/admin/members/")
    press(page, "checkbox", "Whoever sent a code may not accept it")
    press(page, "button", "Save Four Eyes")
    expect(page.get_by_role("status")).to_have_text("Saved. Whoever sent a code may no longer accept it.")
    assert_accessible(page)

    erp.code_exports.update(income_account=erp.gl_accounts.get(number="4000"))
    page.goto(LIST)
    page.get_by_role("button", name="Export Cost Codes").click()

    expect(page.get_by_text("3 were sent by you and need someone else's eyes and stayed.")).to_be_visible()


def test_all_of_it_works_without_javascript(browser: Browser, site: str, page: Page, erp: Connection) -> None:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    plain = context.new_page()
    signed_in(plain, "alice", f"{ERP}link/")

    plain.get_by_role("button", name="Compare with ERP").click()
    let_a_worker_answer()
    plain.get_by_role("link", name="Look again").click()
    plain.get_by_label("Select 03-200", exact=True).check()
    plain.get_by_role("button", name="Link Selected").click()
    let_a_worker_answer()
    plain.get_by_role("link", name="Look again").click()
    expect(plain.get_by_role("status")).to_have_text("Linked 1 cost code.")
    plain.goto(f"{LIST}{stored('03-300').pk}/")
    plain.get_by_label("Reason").fill("Rename it")
    plain.get_by_role("button", name="Reject", exact=True).click()

    expect(plain.locator(".banner-warning")).to_contain_text("1 cost code was removed from review")
    plain.get_by_role("button", name="Undo").click()
    assert (stored("03-200").status, stored("03-300").status) == ("SUCCESS", "READY")
    context.close()
