"""That the company file refuses what QuickBooks refuses, and that each rule is what does it: without it, it passes."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from lxml import etree

from tests.quickbooks import company, queries, recovery, rules, schema
from tests.quickbooks.cases import REFUSALS, UNREADABLE, Refusal, Unreadable, add, document, hillside, query
from tests.quickbooks.company import QBError, QuickBooks

pytestmark = pytest.mark.once

PRODUCT = {"companies", "config", "core", "erp_integrations", "exports", "wbs"}


def hresult(quickbooks: QuickBooks, text: str) -> str:
    try:
        quickbooks.run(text)
    except QBError as error:
        return error.hresult
    return ""


def statuses(quickbooks: QuickBooks, text: str) -> list[str]:
    return [each.get("statusCode") for each in etree.fromstring(quickbooks.run(text).encode())[0]]


def does_nothing(*words: object, **named: object) -> None:
    pass


def test_the_document_that_the_cases_vary_is_fine() -> None:
    quickbooks = hillside()

    assert statuses(quickbooks, document(add())) == ["0"]


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_it_refuses_a_document_whole(case: Unreadable) -> None:
    quickbooks = hillside()

    assert hresult(quickbooks, case.document) == case.hresult
    assert quickbooks.journal == []


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE)
def test_without_its_rule_the_document_would_not_be_refused(case: Unreadable, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(case.relaxed, tuple):
        strict, lax = case.relaxed
        assert strict in schema.XSD
        monkeypatch.setattr(schema, "XSD", schema.XSD.replace(strict, lax))
    else:
        monkeypatch.setattr(schema, case.relaxed, does_nothing)

    etree.XMLSchema(etree.fromstring(schema.XSD.encode()))  # a lax schema that is none would prove nothing
    assert outcome(case.document) != case.hresult


def outcome(text: str) -> str:
    """Of a company file in which a rule is missing, so that anything may happen."""
    try:
        return hresult(hillside(), text)
    except Exception as broke:
        return type(broke).__name__


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_it_refuses_one_request_and_goes_on(case: Refusal) -> None:
    quickbooks = hillside()
    request = case.request(quickbooks)
    items = [(each.full_name, each.modified) for each in quickbooks.items]

    assert statuses(quickbooks, document(request, query("Account"))) == [str(case.status), "0"]
    assert [(each.full_name, each.modified) for each in quickbooks.items] == items


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_without_its_rule_the_request_would_not_be_refused(case: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    quickbooks = hillside()
    request = case.request(quickbooks)
    monkeypatch.setattr(rules, case.rule, does_nothing)

    try:
        found = statuses(quickbooks, document(request))
    except Exception as broke:
        found = [type(broke).__name__]

    assert found != [str(case.status)]


def test_every_rule_has_its_case() -> None:
    here = {name for name, _ in inspect.getmembers(rules, inspect.isfunction) if _.__module__ == rules.__name__}

    assert {each.rule for each in REFUSALS.values()} == here


def test_every_check_of_a_document_has_its_case() -> None:
    checks = {name for name in vars(schema) if name.startswith("check_")}

    assert checks <= {each.relaxed for each in UNREADABLE.values()}


def set_status(quickbooks: QuickBooks, text: str) -> str | None:
    return etree.fromstring(quickbooks.run(text).encode())[0].get("messageSetStatusCode")


def test_without_the_length_of_its_id_a_message_set_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    too_long = document(add(), newMessageSetID="x" * 25)
    assert set_status(hillside(), too_long) == "9004"

    monkeypatch.setattr(recovery, "is_too_long", lambda message_set_id: False)

    assert set_status(hillside(), too_long) == "0"


def test_without_the_comparison_an_edited_message_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    quickbooks = hillside()
    quickbooks.run(document(add("A"), newMessageSetID="x"))
    assert set_status(quickbooks, document(add("B"), newMessageSetID="x")) == "9001"

    monkeypatch.setattr(recovery, "is_same", lambda stored, sent: True)

    assert set_status(quickbooks, document(add("B"), newMessageSetID="x")) == "0"


def test_without_message_sets_a_repeat_would_be_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = document(add(), newMessageSetID="x")
    quickbooks = hillside()
    assert [statuses(quickbooks, repeated) for _ in range(2)] == [["0"], ["0"]]

    monkeypatch.setattr(recovery.MessageSets, "answer", lambda self, message, execute: execute(message))

    assert statuses(quickbooks, repeated) == ["3100"]


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        ("has_status", "<ActiveStatus>InactiveOnly</ActiveStatus>"),
        ("was_modified", "<FromModifiedDate>2099-01-01</FromModifiedDate>"),
        ("is_named_so", "<NameFilter><MatchCriterion>StartsWith</MatchCriterion><Name>03</Name></NameFilter>"),
        ("passes", "<ActiveStatus>All</ActiveStatus><ToModifiedDate>2001-01-01</ToModifiedDate>"),
    ],
)
def test_without_its_part_a_filter_would_let_all_through(
    part: str, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickbooks, text = hillside(), document(query("Item", asked))
    before = quickbooks.run(text)

    monkeypatch.setattr(queries, part, lambda *words: True)

    assert quickbooks.run(text) != before


def test_without_a_session_an_iterator_would_live_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company.QuickBooks, "begin_session", does_nothing)
    quickbooks = hillside()
    first = quickbooks.run(document(query("Item", "<MaxReturned>1</MaxReturned>", 'iterator="Start"')))
    iterator_id = etree.fromstring(first.encode())[0][0].get("iteratorID")

    quickbooks.begin_session()

    follow = query("Item", "<MaxReturned>1</MaxReturned>", f'iterator="Continue" iteratorID="{iterator_id}"')
    assert statuses(quickbooks, document(follow)) == ["0"]  # test_company has it refused


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("*.py")), ids=lambda path: path.name)
def test_nothing_here_knows_the_product(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]

    assert {name.split(".")[0] for name in names} & PRODUCT == set()
    assert all(name.startswith("tests.quickbooks") for name in names if name.startswith("tests"))
