"""Whatever arrives as an answer of QuickBooks: it is read, or an ERPError says why not; nothing else is ever raised."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given

from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.base import CodeData, Exported
from erp_integrations.errors import ERPError
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.mutations import mutations

pytestmark = pytest.mark.once

ADAPTERS = [QuickBooksDesktopAdapter(1, {"item_names": names}, {}) for names in ("code", "tiers")]
BOOKS = QuickBooks(owner_id=f"{{{OWNER_ID}}}", file_id="{7B0A6C1E-93B5-4C53-8E9F-0D3F6C0A7711}")
INCOME, EXPENSE = (BOOKS.account(name).list_id for name in ("Construction Income", "Job Costs:Materials & Supplies"))
CODES = [CodeData(f"c-{n}", f"01-{n}00", "Béton & <b>", ("01", f"{n}00"), INCOME, EXPENSE) for n in range(3)]
DIVISION = CodeData("c-9", "01", "General", ("01",), INCOME, EXPENSE)
READERS: dict[str, Callable[[QuickBooksDesktopAdapter, str], object]] = {
    "greeting": lambda adapter, text: adapter.read_greeting(text),
    "accounts": lambda adapter, text: adapter.read_accounts(text),
    "found": lambda adapter, text: adapter.read_found(CODES, text),
    "outcomes": lambda adapter, text: adapter.read_outcomes(CODES, text),
}


def sound_answers() -> list[str]:
    answers = [BOOKS.host_response(), BOOKS.run(ADAPTERS[0].accounts_message())]
    for adapter in ADAPTERS:
        answers.append(BOOKS.run(adapter.export_message([DIVISION, *CODES], "A" * 22)))
        answers.append(BOOKS.run(adapter.find_message(CODES)))
    return answers


ANSWERS = sound_answers()


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("adapter", ADAPTERS, ids=["code", "tiers"])
@given(text=mutations(*ANSWERS))
def test_an_answer_is_read_or_refused(
    adapter: QuickBooksDesktopAdapter, reader: Callable[..., object], text: str
) -> None:
    with suppress(ERPError):
        reader(adapter, text)


@pytest.mark.parametrize(("reader", "answer"), [("greeting", 0), ("accounts", 1), ("found", 3), ("outcomes", 2)])
def test_sound_ones_are_read(reader: str, answer: int) -> None:
    """Else the mutations would be of nothing."""
    assert READERS[reader](ADAPTERS[0], ANSWERS[answer])


@given(text=mutations(ANSWERS[2]))
def test_no_code_that_was_not_asked_about_is_reported(text: str) -> None:
    with suppress(ERPError):
        outcomes = ADAPTERS[0].read_outcomes(CODES, text)
        assert {outcome.reference for outcome in outcomes} <= {code.reference for code in CODES}
        assert all(outcome.receipt.remote_id for outcome in outcomes if isinstance(outcome, Exported))
