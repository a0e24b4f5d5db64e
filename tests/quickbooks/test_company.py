"""What the company file does with requests that it takes, and what it answers."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from tests.quickbooks.cases import (
    ONE_SIDE,
    TWO_SIDES,
    add,
    below,
    document,
    hillside,
    modify,
    one_side,
    query,
    two_sides,
)
from tests.quickbooks.company import QBError, QuickBooks
from tests.quickbooks.reading import answer, only, statuses, tags

pytestmark = pytest.mark.once

ACCOUNT_TYPES = [
    "AccountsPayable",
    "AccountsReceivable",
    "Bank",
    "CostOfGoodsSold",
    "CreditCard",
    "Equity",
    "Expense",
    "FixedAsset",
    "Income",
    "LongTermLiability",
    "NonPosting",
    "OtherAsset",
    "OtherCurrentAsset",
    "OtherCurrentLiability",
    "OtherExpense",
    "OtherIncome",
]
OWNER, FILE = "{90a44fb7-33d9-4815-ac85-ac86a7e7d1eb}", "{57f3b9b6-86f1-4fcc-b1ff-966de1813d20}"


# The file itself


def test_the_chart_is_that_of_a_construction_company() -> None:
    accounts = QuickBooks().accounts

    assert len(accounts) >= 30
    assert {each.type for each in accounts} == set(ACCOUNT_TYPES)
    assert any(not each.is_active for each in accounts)
    assert any(each.number is None for each in accounts)
    assert any(each.parent for each in accounts)
    assert any("&" in each.name for each in accounts)
    assert any(not each.name.isascii() for each in accounts)


def test_the_host_answer_tells_company_file_and_versions() -> None:
    quickbooks = QuickBooks("Hillside & Söhne", owner_id=OWNER, file_id=FILE, newest_version="12.0")

    host, company, preferences = etree.fromstring(quickbooks.host_response().encode())[0]

    assert [host.tag, company.tag, preferences.tag] == ["HostQueryRs", "CompanyQueryRs", "PreferencesQueryRs"]
    assert host.findtext("HostRet/ProductName")
    assert [each.text for each in host.iter("SupportedQBXMLVersion")][-1] == "12.0"
    assert company.findtext("CompanyRet/CompanyName") == "Hillside & Söhne"
    extension = company.find("CompanyRet/DataExtRet")
    assert tags(extension) == ["OwnerID", "DataExtName", "DataExtType", "DataExtValue"]
    assert [each.text for each in extension] == [OWNER, "FileID", "STR255TYPE", FILE]
    assert preferences.findtext("PreferencesRet/AccountingPreferences/IsUsingAccountNumbers") == "true"
    assert quickbooks.journal == []


def test_a_file_that_was_never_stamped_says_no_file_id() -> None:
    assert "DataExtRet" not in QuickBooks().host_response()


def test_the_stamp_comes_only_to_its_owner() -> None:
    quickbooks = QuickBooks(owner_id=OWNER, file_id=FILE)

    assert only(quickbooks, query("Company", f"<OwnerID>{OWNER}</OwnerID>")).find(".//DataExtRet") is not None
    assert only(quickbooks, query("Company")).find(".//DataExtRet") is None


def test_an_old_quickbooks_does_not_know_version_13() -> None:
    with pytest.raises(QBError) as caught:
        QuickBooks(newest_version="12.0").run(document(add()))

    assert caught.value.hresult == "0x80040423"


# Adding


def test_it_adds_an_item_of_one_side() -> None:
    quickbooks = QuickBooks()
    guid = f"<ExternalGUID>{FILE}</ExternalGUID>"

    response = only(quickbooks, add("03-100", after=guid, request_id="row 7"))

    (item,) = quickbooks.items
    assert (item.name, item.type, item.is_active, item.parent) == ("03-100", "Service", True, None)
    assert (item.sales_desc, item.purchase_desc, item.external_guid) == ("Concrete", None, FILE)
    assert (item.income_account, item.expense_account) == ("Construction Income", None)
    assert (response.tag, response.get("requestID"), response.get("statusCode")) == ("ItemServiceAddRs", "row 7", "0")
    assert response.get("statusSeverity") == "Info"
    assert tags(response[0]) == [
        "ListID",
        "TimeCreated",
        "TimeModified",
        "EditSequence",
        "Name",
        "FullName",
        "IsActive",
        "Sublevel",
        "SalesTaxCodeRef",
        "SalesOrPurchase",
        "ExternalGUID",
    ]
    assert tags(response[0].find("SalesOrPurchase")) == ["Desc", "Price", "AccountRef"]
    assert response[0].findtext("ListID") == item.list_id


def test_it_adds_an_item_of_two_sides() -> None:
    quickbooks = QuickBooks()

    response = only(quickbooks, add(sides=TWO_SIDES))

    (item,) = quickbooks.items
    assert (item.sales_desc, item.purchase_desc) == ("Concrete", "Concrete")
    assert (item.income_account, item.expense_account) == ("Construction Income", "Job Costs")
    assert tags(response.find("ItemServiceRet/SalesAndPurchase")) == [
        "SalesDesc",
        "SalesPrice",
        "IncomeAccountRef",
        "PurchaseDesc",
        "PurchaseCost",
        "ExpenseAccountRef",
    ]


def test_the_longest_texts_are_taken() -> None:
    longest = add("x" * 31, ONE_SIDE.replace("Concrete", "x" * 4095), request_id="x" * 50)

    assert only(QuickBooks(), longest).get("statusCode") == "0"


def test_lengths_count_characters_and_not_their_spelling() -> None:
    assert only(QuickBooks(), add("&#233;" * 31)).get("statusCode") == "0"


def test_ids_look_like_quickbooks_ids() -> None:
    quickbooks = QuickBooks()

    ret = only(quickbooks, add())[0]

    assert re.fullmatch(r"8[0-9A-F]{7}-\d{10}", ret.findtext("ListID"))
    assert re.fullmatch(r"\d{10}", ret.findtext("EditSequence"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", ret.findtext("TimeModified"))
    assert len({each.list_id for each in [*quickbooks.accounts, *quickbooks.items]}) == len(quickbooks.accounts) + 1


def test_answers_are_ascii_and_come_back_as_they_were_meant() -> None:
    quickbooks = QuickBooks()

    text = quickbooks.run(document(add("B&#233;ton &amp; &#8220;fer&#8221;")))

    assert text.isascii()
    assert "B&#233;ton &amp; &#8220;fer&#8221;" in text
    assert quickbooks.items[0].name == "Béton & “fer”"


def test_characters_outside_its_code_page_are_lost() -> None:
    quickbooks = QuickBooks()

    only(quickbooks, add("T&#7847;ng &#937;", ONE_SIDE.replace("Concrete", "&#26085;&#26412;")))

    assert (quickbooks.items[0].name, quickbooks.items[0].sales_desc) == ("T?ng ?", "??")


def test_two_names_that_are_lost_the_same_way_are_one() -> None:
    response = answer(QuickBooks(), add("T&#7847;ng"), add("T&#7849;ng"))

    assert statuses(response) == ["0", "3100"]


def test_blanks_at_the_ends_of_a_name_are_gone() -> None:
    quickbooks = QuickBooks()

    only(quickbooks, add("  03 100 "))

    assert quickbooks.items[0].name == "03 100"


def test_the_list_id_wins_over_the_name() -> None:
    quickbooks = QuickBooks()
    both = f"<ListID>{quickbooks.account('Job Costs').list_id}</ListID><FullName>Small Tools</FullName>"

    only(quickbooks, add(sides=f"<SalesOrPurchase><AccountRef>{both}</AccountRef></SalesOrPurchase>"))

    assert quickbooks.items[0].income_account == "Job Costs"


def test_parents_may_come_in_the_same_message() -> None:
    quickbooks = QuickBooks()

    response = answer(quickbooks, add("03"), add("31", before=below("03")), add("00", before=below("03:31")))

    assert statuses(response) == ["0", "0", "0"]
    assert [each.full_name for each in quickbooks.items] == ["03", "03:31", "03:31:00"]
    assert response[2].findtext("ItemServiceRet/Sublevel") == "2"
    assert response[2].findtext("ItemServiceRet/ParentRef/FullName") == "03:31"


def test_the_same_name_below_another_parent_is_another_item() -> None:
    quickbooks = hillside()

    assert statuses(answer(quickbooks, add("10"), add("03", before=below("03")))) == ["0", "0"]


@pytest.mark.parametrize("kind", ACCOUNT_TYPES)
def test_which_accounts_fit_where(kind: str) -> None:
    quickbooks = QuickBooks()
    quickbooks.add_account("Tried", kind)
    profit_and_loss = kind in ("Income", "OtherIncome", "Expense", "OtherExpense", "CostOfGoodsSold")
    costs = kind in ("Expense", "OtherExpense", "CostOfGoodsSold")

    response = answer(
        quickbooks,
        add("A", one_side("Tried")),
        add("B", two_sides("Tried", "Job Costs")),
        add("C", two_sides("Construction Income", "Tried")),
    )

    assert [each == "0" for each in statuses(response)] == [profit_and_loss, profit_and_loss, costs]
    assert set(statuses(response)) <= {"0", "3140"}


def test_an_account_that_was_deactivated_or_deleted_meanwhile_is_refused() -> None:
    quickbooks = QuickBooks()
    quickbooks.deactivate_account("Small Tools")
    quickbooks.delete_account("Permits & Fees")

    response = answer(quickbooks, add("A", one_side("Small Tools")), add("B", one_side("Permits &amp; Fees")))

    assert statuses(response) == ["3140", "3140"]


def test_a_locked_list_opens_again() -> None:
    quickbooks = QuickBooks()
    quickbooks.lock_items(times=1)

    assert statuses(answer(quickbooks, query("Item"), add("A"), add("A"))) == ["1", "3175", "0"]

    quickbooks.lock_items()
    assert statuses(answer(quickbooks, add("B"), add("C"))) == ["3175", "3175"]

    quickbooks.unlock_items()
    assert statuses(answer(quickbooks, add("B"))) == ["0"]


# Several requests


def test_it_goes_on_after_an_error_if_told_so() -> None:
    response = answer(QuickBooks(), add("A"), add("A"), add("B"), on_error="continueOnError")

    assert statuses(response) == ["0", "3100", "0"]


@pytest.mark.parametrize("on_error", ["stopOnError", "rollbackOnError"])
def test_it_stops_at_an_error_if_told_so(on_error: str) -> None:
    quickbooks = QuickBooks()

    response = answer(quickbooks, add("A"), add("A", request_id="2"), add("B", request_id="3"), on_error=on_error)

    assert statuses(response) == ["0", "3100", "3231"]
    assert [each.get("requestID") for each in response] == ["1", "2", "3"]
    assert [each.name for each in quickbooks.items] == ["A"]


def test_a_warning_stops_nothing() -> None:
    response = answer(QuickBooks(), query("Item", "<FullName>No</FullName>"), add(), on_error="stopOnError")

    assert statuses(response) == ["500", "0"]


def test_a_request_without_id_is_answered_without() -> None:
    assert only(QuickBooks(), query("Account")).get("requestID") == ""


def test_one_unreadable_request_spoils_the_message() -> None:
    quickbooks = QuickBooks()

    with pytest.raises(QBError) as caught:
        answer(quickbooks, add("A"), add("x" * 32), newMessageSetID="x")

    assert caught.value.hresult == "0x80040400"
    assert (quickbooks.items, quickbooks.journal) == ([], [])
    assert answer(quickbooks, newMessageSetID="x").get("messageSetStatusCode") == "600"


def test_the_journal_has_every_request_that_was_tried() -> None:
    quickbooks = QuickBooks()

    answer(quickbooks, add("A", request_id="1"), add("A", request_id="2"), newMessageSetID="x")
    answer(quickbooks, query("Item"))

    assert [(each.kind, each.request_id, each.status, each.message_set_id) for each in quickbooks.journal] == [
        ("ItemServiceAddRq", "1", 0, "x"),
        ("ItemServiceAddRq", "2", 3100, "x"),
        ("ItemQueryRq", "", 0, None),
    ]
    assert [each.list_id for each in quickbooks.journal] == [quickbooks.items[0].list_id, None, None]
    assert "<Name>A</Name>" in quickbooks.journal[0].xml


# Changing


def test_a_change_changes_what_it_names() -> None:
    quickbooks = hillside()
    item = quickbooks.item("03:10")
    old = item.edit_sequence
    side = "<SalesOrPurchaseMod><Desc>Rebar</Desc></SalesOrPurchaseMod>"

    response = only(quickbooks, modify(item, f"<Name>11</Name><IsActive>false</IsActive>{side}"))

    assert response.get("statusCode") == "0"
    assert (item.full_name, item.is_active, item.sales_desc) == ("03:11", False, "Rebar")
    assert item.income_account == "Construction Income"
    assert int(item.edit_sequence) > int(old)
    assert response.findtext("ItemServiceRet/EditSequence") == item.edit_sequence


def test_an_empty_element_clears_the_field() -> None:
    quickbooks = hillside()
    item = quickbooks.change_item(quickbooks.item("03"), sales_desc="Concrete")

    only(quickbooks, modify(item, "<SalesOrPurchaseMod><Desc/></SalesOrPurchaseMod>"))

    assert item.sales_desc is None


def test_a_new_name_of_the_parent_is_a_new_full_name_below() -> None:
    quickbooks = hillside()

    only(quickbooks, modify(quickbooks.item("03"), "<Name>04</Name>"))

    assert quickbooks.item("04:10").sublevel == 1


def test_the_same_change_twice_is_refused_the_second_time() -> None:
    quickbooks = hillside()
    change = modify(quickbooks.item("03"), "<Name>04</Name>")

    assert statuses(answer(quickbooks, change, change)) == ["0", "3200"]


def test_whether_sides_may_change_can_be_set() -> None:
    quickbooks = hillside()
    quickbooks.mod_may_switch_sides = True
    item = quickbooks.item("03")

    response = only(quickbooks, modify(item, TWO_SIDES.replace("SalesAndPurchase", "SalesAndPurchaseMod")))

    assert response.get("statusCode") == "0"
    assert (item.is_two_sided, item.expense_account) == (True, "Job Costs")


# By hand


def test_a_change_by_hand_makes_the_edit_sequence_old() -> None:
    quickbooks = hillside()
    change = modify(quickbooks.item("03"), "<Name>04</Name>")

    quickbooks.change_item(quickbooks.item("03"), sales_desc="By hand")

    assert only(quickbooks, change).get("statusCode") == "3200"


def test_a_used_account_is_not_deleted() -> None:
    quickbooks = hillside()

    with pytest.raises(AssertionError, match="keeps used accounts"):
        quickbooks.delete_account("Construction Income")


def test_a_deleted_item_gives_its_name_free() -> None:
    quickbooks = hillside()
    quickbooks.delete_item(quickbooks.item("Nails"))

    assert only(quickbooks, add("nails")).get("statusCode") == "0"
