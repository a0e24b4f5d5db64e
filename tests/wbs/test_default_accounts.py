from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from companies.models import AuditEvent
from core import bulk
from erp_integrations.base import AccountKind
from erp_integrations.models import Connection
from tests import factories
from tests.meeting import Meeting
from tests.wbs.test_races import at_once
from wbs.lists.checking import NewCode
from wbs.models import DefaultAccounts, Segment, SegmentItem, default_accounts, keep_default_accounts

Found = dict[str, tuple[str | None, str | None]]


class Books:
    """A connection with accounts, and codes that may get them as their defaults."""

    def __init__(self) -> None:
        self.erp = factories.make_connection()
        self.dora = factories.make_dora()
        self.sales, self.fees = (factories.make_account(self.erp, number).pk for number in ("4000", "4100"))
        self.labor = factories.make_account(self.erp, "5000", AccountKind.EXPENSE).pk
        self.items = {code: factories.make_cost_code(code).pk for code in ("03", "03-100", "03-200")}

    def keep(self, **accounts: dict[str, int | None]) -> int:
        """`keep(**{"03-100": {"income_account": 1}})`."""
        wanted = {self.items[code]: fields for code, fields in accounts.items()}
        return keep_default_accounts(self.erp, wanted, self.dora.user)


@pytest.fixture
def books(db: None) -> Books:
    return Books()


def found(erp: Connection) -> Found:
    numbers = erp.default_accounts.values_list("item__full_code", "income_account__number", "expense_account__number")
    return {code: (income, expense) for code, income, expense in numbers}


