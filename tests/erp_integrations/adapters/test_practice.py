from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from erp_integrations.adapters.practice import adapter as practice
from erp_integrations.adapters.practice.adapter import PracticeAdapter
from erp_integrations.adapters.practice.behaviour import Behaviour
from erp_integrations.adapters.practice.books import INCOME_KINDS, Books
from erp_integrations.adapters.practice.chart import CHART
from erp_integrations.adapters.practice.models import PracticeAccount, PracticeItem
from erp_integrations.base import AccountKind, CodeData, Exists, Exported, NotSent, Refused, Uncertain
from erp_integrations.conformance import Item, UpdateConformance
from erp_integrations.errors import ConfigurationError, TransientError, UncertainError

pytestmark = pytest.mark.django_db
BOOKS = 7


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practice, "SLOW_S", 0.05)


class TestConformance(UpdateConformance):
    company = "Practice Books"

    def adapter(self) -> PracticeAdapter:
        return PracticeAdapter(BOOKS, {}, {})

    def wrong_adapter(self) -> PracticeAdapter:
        return PracticeAdapter(BOOKS, {"behaviour": "wrong_credentials"}, {})

    def items(self, code: str) -> list[Item]:
        return [
            Item(i.code, i.name, str(i.income_account_id), str(i.expense_account_id) if i.expense_account else None)
            for i in PracticeItem.objects.filter(books=BOOKS, code=code).select_related("expense_account")
        ]

    def make_item(self, code: CodeData) -> None:
        assert Books(BOOKS).add([code], by_hand=True) == {}

    def archive_item(self, code: str) -> None:
        PracticeItem.objects.filter(books=BOOKS, code=code).update(is_active=False)


def make_adapter(behaviour: str = "normal") -> PracticeAdapter:
    adapter = PracticeAdapter(BOOKS, {"behaviour": behaviour}, {})
    Books(BOOKS).open()
    return adapter


def account(kind: AccountKind = AccountKind.INCOME, *, is_active: bool = True) -> str:
    return str(PracticeAccount.objects.filter(books=BOOKS, kind=kind, is_active=is_active).order_by("number")[0].pk)


def make_codes(count: int = 1, description: str = "Concrete", **values: str | None) -> list[CodeData]:
    values = {"income_account": account(), **values}
    return [CodeData(f"7-{n}", f"03-{n}00", description, **values) for n in range(1, count + 1)]


def held() -> set[str]:
    return set(PracticeItem.objects.filter(books=BOOKS).values_list("code", flat=True))


def test_the_chart_has_all_kinds_balance_sheet_and_inactive_accounts() -> None:
    assert len(CHART) >= 60
    assert {entry.kind for entry in CHART} == set(AccountKind)
    assert any(not entry.is_active for entry in CHART)
    assert len({entry.number for entry in CHART}) == len(CHART)


def test_opening_books_again_keeps_their_chart() -> None:
    adapter = make_adapter()
    PracticeAccount.objects.filter(books=BOOKS, number="4000").update(is_active=False)

    accounts = {entry.number: entry for entry in adapter.fetch_gl_accounts()}

    assert len(accounts) == len(CHART)
    assert not accounts["4000"].is_active


def test_each_connection_has_books_of_its_own() -> None:
    make_adapter().export_codes(make_codes())

    assert PracticeAdapter(BOOKS + 1, {}, {}).find(make_codes()) == {}


def test_checking_writes_nothing() -> None:
    assert str(PracticeAdapter(0, {}, {}).check()) == "Connected to Practice Books (Practice ERP 1.0)"
    assert not PracticeAccount.objects.exists()


def test_codes_that_differ_in_case_alone_are_the_same() -> None:
    adapter = make_adapter()
    [code] = make_codes()
    adapter.export_codes([replace(code, code="03-Straße")])

    [outcome] = adapter.export_codes([replace(code, reference="7-2", code="03-STRASSE")])

    assert isinstance(outcome, Exists)
    assert held() == {"03-Straße"}


def test_two_codes_of_one_call_that_differ_in_case_alone_are_not_both_taken() -> None:
    adapter = make_adapter()
    first, second = make_codes(2)

    outcomes = adapter.export_codes([replace(first, code="03-a"), replace(second, code="03-A")])

    assert [type(outcome) for outcome in outcomes] == [Exported, Exists]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"code": "1" * 41}, "1 to 40 characters"),
        ({"code": ""}, "1 to 40 characters"),
        ({"description": "x" * 121}, "1 to 120 characters"),
        ({"description": " "}, "1 to 120 characters"),
        ({"income_account": None}, "no such account"),
        ({"income_account": "999999999"}, "no such account"),
        ({"expense_account": "none"}, "no such account"),
    ],
)
def test_it_is_strict(values: dict[str, str | None], words: str) -> None:
    adapter = make_adapter()

    [outcome] = adapter.export_codes([replace(make_codes()[0], **values)])

    assert isinstance(outcome, Refused)
    assert words in outcome.message
    assert held() == set()


