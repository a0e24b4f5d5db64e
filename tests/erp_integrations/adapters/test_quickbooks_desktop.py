"""The QuickBooks Desktop adapter against an in-memory QuickBooks that runs qbXML and knows nothing of it."""

from __future__ import annotations

import pytest

from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.base import CodeData
from erp_integrations.conformance import Item, PullConformance
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.lists import Item as Held

pytestmark = pytest.mark.once

FILE_ID = "7B0A6C1E-93B5-4C53-8E9F-0D3F6C0A7711"


class TestQuickBooksConforms(PullConformance):
    options = {}
    names_find_inactive = True
    unknown_account = "80009999-1785958998"

    @pytest.fixture(autouse=True)
    def _company_file(self) -> None:
        self.books = QuickBooks(owner_id=f"{{{OWNER_ID}}}".upper(), file_id=f"{{{FILE_ID}}}")
        self.books.names_find_inactive = self.names_find_inactive

    def adapter(self) -> QuickBooksDesktopAdapter:
        return QuickBooksDesktopAdapter(1, self.options, {})

    def run(self, message: str) -> str:
        return self.books.run(message)

    def greeting(self) -> str:
        return self.books.host_response()

    def items(self, code: str) -> list[Item]:
        held = [item for item in self.books.items if item.full_name == code]
        return [Item(code, description(item), item.income_account_id, item.expense_account_id) for item in held]

    def make_item(self, code: CodeData) -> None:
        accounts = {account.list_id: account.full_name for account in self.books.accounts} | {None: None}
        self.books.add_item(
            "Service",
            code.code,
            income_account=accounts[code.income_account],
            expense_account=accounts[code.expense_account],
            sales_desc=code.description,
            purchase_desc=code.description,
        )

    def make_other_item(self, code: CodeData) -> None:
        self.books.add_item("Inventory", code.code, sales_desc=code.description)

    def archive_item(self, code: str) -> None:
        self.books.change_item(self.books.item(code), is_active=False)


class TestQuickBooksConformsWithTiers(TestQuickBooksConforms):
    options = {"item_names": "tiers", "codes_per_message": 7}


class TestQuickBooksConformsIfNamesFindNoInactiveItems(TestQuickBooksConforms):
    names_find_inactive = False


def description(item: Held) -> str:
    if item.is_two_sided and item.sales_desc != item.purchase_desc:
        return f"{item.sales_desc} and {item.purchase_desc}"
    return item.sales_desc or ""
