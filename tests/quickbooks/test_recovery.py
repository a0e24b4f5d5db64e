"""Stored message sets: how a program learns what became of a message whose answer was lost."""

from __future__ import annotations

import pytest

from tests.quickbooks.cases import add, document
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.reading import answer, statuses

pytestmark = pytest.mark.once


def test_a_repeated_message_is_answered_from_store() -> None:
    quickbooks = QuickBooks()
    text = document(add("A"), add("A"), newMessageSetID="x")
    first = quickbooks.run(text)

    quickbooks.begin_session()

    assert quickbooks.run(text) == first
    assert 'newMessageSetID="x" messageSetStatusCode="0"' in first
    assert (len(quickbooks.items), len(quickbooks.journal)) == (1, 2)


def test_a_message_without_id_is_executed_again() -> None:
    quickbooks = QuickBooks()

    assert [statuses(answer(quickbooks, add("A"))) for _ in range(2)] == [["0"], ["3100"]]
    assert quickbooks.message_sets.stored == {}


def test_another_message_under_the_same_id_is_refused() -> None:
    quickbooks = QuickBooks()
    answer(quickbooks, add("A"), newMessageSetID="x")

    response = answer(quickbooks, add("B"), newMessageSetID="x")

    assert (response.get("messageSetStatusCode"), len(response)) == ("9001", 0)
    assert [each.name for each in quickbooks.items] == ["A"]


@pytest.mark.parametrize("old", [{}, {"oldMessageSetID": "x"}])
def test_an_empty_message_asks_what_became_of_it(old: dict[str, str]) -> None:
    quickbooks = QuickBooks()
    assert answer(quickbooks, newMessageSetID="x", **old).get("messageSetStatusCode") == "600"
    answer(quickbooks, add("A"), newMessageSetID="x")

    assert statuses(answer(quickbooks, newMessageSetID="x", **old)) == ["0"]
    assert statuses(answer(quickbooks, newMessageSetID="x", **old)) == ["0"]


def test_the_old_id_clears_while_the_new_is_executed() -> None:
    quickbooks = QuickBooks()
    answer(quickbooks, add("A"), newMessageSetID="x")

    response = answer(quickbooks, add("B"), newMessageSetID="y", oldMessageSetID="x")

    assert (response.get("messageSetStatusCode"), statuses(response)) == ("0", ["0"])
    assert set(quickbooks.message_sets.stored) == {"y"}


def test_an_old_id_that_is_not_stored_is_told() -> None:
    response = answer(QuickBooks(), add("B"), oldMessageSetID="x")

    assert (response.get("messageSetStatusCode"), statuses(response)) == ("600", ["0"])


def test_all_sets_can_be_cleared() -> None:
    quickbooks = QuickBooks()
    answer(quickbooks, add("A"), newMessageSetID="x")
    answer(quickbooks, add("B"), newMessageSetID="y")

    answer(quickbooks, oldMessageSetID="CLR-ALL-MSG-SETS")

    assert quickbooks.message_sets.stored == {}


@pytest.mark.parametrize("which", ["newMessageSetID", "oldMessageSetID"])
def test_an_id_of_25_is_refused_and_one_of_24_is_not(which: str) -> None:
    quickbooks = QuickBooks()

    assert statuses(answer(quickbooks, add("A"), **{which: "x" * 24})) == ["0"]
    response = answer(quickbooks, add("B"), **{which: "x" * 25})

    assert (response.get("messageSetStatusCode"), len(response)) == ("9004", 0)
    assert len(quickbooks.items) == 1


def test_another_company_file_has_nothing_stored() -> None:
    text = document(add("A"), newMessageSetID="x")
    QuickBooks().run(text)

    assert answer(QuickBooks("Other"), newMessageSetID="x").get("messageSetStatusCode") == "600"