def events() -> list[tuple[str, str, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("label", "old", "new"))


def both(income: int | None, expense: int | None) -> dict[str, int | None]:
    return {"income_account": income, "expense_account": expense}


def test_many_codes_get_theirs_at_once(books: Books) -> None:
    changed = books.keep(
        **{"03": both(books.sales, None), "03-100": both(books.fees, books.labor), "03-200": both(None, books.labor)}
    )

    assert changed == 3
    assert found(books.erp) == {"03": ("4000", None), "03-100": ("4100", "5000"), "03-200": (None, "5000")}


def test_only_what_is_named_changes(books: Books) -> None:
    books.keep(**{"03": both(books.sales, books.labor), "03-100": both(books.sales, None)})

    books.keep(**{"03": {"income_account": books.fees}, "03-100": {"expense_account": books.labor}, "03-200": {}})

    assert found(books.erp) == {"03": ("4100", "5000"), "03-100": ("4000", "5000")}


def test_none_is_inherited_again_and_a_row_that_says_nothing_goes(books: Books) -> None:
    books.keep(**{"03": both(books.sales, books.labor), "03-100": both(books.sales, None)})

    changed = books.keep(
        **{"03": {"expense_account": None}, "03-100": {"income_account": None}, "03-200": both(None, None)}
    )

    assert changed == 2
    assert found(books.erp) == {"03": ("4000", None)}


def test_what_is_there_is_updated_and_not_doubled(books: Books) -> None:
    books.keep(**{"03": both(books.sales, None)})
    row = DefaultAccounts.objects.get()

    assert books.keep(**{"03": both(books.fees, None)}) == 1
    assert books.keep(**{"03": both(books.fees, None)}) == 0

    assert DefaultAccounts.objects.get().pk == row.pk
    assert found(books.erp) == {"03": ("4100", None)}


def test_each_change_is_on_record_in_the_order_of_the_codes(books: Books) -> None:
    books.keep(**{"03-100": both(None, books.labor), "03": both(books.sales, None)})
    books.keep(**{"03-100": both(books.fees, books.labor), "03": both(books.sales, None)})
    books.keep(**{"03-100": both(None, None)})

    told = "Practice ERP: Default accounts of "
    labor = "Income: inherited; Expense: 5000 Account 5000"
    more = "Income: 4100 Account 4100; Expense: 5000 Account 5000"
    assert events() == [
        (f"{told}03", "", "Income: 4000 Account 4000; Expense: inherited"),
        (f"{told}03-100", "", labor),
        (f"{told}03-100", labor, more),
        (f"{told}03-100", more, "Income: inherited; Expense: inherited"),
    ]
    shared = ("company", "actor", "action", "subject", "subject_id", "batch_id", "answer")
    assert set(AuditEvent.objects.values_list(*shared)) == {
        (books.erp.company_id, books.dora.user_id, "connection.changed", "connection", books.erp.pk, None, "")
    }


def test_the_longest_code_still_has_its_event(books: Books) -> None:
    books.items["long"] = factories.make_cost_code("-".join(["x" * 80] * 3)).pk
    books.erp.name = "N" * 100

    assert books.keep(long=both(books.sales, None)) == 1

    assert len(AuditEvent.objects.get().label) == 255


@pytest.mark.parametrize("what", ["of another connection", "that is nobody's"])
def test_an_account_that_is_not_the_connections_is_refused_and_nothing_kept(books: Books, what: str) -> None:
    other = factories.make_connection(factories.make_company("Other", "other"))
    strange = factories.make_account(other, "4000").pk if what == "of another connection" else 999_999

    with pytest.raises(ValueError, match="no account with the id"):
        books.keep(**{"03": both(books.sales, None), "03-100": both(strange, None)})

    assert not DefaultAccounts.objects.exists()
    assert events() == []


@pytest.mark.parametrize("what", ["of another company", "of another segment", "deleted"])
def test_what_is_no_cost_code_of_the_company_is_passed_over(books: Books, what: str) -> None:
    strange = {
        "of another company": factories.make_segment(factories.make_company("Other", "other")),
        "of another segment": Segment.of(books.erp.company, "cost-types"),
        "deleted": factories.make_segment(),
    }[what]
    books.items["?"] = factories.make_cost_code("99", segment=strange).pk
    if what == "deleted":
        SegmentItem.objects.filter(pk=books.items["?"]).delete()

    changed = books.keep(**{"?": both(books.sales, None), "03": both(books.sales, None)})

    assert changed == 1
    assert found(books.erp) == {"03": ("4000", None)}


def test_other_connections_defaults_stay(books: Books) -> None:
    other = factories.make_connection(slug="other-erp")
    theirs = factories.make_account(other, "9000").pk
    keep_default_accounts(other, {books.items["03"]: both(theirs, None)}, None)
    books.keep(**{"03": both(books.sales, None)})

    books.keep(**{"03": both(None, None)})

    assert found(other) == {"03": ("9000", None)}
    assert found(books.erp) == {}


def queries(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def test_many_take_as_many_statements_as_few(books: Books) -> None:
    factories.make_segment().add_codes([NewCode((f"{place:05}",), "Many") for place in range(600)], "-", None)
    ids = list(SegmentItem.objects.filter(full_code__startswith="00").values_list("pk", flat=True))
    change: list[Callable[[int], dict[str, int | None]]] = [
        lambda place: both(books.sales if place % 2 else None, books.labor),
        lambda place: both(None if place % 3 else books.fees, None if place % 3 == 1 else books.labor),
    ]
    counts = []
    for part in (ids[:6], ids[6:]):
        for accounts in change:
            wanted = {pk: accounts(place) for place, pk in enumerate(part)}
            counts.append(queries(lambda wanted=wanted: keep_default_accounts(books.erp, wanted, None)))

    assert counts[:2] == counts[2:]
    assert AuditEvent.objects.filter(action="connection.changed").count() > 600


def test_more_than_one_portion_is_kept_whole(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bulk, default_accounts):
        monkeypatch.setattr(module, "PORTION", 2)
    every = {code: both(books.sales, None) for code in books.items}

    assert books.keep(**every) == 3
    assert books.keep(**{code: both(books.fees, books.labor) for code in every}) == 3

    assert found(books.erp) == dict.fromkeys(every, ("4100", "5000"))


def test_a_deleted_code_takes_its_defaults_along_and_counts_as_one(books: Books) -> None:
    books.keep(**{"03-100": both(books.sales, None)})

    outcome = factories.make_segment().delete_items([books.items["03-100"]], None)

    assert outcome.changed == 1
    assert not DefaultAccounts.objects.exists()


@pytest.mark.pg_only
@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    """PostgreSQL, real threads; both have read what is there before one of them writes, if nothing keeps one back."""

    @pytest.fixture
    def desk(self, monkeypatch: pytest.MonkeyPatch) -> Books:
        meeting, words = Meeting(), default_accounts._words

        def words_together(*given: Any) -> dict[int, str]:
            meeting.wait()
            return words(*given)

        monkeypatch.setattr(default_accounts, "_words", words_together)
        return Books()

    def test_control_without_the_lock_the_second_meets_the_databases_rule(
        self, desk: Books, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(default_accounts, "hold_default_accounts", lambda connection: None)

        outcomes = at_once(
            lambda: desk.keep(**{"03": both(desk.sales, None)}), lambda: desk.keep(**{"03": both(None, desk.labor)})
        )

        assert [type(outcome) for outcome in outcomes if outcome != 1] == [IntegrityError]

    def test_the_second_finds_what_the_first_has_kept(self, desk: Books) -> None:
        income, expense = {"income_account": desk.sales}, {"expense_account": desk.labor}

        outcomes = at_once(lambda: desk.keep(**{"03": income}), lambda: desk.keep(**{"03": expense}))

        assert outcomes == [1, 1]
        assert found(desk.erp) == {"03": ("4000", "5000")}
        assert events()[1][1] == events()[0][2], "the second tells what the first had left"
