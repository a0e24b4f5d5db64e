"""What the company file answers to queries."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.quickbooks.cases import add, hillside, query
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.lists import TYPES_WITH_TIERS
from tests.quickbooks.reading import answer, names, only, statuses, tags

pytestmark = pytest.mark.once


def test_the_whole_chart_comes_in_one_answer() -> None:
    quickbooks = QuickBooks()

    response = only(quickbooks, query("Account", "<ActiveStatus>All</ActiveStatus>"))

    assert names(response) == [each.full_name for each in quickbooks.accounts]
    assert [each.findtext("AccountNumber") for each in response] == [each.number for each in quickbooks.accounts]


def test_an_account_is_written_in_the_documented_order() -> None:
    quickbooks = QuickBooks()
    quickbooks.add_account("Job Costs:Crane", "CostOfGoodsSold", number="5099", desc="Hired")

    (ret,) = only(quickbooks, query("Account", "<FullName>Job Costs:Crane</FullName>"))

    assert tags(ret) == [
        "ListID",
        "TimeCreated",
        "TimeModified",
        "EditSequence",
        "Name",
        "FullName",
        "IsActive",
        "ParentRef",
        "Sublevel",
        "AccountType",
        "AccountNumber",
        "Desc",
        "Balance",
        "TotalBalance",
        "CashFlowClassification",
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", {"03", "03:10", "Two", "Nails"}),
        ("<ActiveStatus>InactiveOnly</ActiveStatus>", {"Old"}),
        ("<ActiveStatus>All</ActiveStatus>", {"03", "03:10", "Old", "Two", "Nails"}),
        ("<NameFilter><MatchCriterion>StartsWith</MatchCriterion><Name>03</Name></NameFilter>", {"03", "03:10"}),
        ("<NameFilter><MatchCriterion>EndsWith</MatchCriterion><Name>O</Name></NameFilter>", {"Two"}),
        ("<NameFilter><MatchCriterion>Contains</MatchCriterion><Name>AIL</Name></NameFilter>", {"Nails"}),
        ("<NameRangeFilter><FromName>n</FromName><ToName>o</ToName></NameRangeFilter>", {"Nails"}),
        ("<FullName>nails</FullName><FullName>OLD</FullName>", {"Nails", "Old"}),
    ],
)
def test_filters(asked: str, found: set[str]) -> None:
    assert set(names(only(hillside(), query("Item", asked)))) == found


def test_item_query_returns_items_of_all_types_and_service_query_only_its_own() -> None:
    quickbooks = QuickBooks()
    for kind in TYPES_WITH_TIERS:
        quickbooks.add_item(kind, f"An {kind}")
    quickbooks.add_item("Subtotal", "Sum")

    every, service = answer(quickbooks, query("Item"), query("ItemService"))

    assert tags(every) == [f"Item{kind}Ret" for kind in (*TYPES_WITH_TIERS, "Subtotal")]
    assert tags(service) == ["ItemServiceRet"]
    assert (every[-1].findtext("Name"), every[-1].find("FullName")) == ("Sum", None)


def test_accounts_can_be_asked_by_type() -> None:
    response = only(
        QuickBooks(), query("Account", "<AccountType>OtherIncome</AccountType><AccountType>Equity</AccountType>")
    )

    assert set(names(response)) == {"Owner's Equity", "Interest Income"}


def test_only_what_was_modified_since() -> None:
    quickbooks = QuickBooks()
    since = quickbooks.accounts[-1].modified + timedelta(seconds=1)
    quickbooks.deactivate_account("Small Tools")
    asked = f"<ActiveStatus>All</ActiveStatus><FromModifiedDate>{since.isoformat()}</FromModifiedDate>"

    assert names(only(quickbooks, query("Account", asked))) == ["Small Tools"]


@pytest.mark.parametrize(
    ("asked", "status", "severity", "count"),
    [
        ("<NameFilter><MatchCriterion>Contains</MatchCriterion><Name>?</Name></NameFilter>", "1", "Info", 0),
        ("<FullName>03</FullName><FullName>No</FullName>", "500", "Warn", 1),
        ("<FullName>No</FullName>", "500", "Warn", 0),
        ("<ListID>80000999-1</ListID>", "3120", "Error", 0),
        ("<ListID>three</ListID>", "3000", "Error", 0),
    ],
)
def test_a_query_tells_what_it_did_not_find(asked: str, status: str, severity: str, count: int) -> None:
    response = only(hillside(), query("Item", asked))

    assert (response.get("statusCode"), response.get("statusSeverity"), len(response)) == (status, severity, count)


def test_of_several_ids_those_known_are_returned() -> None:
    quickbooks = hillside()
    known = quickbooks.item("Two").list_id

    response = only(quickbooks, query("Item", f"<ListID>{known}</ListID><ListID>80000999-1</ListID>"))

    assert (response.get("statusCode"), names(response)) == ("500", ["Two"])


def test_whether_a_name_finds_inactive_items_can_be_set() -> None:
    quickbooks = hillside()
    quickbooks.names_find_inactive = False

    assert only(quickbooks, query("Item", "<FullName>Old</FullName>")).get("statusCode") == "500"


def test_the_most_returned_cuts_off() -> None:
    assert len(only(QuickBooks(), query("Account", "<MaxReturned>7</MaxReturned>"))) == 7


def test_only_the_elements_asked_for() -> None:
    asked = "<IncludeRetElement>Name</IncludeRetElement><IncludeRetElement>ListID</IncludeRetElement>"

    assert tags(only(QuickBooks(), query("Account", asked))[0]) == ["ListID", "Name"]


@pytest.mark.parametrize(
    ("meta", "count", "elements"),
    [("NoMetaData", None, True), ("MetaDataOnly", "4", False), ("MetaDataAndResponseData", "4", True)],
)
def test_it_counts_for_those_who_ask(meta: str, count: str | None, elements: bool) -> None:
    response = only(hillside(), query("Item", attributes=f'metaData="{meta}"'))

    assert (response.get("retCount"), len(response) > 0) == (count, elements)


def test_response_data_can_be_left_out() -> None:
    response = answer(QuickBooks(), add(), responseData="includeNone")

    assert (statuses(response), len(response[0])) == (["0"], 0)


def test_an_iterator_brings_all_in_portions() -> None:
    quickbooks, found, step = hillside(), [], 'iterator="Start"'

    for left in ("2", "0"):
        response = only(quickbooks, query("Item", "<MaxReturned>2</MaxReturned>", step))
        found += names(response)
        assert response.get("iteratorRemainingCount") == left
        step = f'iterator="Continue" iteratorID="{response.get("iteratorID")}"'

    assert found == ["03", "03:10", "Two", "Nails"]
    assert only(quickbooks, query("Item", "<MaxReturned>2</MaxReturned>", step)).get("statusCode") == "3120"


def test_an_iterator_ends_with_its_session() -> None:
    quickbooks = hillside()
    first = only(quickbooks, query("Item", "<MaxReturned>1</MaxReturned>", 'iterator="Start"'))

    quickbooks.begin_session()

    step = f'iterator="Continue" iteratorID="{first.get("iteratorID")}"'
    assert only(quickbooks, query("Item", "<MaxReturned>1</MaxReturned>", step)).get("statusCode") == "3120"