def test_it_refuses_inactive_accounts() -> None:
    adapter = make_adapter()

    [outcome] = adapter.export_codes(make_codes(income_account=account(is_active=False)))

    assert isinstance(outcome, Refused)
    assert "is inactive" in outcome.message


@pytest.mark.parametrize("field", ["income_account", "expense_account"])
def test_it_refuses_accounts_of_the_balance_sheet(field: str) -> None:
    adapter = make_adapter()

    [outcome] = adapter.export_codes(make_codes(**{field: account(AccountKind.OTHER)}))

    assert isinstance(outcome, Refused)
    assert "of another kind" in outcome.message


def test_income_may_be_of_any_kind_of_profit_and_loss_but_expense_may_not_be_income() -> None:
    adapter = make_adapter()

    for kind in INCOME_KINDS:
        assert adapter.find(make_codes()) == {}
        assert isinstance(adapter.export_codes(make_codes(income_account=account(kind)))[0], Exported)
        PracticeItem.objects.all().delete()

    assert isinstance(adapter.export_codes(make_codes(expense_account=account()))[0], Refused)


def test_an_account_of_other_books_is_unknown() -> None:
    Books(BOOKS + 1).open()
    foreign = str(PracticeAccount.objects.filter(books=BOOKS + 1, kind="income")[0].pk)

    [outcome] = make_adapter().export_codes(make_codes(income_account=foreign))

    assert isinstance(outcome, Refused)


@pytest.mark.django_db(transaction=True)
def test_it_is_never_called_inside_a_transaction_of_the_caller() -> None:
    adapter = make_adapter()

    for ask in (adapter.fetch_gl_accounts, lambda: adapter.find(make_codes()), lambda: adapter.export_codes([])):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            ask()


def test_a_call_takes_the_same_few_queries_for_any_number_of_codes() -> None:
    adapter = make_adapter()

    def queries(count: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            adapter.export_codes([replace(code, reference=f"{count}{code.reference}") for code in make_codes(count)])
        return len(captured)

    assert queries(1) == queries(50) <= 10


# Told to fail: the whole connection


@pytest.mark.parametrize(
    ("behaviour", "outcomes", "kept"),
    [
        ("normal", [Exported, Exported, Exported, Exported], 4),
        ("slow", [Exported, Exported, Exported, Exported], 4),
        ("refuse", [Refused, Refused, Refused, Refused], 0),
        ("refuse_third", [Exported, Exported, Refused, Exported], 3),
        ("exists", [Exists, Exists, Exists, Exists], 4),
        ("uncertain", [Uncertain, Uncertain, Uncertain, Uncertain], 4),
        ("busy", [NotSent, NotSent, NotSent, NotSent], 0),
        ("partial", [Exported, Exported], 4),
    ],
)
def test_it_answers_as_it_is_told(behaviour: str, outcomes: list[type], kept: int) -> None:
    adapter = make_adapter(behaviour)

    assert [type(outcome) for outcome in adapter.export_codes(make_codes(4))] == outcomes
    assert len(held()) == kept


@pytest.mark.parametrize(
    ("behaviour", "error", "kept"),
    [
        ("down", TransientError, 0),
        ("wrong_credentials", ConfigurationError, 0),
        ("bug", RuntimeError, 0),
        ("no_answer", UncertainError, 2),
    ],
)
def test_it_fails_as_it_is_told(behaviour: str, error: type[Exception], kept: int) -> None:
    adapter = make_adapter(behaviour)

    with pytest.raises(error):
        adapter.export_codes(make_codes(2))

    assert len(held()) == kept


@pytest.mark.parametrize("behaviour", ["down", "wrong_credentials", "bug"])
def test_an_erp_that_cannot_be_reached_answers_nothing_at_all(behaviour: str) -> None:
    adapter = make_adapter(behaviour)

    for ask in (adapter.check, adapter.fetch_gl_accounts, lambda: adapter.find(make_codes())):
        with pytest.raises((TransientError, ConfigurationError, RuntimeError)):
            ask()


@pytest.mark.parametrize("behaviour", ["uncertain", "partial", "no_answer"])
def test_what_was_kept_without_an_answer_is_found_as_ours(behaviour: str) -> None:
    adapter = make_adapter(behaviour)
    codes = make_codes(2)
    with contextlib.suppress(UncertainError):
        adapter.export_codes(codes)

    found = make_adapter().find(codes)

    assert all(found[code.reference].is_ours and found[code.reference].fits(code) for code in codes)


def test_a_refused_third_code_goes_when_it_is_sent_alone() -> None:
    adapter = make_adapter("refuse_third")
    codes = make_codes(3)

    assert isinstance(adapter.export_codes(codes)[2], Refused)
    assert isinstance(adapter.export_codes(codes[2:])[0], Exported)


# Told to fail: one code, by a word in its description


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("[refuse]", Refused),
        ("[exists]", Exists),
        ("[uncertain]", Uncertain),
        ("[busy]", NotSent),
        ("[slow]", Exported),
        ("[REFUSE]", Refused),
    ],
)
def test_a_word_in_the_description_speaks_for_that_code_alone(word: str, expected: type) -> None:
    adapter = make_adapter()
    plain, marked = make_codes(2)

    outcomes = adapter.export_codes([plain, replace(marked, description=f"Concrete {word}")])

    assert [type(outcome) for outcome in outcomes] == [Exported, expected]


