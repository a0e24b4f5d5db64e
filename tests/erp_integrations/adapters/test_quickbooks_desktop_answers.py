"""What the QuickBooks Desktop adapter makes of answers, to the letter."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from erp_integrations.base import (
    AccountKind,
    Exported,
    GLAccountData,
    NotSent,
    Refused,
    Uncertain,
)
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.pull import NothingStored
from tests.erp_integrations.adapters.quickbooks_wire import (
    CODE,
    FLAT,
    PLAIN,
    TIERED,
    added,
    answer,
    found,
    outcome,
    ret,
)

pytestmark = pytest.mark.once


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


@pytest.mark.parametrize("status", [1030, 3250, 3260, 3261, 3262, 3263, 3270])
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
