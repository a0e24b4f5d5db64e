"""The exact words that the QuickBooks Desktop adapter sends, and what it makes of answers to the letter."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.adapters.quickbooks_desktop.payload import guid_of
from erp_integrations.base import (
    AccountKind,
    CodeData,
    Exported,
    GLAccountData,
    NotSent,
    Outcome,
    Refused,
    Uncertain,
)
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.pull import NothingStored
from tests.quickbooks.schema import read

pytestmark = pytest.mark.once

FLAT = QuickBooksDesktopAdapter(1, {}, {})
TIERED = QuickBooksDesktopAdapter(1, {"item_names": "tiers", "codes_per_message": 50}, {})
CODE = CodeData("c0ffee-7", "01-0010", "Béton — 2″ & <b>", ("01", "0010"), "8000000A-17", "8000000B-17")
ONE_SIDED = replace(CODE, expense_account=None)
KEY, DONE = "A" * 22, "B" * 22
PROLOG = '<?xml version="1.0" encoding="utf-8"?><?qbxml version="13.0"?>'


def add(sides: str, name: str = "<Name>01-0010</Name>") -> str:
    guid = guid_of(CODE)
    return (
        f'{PROLOG}<QBXML><QBXMLMsgsRq onError="continueOnError" newMessageSetID="{KEY}">'
        f'<ItemServiceAddRq requestID="{guid.hex}"><ItemServiceAdd>{name}{sides}'
        f"<ExternalGUID>{{{guid}}}</ExternalGUID></ItemServiceAdd></ItemServiceAddRq></QBXMLMsgsRq></QBXML>"
    )


DESC = "B&#233;ton &#8212; 2&#8243; &amp; &lt;b&gt;"
ONE_SIDE = (
    f"<SalesOrPurchase><Desc>{DESC}</Desc><AccountRef><ListID>8000000A-17</ListID></AccountRef></SalesOrPurchase>"
)
TWO_SIDES = (
    f"<SalesAndPurchase><SalesDesc>{DESC}</SalesDesc><IncomeAccountRef><ListID>8000000A-17</ListID></IncomeAccountRef>"
    f"<PurchaseDesc>{DESC}</PurchaseDesc><ExpenseAccountRef><ListID>8000000B-17</ListID></ExpenseAccountRef>"
    "</SalesAndPurchase>"
)


def answer(*responses: str, status: str = "") -> str:
    told = f' messageSetStatusCode="{status}"' if status else ""
    return f'<?xml version="1.0" ?>\n<QBXML>\n<QBXMLMsgsRs{told}>\n{"".join(responses)}</QBXMLMsgsRs>\n</QBXML>\n'


def added(code: CodeData, status: int, words: str = "Status OK", ret: str = "", number: str | None = None) -> str:
    number = guid_of(code).hex if number is None else number
    return (
        f'<ItemServiceAddRs requestID="{number}" statusCode="{status}" statusSeverity="Info" '
        f'statusMessage="{words}">{ret}</ItemServiceAddRs>'
    )


def ret(code: CodeData, name: str = "", tag: str = "ItemServiceRet", **changes: str) -> str:
    held = {"list_id": "80000001-1", "guid": f"{{{guid_of(code)}}}".upper(), "sales": "Concrete", **changes}
    return (
        f"<{tag}><ListID>{held['list_id']}</ListID><Name>{name or code.code}</Name>"
        f"<FullName>{name or code.code}</FullName><IsActive>true</IsActive>"
        f"<SalesAndPurchase><SalesDesc>{held['sales']}</SalesDesc><SalesPrice>0.00</SalesPrice>"
        f"<IncomeAccountRef><ListID>{code.income_account}</ListID><FullName>Income</FullName></IncomeAccountRef>"
        f"<PurchaseDesc>{held.get('purchase', held['sales'])}</PurchaseDesc>"
        f"<ExpenseAccountRef><ListID>{code.expense_account}</ListID></ExpenseAccountRef></SalesAndPurchase>"
        f"<ExternalGUID>{held['guid']}</ExternalGUID></{tag}>"
    )


def found(*rets: str, inactive: str = "") -> str:
    status = 0 if inactive else 1
    return answer(
        f'<ItemQueryRs requestID="named" statusCode="500" statusSeverity="Warn" statusMessage="">{"".join(rets)}'
        "</ItemQueryRs>",
        f'<ItemQueryRs requestID="inactive" statusCode="{status}" statusMessage="">{inactive}</ItemQueryRs>',
    )


def outcome(status: int, words: str = "", code: CodeData = CODE, adapter: QuickBooksDesktopAdapter = FLAT) -> Outcome:
    [told] = adapter.read_outcomes([code], answer(added(code, status, words)))
    return told


PLAIN = replace(CODE, description="Concrete")

# Writing


def test_with_both_accounts_it_is_sold_and_purchased() -> None:
    assert FLAT.export_message([CODE], KEY) == add(TWO_SIDES)


def test_with_an_income_account_alone_it_has_one_side() -> None:
    assert FLAT.export_message([ONE_SIDED], KEY) == add(ONE_SIDE)


def test_tiers_hang_below_the_item_of_their_parent() -> None:
    name = "<Name>0010</Name><ParentRef><FullName>01</FullName></ParentRef>"

    assert TIERED.export_message([ONE_SIDED], KEY) == add(ONE_SIDE, name)


def test_parents_come_first_and_the_rest_keep_their_order() -> None:
    tiers = [("02", "1", "a"), ("01",), ("02", "1"), ("02",)]
    codes = [replace(CODE, reference="-".join(each), tiers=each) for each in tiers]

    names = re.findall("<Name>(.*?)</Name>", TIERED.export_message(codes, KEY))

    assert names == ["01", "02", "1", "a"]


def test_an_earlier_message_may_be_forgotten() -> None:
    assert f'newMessageSetID="{KEY}" oldMessageSetID="{DONE}"' in FLAT.export_message([CODE], KEY, DONE)
    assert "oldMessageSetID" not in FLAT.export_message([CODE], KEY)


@pytest.mark.parametrize("adapter", [FLAT, TIERED])
def test_every_message_is_plain_ascii_that_the_schema_allows(adapter: QuickBooksDesktopAdapter) -> None:
    messages = [
        adapter.accounts_message(),
        adapter.find_message([CODE, ONE_SIDED]),
        adapter.export_message([CODE, ONE_SIDED], KEY, DONE),
    ]

    for message in messages:
        assert message.isascii()
        assert message.startswith(PROLOG)
        read(message, "13.0")


def test_items_are_asked_for_by_name_and_inactive_ones_as_a_whole() -> None:
    message = TIERED.find_message([CODE])

    assert "<FullName>01:0010</FullName>" in message
    assert "<ActiveStatus>InactiveOnly</ActiveStatus>" in message
    assert "<FullName>01-0010</FullName>" in FLAT.find_message([CODE])


def test_a_guid_of_a_reference_never_changes() -> None:
    """It stands in company files: were it another tomorrow, we would not know our own items."""
    assert str(guid_of(CODE)) == "bc4c10bc-f71b-5ae5-8737-9a72a592955b"
    assert str(OWNER_ID) == "3d9ed4b1-6a6c-4b0f-8a52-7c1f0e5b9d24"


def test_a_code_without_an_income_account_is_never_sent() -> None:
    with pytest.raises(ValueError, match="01-0010 has no income account"):
        FLAT.export_message([replace(CODE, income_account=None)], KEY)


# Outcomes


def test_what_quickbooks_took_is_read_back() -> None:
    [told] = FLAT.read_outcomes([PLAIN], answer(added(PLAIN, 0, ret=ret(PLAIN))))

    assert isinstance(told, Exported)
    assert told.receipt.remote_id == "80000001-1"
    assert told.receipt.is_ours
    assert told.receipt.fits(PLAIN)


@pytest.mark.parametrize("status", [530, 531, 550, 560, 570])
def test_a_warning_is_a_success_if_the_item_is_shown(status: int) -> None:
    [told] = FLAT.read_outcomes([PLAIN], answer(added(PLAIN, status, ret=ret(PLAIN))))

    assert isinstance(told, Exported)
    assert isinstance(outcome(status), Uncertain)


@pytest.mark.parametrize("shown", ["", "<ItemServiceRet></ItemServiceRet>"])
def test_a_success_that_shows_no_item_is_uncertain(shown: str) -> None:
    [told] = FLAT.read_outcomes([CODE], answer(added(CODE, 0, ret=shown)))

    assert isinstance(told, Uncertain)


def test_an_item_that_came_out_otherwise_does_not_fit() -> None:
    for shown in (ret(PLAIN, name="01-0010X"), ret(PLAIN, sales="B?ton"), ret(PLAIN, purchase="another")):
        [told] = FLAT.read_outcomes([PLAIN], answer(added(PLAIN, 0, ret=shown)))

        assert isinstance(told, Exported)
        assert not told.receipt.fits(PLAIN)


def test_a_name_that_is_taken_is_looked_up() -> None:
    assert isinstance(outcome(3100, "The name is already in use."), Uncertain)


@pytest.mark.parametrize("status", [3000, 3120, 3140, 3240])
def test_an_account_that_is_gone_lets_the_accounts_be_read_again(status: int) -> None:
    told = outcome(status, "There is an invalid reference to QuickBooks Account.")

    assert isinstance(told, Refused)
    assert told.is_chart_stale
    assert told.detail == f"QuickBooks {status}: There is an invalid reference to QuickBooks Account."
    assert "invalid reference" not in told.message


@pytest.mark.parametrize("status", [1000, 1010, 3175, 3176, 3177, 3231])
def test_what_passes_is_not_sent(status: int) -> None:
    assert isinstance(outcome(status), NotSent)


def test_a_missing_parent_is_named() -> None:
    code = replace(CODE, code="01-02-03", tiers=("01", "02", "03"))

    told = outcome(3130, code=code, adapter=TIERED)

    assert isinstance(told, Refused)
    assert "the item 01:02 above it" in told.message
    assert isinstance(outcome(3130), Refused)


def test_quickbooks_own_words_go_to_the_detail() -> None:
    told = outcome(3180, "There was an error when saving a Items list. QuickBooks error message: 4711.")

    assert isinstance(told, Refused)
    assert "4711" in told.detail
    assert "4711" not in told.message


@pytest.mark.parametrize("status", [3250, 3260, 3261, 3262, 3263, 3270])
def test_a_missing_right_stops_the_connection(status: int) -> None:
    with pytest.raises(ConfigurationError):
        outcome(status)


def test_a_missing_right_for_one_code_does_not_take_the_success_of_another() -> None:
    other = replace(PLAIN, reference="c0ffee-8", code="01-0020")

    told = FLAT.read_outcomes([PLAIN, other], answer(added(PLAIN, 0, ret=ret(PLAIN)), added(other, 3250)))

    assert [type(each) for each in told] == [Exported, Refused]


def test_answers_are_matched_by_number_in_any_order() -> None:
    other = replace(PLAIN, reference="c0ffee-8", code="01-0020")

    told = FLAT.read_outcomes([PLAIN, other], answer(added(other, 3140), added(PLAIN, 0, ret=ret(PLAIN))))

    assert {each.reference: type(each) for each in told} == {"c0ffee-7": Exported, "c0ffee-8": Refused}


def test_without_numbers_they_are_matched_by_the_order_of_the_message() -> None:
    child, parent = replace(PLAIN, reference="child"), replace(PLAIN, reference="parent", code="01", tiers=("01",))
    responses = [added(parent, 3140, number=""), added(child, 1000, number="")]

    told = TIERED.read_outcomes([child, parent], answer(*responses))

    assert {each.reference: type(each) for each in told} == {"parent": Refused, "child": NotSent}
    assert TIERED.read_outcomes([child, parent], answer(responses[0])) == []


def test_a_code_that_the_answer_does_not_speak_of_has_no_outcome() -> None:
    other = replace(PLAIN, reference="c0ffee-8", code="01-0020")

    told = FLAT.read_outcomes([PLAIN, other], answer(added(other, 3140), added(PLAIN, 0, number="unknown")))

    assert [each.reference for each in told] == ["c0ffee-8"]


@pytest.mark.parametrize(
    ("status", "error"),
    [("600", NothingStored), ("9002", NothingStored), ("9004", NothingStored), ("9001", UncertainError)],
)
def test_a_message_set_without_its_answer_is_an_error(status: str, error: type[ERPError]) -> None:
    with pytest.raises(error):
        FLAT.read_outcomes([CODE], answer(status=status))


@pytest.mark.parametrize("status", ["0", "600", "9005"])
def test_answers_count_whatever_became_of_quickbooks_own_copy(status: str) -> None:
    """600 comes with answers too: when the earlier message that it may forget is forgotten already."""
    [told] = FLAT.read_outcomes([PLAIN], answer(added(PLAIN, 0, ret=ret(PLAIN)), status=status))

    assert isinstance(told, Exported)


def test_answers_to_another_message_under_this_name_do_not_count() -> None:
    with pytest.raises(UncertainError):
        FLAT.read_outcomes([PLAIN], answer(added(PLAIN, 0, ret=ret(PLAIN)), status="9001"))


@pytest.mark.parametrize("status", ["", "OK", "-1", "0x0", "٣", "9" * 10])
def test_a_status_that_is_no_number_is_uncertain(status: str) -> None:
    with pytest.raises(UncertainError):
        FLAT.read_outcomes([CODE], answer(f'<ItemServiceAddRs requestID="1" statusCode="{status}"/>'))


# Finding


def test_an_item_of_ours_is_known_by_its_guid_under_whatever_name() -> None:
    theirs = ret(PLAIN, list_id="80000002-2", guid="{00000000-0000-0000-0000-000000000001}")

    receipt = FLAT.read_found([PLAIN], found(theirs, ret(PLAIN, name="renamed")))["c0ffee-7"]

    assert receipt.is_ours
    assert receipt.code == "renamed"
    assert not receipt.fits(PLAIN)


def test_a_name_in_another_case_is_the_same_item_and_does_not_fit() -> None:
    code = replace(PLAIN, code="01-a")

    receipt = FLAT.read_found([code], found(ret(code, name="01-A")))["c0ffee-7"]

    assert receipt.code == "01-A"
    assert not receipt.fits(code)


def test_with_tiers_the_full_name_is_that_of_the_code() -> None:
    receipt = TIERED.read_found([PLAIN], found(ret(PLAIN, name="01:0010")))["c0ffee-7"]

    assert receipt.fits(PLAIN)


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("ItemInventoryRet", "It is an inventory part in QuickBooks; only Service items can be linked."),
        ("ItemGroupRet", "It is a group in QuickBooks"),
        ("ItemNewKindRet", "It is an item of another type in QuickBooks"),
    ],
)
def test_an_item_of_another_type_says_why_it_cannot_be_linked(tag: str, words: str) -> None:
    shown = f"<{tag}><ListID>8-1</ListID><Name>01-0010</Name></{tag}>"

    receipt = FLAT.read_found([PLAIN], found(shown))["c0ffee-7"]

    assert words in receipt.obstacle
    assert not receipt.fits(PLAIN)


def test_an_inactive_item_that_the_query_by_name_left_out_is_found() -> None:
    shown = (
        "<ItemServiceRet><ListID>8-1</ListID><FullName>01-0010</FullName><IsActive>false</IsActive></ItemServiceRet>"
    )

    receipt = FLAT.read_found([PLAIN], found(inactive=shown))["c0ffee-7"]

    assert not receipt.is_active
    assert not receipt.is_ours


def test_half_an_answer_makes_nothing_absent() -> None:
    whole = found()

    with pytest.raises(UncertainError):
        FLAT.read_found([PLAIN], re.sub('<ItemQueryRs requestID="inactive".*?</ItemQueryRs>', "", whole))


@pytest.mark.parametrize(
    ("status", "error"),
    [(1000, TransientError), (3175, TransientError), (3261, ConfigurationError), (3030, UncertainError)],
)
def test_a_question_that_was_not_answered_is_an_error(status: int, error: type[ERPError]) -> None:
    told = answer(f'<AccountQueryRs statusCode="{status}" statusMessage="No &amp; never"/>')

    with pytest.raises(error) as caught:
        FLAT.read_accounts(told)

    assert caught.value.detail == f"QuickBooks {status}: No & never"


# Accounts


def test_accounts_are_read_with_their_full_names_and_our_kinds() -> None:
    rows = [
        ("1-1", "Income:Labor", "Income", "4010", "true"),
        ("1-2", "Other", "OtherIncome", "", "true"),
        ("1-3", "Job", "CostOfGoodsSold", "5000", "false"),
        ("1-4", "Café", "Expense", "6000", "1"),
        ("1-5", "Fees", "OtherExpense", "8000", "0"),
        ("1-6", "Bank", "Bank", "1000", "true"),
        ("1-7", "Estimates", "NonPosting", "", "true"),
    ]
    shown = "".join(
        f"<AccountRet><ListID>{key}</ListID><FullName>{name}</FullName><IsActive>{active}</IsActive>"
        f"<AccountType>{kind}</AccountType>{f'<AccountNumber>{number}</AccountNumber>' if number else ''}</AccountRet>"
        for key, name, kind, number, active in rows
    )

    accounts = FLAT.read_accounts(answer(f'<AccountQueryRs statusCode="0" statusMessage="">{shown}</AccountQueryRs>'))

    assert accounts[0] == GLAccountData("1-1", "4010", "Income:Labor", AccountKind.INCOME)
    assert accounts[1].number is None
    assert [account.kind.value for account in accounts] == [
        *("income", "other_income", "cost_of_goods_sold", "expense", "other_expense", "other", "other")
    ]
    assert [account.is_active for account in accounts] == [True, True, False, True, False, True, True]


def test_an_account_without_an_id_makes_the_answer_unreadable() -> None:
    with pytest.raises(UncertainError):
        FLAT.read_accounts(answer('<AccountQueryRs statusCode="0"><AccountRet/></AccountQueryRs>'))


# Greeting


def greeting(product: str = "QuickBooks Enterprise Solutions 24.0", versions: str = "12.0 13.0 16.0") -> str:
    told = "".join(f"<SupportedQBXMLVersion>{version}</SupportedQBXMLVersion>" for version in versions.split())
    return f"""<?xml version="1.0" ?><QBXML><QBXMLMsgsRs><HostQueryRs statusCode="0"><HostRet>
      <ProductName>{product}</ProductName><MajorVersion>34</MajorVersion><MinorVersion>1</MinorVersion>
      <Country>US</Country>{told}</HostRet></HostQueryRs><CompanyQueryRs statusCode="0"><CompanyRet>
      <CompanyName>Béton &amp; Sons</CompanyName>
      <DataExtRet><OwnerID>{{00000000-0000-0000-0000-000000000001}}</OwnerID><DataExtName>FileID</DataExtName>
        <DataExtValue>{{11111111-0000-0000-0000-000000000001}}</DataExtValue></DataExtRet>
      <DataExtRet><OwnerID>{str(OWNER_ID).upper()}</OwnerID><DataExtName>FileID</DataExtName>
        <DataExtValue>{{ABCDEF00-0000-0000-0000-000000000002}}</DataExtValue></DataExtRet>
      </CompanyRet></CompanyQueryRs></QBXMLMsgsRs></QBXML>"""


def test_the_greeting_tells_company_version_and_what_we_stamped_into_the_file() -> None:
    books = FLAT.read_greeting(greeting())

    assert books.company == "Béton & Sons"
    assert books.version == "QuickBooks Enterprise Solutions 24.0"
    assert books.owner_key == "abcdef00-0000-0000-0000-000000000002"


def test_a_file_that_we_stamped_nothing_into_says_so() -> None:
    assert FLAT.read_greeting("<QBXML><CompanyRet><CompanyName>A</CompanyName></CompanyRet></QBXML>").owner_key == ""


def test_a_product_without_a_number_has_its_version_added() -> None:
    assert FLAT.read_greeting(greeting("QuickBooks Pro")).version == "QuickBooks Pro 34.1"


@pytest.mark.parametrize("versions", ["12.0", "1.0 2.0 9.0", "CA3.0", "6.1"])
def test_a_quickbooks_that_is_too_old_is_refused_with_what_to_do(versions: str) -> None:
    with pytest.raises(ConfigurationError, match="Update it"):
        FLAT.read_greeting(greeting(versions=versions))


@pytest.mark.parametrize("versions", ["", "13.0", "9.0 100.0", "CA3.0 14.0"])
def test_a_newer_one_or_one_that_tells_no_versions_is_taken(versions: str) -> None:
    assert FLAT.read_greeting(greeting(versions=versions)).company