def test_a_busy_answer_says_when_to_come_back() -> None:
    [outcome] = make_adapter().export_codes(make_codes(description="[busy]"))

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after_s


def test_the_word_bug_fails_the_whole_call() -> None:
    with pytest.raises(RuntimeError):
        make_adapter().export_codes(make_codes(description="Concrete [bug]"))

    assert held() == set()


def test_slow_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(practice.time, "sleep", naps.append)

    make_adapter().export_codes(make_codes(description="[slow]"))
    make_adapter().export_codes(make_codes(description="Concrete"))

    assert naps == [0.05]


# Told to fail: updates


@pytest.mark.parametrize(
    ("behaviour", "outcomes", "renamed"),
    [
        ("refuse", [Refused, Refused, Refused], 0),
        ("refuse_third", [Exported, Exported, Refused], 2),
        ("exists", [Exists, Exists, Exists], 0),
        ("uncertain", [Uncertain, Uncertain, Uncertain], 3),
        ("busy", [NotSent, NotSent, NotSent], 0),
        ("partial", [Exported], 3),
        ("no_answer", [], 3),
        ("down", [], 0),
    ],
)
def test_updates_are_answered_as_it_is_told(behaviour: str, outcomes: list[type], renamed: int) -> None:
    codes = make_codes_that_are_there(3)
    answer = []

    with contextlib.suppress(UncertainError, TransientError):
        answer = make_adapter(behaviour).update_codes([replace(code, description="Renamed") for code in codes])

    assert [type(outcome) for outcome in answer] == outcomes
    assert PracticeItem.objects.filter(name="Renamed").count() == renamed
    assert PracticeItem.objects.count() == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"description": "x" * 121}, "A name has 1 to 120 characters"),
        ({"expense_account": "77777"}, "Expense account: there is no such account."),
        ({"remote_id": "77777"}, "The item is no longer in these books."),
        ({"remote_id": "no number"}, "The item is no longer in these books."),
    ],
)
def test_an_update_is_held_to_the_same_rules(values: dict[str, str], words: str) -> None:
    [code] = make_codes_that_are_there()

    [outcome] = make_adapter().update_codes([replace(code, **values)])

    assert isinstance(outcome, Refused)
    assert outcome.message.startswith(words)
    assert PracticeItem.objects.get().name == "Concrete"


def test_an_update_reaches_no_other_books() -> None:
    [code] = make_codes_that_are_there()

    [outcome] = PracticeAdapter(BOOKS + 1, {}, {}).update_codes([replace(code, description="Ha")])

    assert isinstance(outcome, Refused)
    assert PracticeItem.objects.get().name == "Concrete"


def make_codes_that_are_there(count: int = 1) -> list[CodeData]:
    adapter, codes = make_adapter(), make_codes(count)
    adapter.export_codes(codes)
    found = adapter.find(codes)
    return [replace(code, remote_id=found[code.reference].remote_id) for code in codes]


def test_every_behaviour_can_be_chosen() -> None:
    form = PracticeAdapter.options_form()

    assert [value for value, _ in form.base_fields["behaviour"].choices] == Behaviour.values
