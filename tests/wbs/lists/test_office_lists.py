"""Lists as offices have them: each file is imported by whoever fills in the form, with no more choices than are named.

`office/expected.json` says of each file what must be stored, and what must be told with its row.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from erp_integrations.base import AccountKind
from erp_integrations.models import Connection
from tests.factories import make_account, make_connection, make_segment
from tests.wbs.import_page import ImportPage
from wbs.models import DefaultAccounts, SegmentItem

pytestmark = [pytest.mark.django_db, pytest.mark.either]

OFFICE = Path(__file__).parent / "office"
EXPECTED = json.loads((OFFICE / "expected.json").read_text())
ANY = "?"


@pytest.fixture
def books(db: None) -> Connection:
    """The practice books, synced."""
    connection = make_connection(make_segment().company)
    connection.sync_gl_accounts(None)
    return connection


@pytest.mark.parametrize("name", EXPECTED)
def test_a_list_comes_in_as_it_is(name: str, dora: Client, books: Connection) -> None:
    expected = EXPECTED[name]
    for number, account in expected.get("extra_accounts") or ():
        make_account(books, number, AccountKind.COST_OF_GOODS_SOLD, name=account)
    if before := expected.get("before"):
        ImportPage(dora).upload((OFFICE / before).read_bytes(), before).press_import()

    page = ImportPage(dora).upload((OFFICE / name.split("#")[0]).read_bytes(), name.split("#")[0])
    page.choose(expected["choices"])

    assert_told(page, expected["told"])
    page.press_import()
    assert_stored(expected)


def assert_told(page: ImportPage, told: list[str]) -> None:
    for each in told:
        where, _, texts = each.partition(": ")
        wanted = [text.casefold() for text in texts.split("|")]
        if where == "diff":
            old, _, new = texts.partition(" -> ")
            assert any(old in line and new in line for line in page.lines()), each
        elif where == "page":
            assert any(text in page.text.casefold() for text in wanted), each
        else:
            row = where.removeprefix("row ")
            lines = [line.casefold() for line in page.lines(row)]
            assert any(text in line for text in wanted for line in lines), (each, lines)


def assert_stored(expected: dict[str, Any]) -> None:
    found = {
        item.full_code: [item.description, *accounts_of(item), "Active" if item.is_active else "Inactive"]
        for item in SegmentItem.objects.all()
        if item.full_code not in (expected.get("free_codes") or ())
    }
    wanted = {}
    for code, description, income, expense, status in expected["stored"] or ():
        text = found[code][0] if description == ANY and code in found else description
        wanted[code] = [text, income, expense, status]
    wanted = {code: values for code, values in wanted.items() if code not in (expected.get("free_codes") or ())}
    assert found == wanted


def accounts_of(item: SegmentItem) -> list[str | None]:
    row = DefaultAccounts.objects.filter(item=item).first()
    accounts = (row.income_account, row.expense_account) if row else (None, None)
    return [str(account) if account else None for account in accounts]
