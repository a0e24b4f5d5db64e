"""The two lists of a company file that matter here: accounts and items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TypeVar

from lxml import etree

# Items of these types form trees; all others have a Name only.
TYPES_WITH_TIERS = ("Service", "NonInventory", "OtherCharge", "Inventory", "InventoryAssembly", "Discount")
FLAT_TYPES = ("FixedAsset", "Subtotal", "Payment", "SalesTax", "SalesTaxGroup", "Group")

# number, name, type, parent, is it active
CONSTRUCTION_CHART = [
    ("1000", "Checking – Opération", "Bank", None, True),
    ("1010", "Payroll Account", "Bank", None, True),
    ("1100", "Accounts Receivable", "AccountsReceivable", None, True),
    ("1200", "Retainage Receivable", "OtherCurrentAsset", None, True),
    (None, "Costs in Excess of Billings", "OtherCurrentAsset", None, True),
    ("1500", "Equipment & Vehicles", "FixedAsset", None, True),
    ("1800", "Bid Deposits", "OtherAsset", None, True),
    ("2000", "Accounts Payable", "AccountsPayable", None, True),
    ("2100", "Company Card", "CreditCard", None, True),
    ("2200", "Sales Tax Payable", "OtherCurrentLiability", None, True),
    ("2300", "Retainage Payable", "OtherCurrentLiability", None, True),
    ("2700", "Equipment Loan", "LongTermLiability", None, True),
    ("3000", "Owner's Equity", "Equity", None, True),
    ("4000", "Construction Income", "Income", None, True),
    ("4010", "Change Orders", "Income", "Construction Income", True),
    ("4020", "T&M Work", "Income", "Construction Income", True),
    ("4900", "Rénovation (old)", "Income", None, False),
    ("5000", "Job Costs", "CostOfGoodsSold", None, True),
    ("5010", "Labor", "CostOfGoodsSold", "Job Costs", True),
    ("5020", "Materials & Supplies", "CostOfGoodsSold", "Job Costs", True),
    ("5030", "Subcontractors", "CostOfGoodsSold", "Job Costs", True),
    (None, "Equipment Rental", "CostOfGoodsSold", "Job Costs", True),
    ("5900", "Freight (old)", "CostOfGoodsSold", None, False),
    ("6000", "Small Tools", "Expense", None, True),
    ("6100", "Permits & Fees", "Expense", None, True),
    (None, "Café and Meals", "Expense", None, True),
    ("6900", "Pager Rental", "Expense", None, False),
    ("7000", "Interest Income", "OtherIncome", None, True),
    ("8000", "Interest Expense", "OtherExpense", None, True),
    (None, "Estimates", "NonPosting", None, True),
    (None, "Purchase Orders", "NonPosting", None, True),
]


@dataclass(eq=False, kw_only=True)
class Element:
    """An element of a list, as QuickBooks calls it."""

    list_id: str
    name: str
    type: str
    created: datetime
    modified: datetime
    parent: Element | None = None
    is_active: bool = True

    @property
    def full_name(self) -> str:
        return f"{self.parent.full_name}:{self.name}" if self.parent else self.name

    @property
    def sublevel(self) -> int:
        return self.parent.sublevel + 1 if self.parent else 0

    @property
    def edit_sequence(self) -> str:
        return str(int(self.modified.timestamp()))


@dataclass(eq=False, kw_only=True)
class Account(Element):
    number: str | None = None
    desc: str | None = None


@dataclass(eq=False, kw_only=True)
class Item(Element):
    is_two_sided: bool = False
    sales_desc: str | None = None  # of a one-sided item: its only description
    purchase_desc: str | None = None
    income: Account | None = None  # of a one-sided item: its only account
    expense: Account | None = None
    prices: dict[str, str] = field(default_factory=dict)
    tax_code: str = "Non"
    external_guid: str | None = None

    @property
    def income_account(self) -> str | None:
        return self.income.full_name if self.income else None

    @property
    def income_account_id(self) -> str | None:
        return self.income.list_id if self.income else None

    @property
    def expense_account(self) -> str | None:
        return self.expense.full_name if self.expense else None

    @property
    def expense_account_id(self) -> str | None:
        return self.expense.list_id if self.expense else None


AnyElement = TypeVar("AnyElement", bound=Element)


def stored(text: str | None) -> str | None:
    """As it comes back out of the company file, which is kept in Windows-1252."""
    return text if text is None else text.encode("cp1252", "replace").decode("cp1252")


def stored_name(text: str) -> str:
    return (stored(text) or "").strip(" ")


@cache
def key(full_name: str) -> str:
    """Names that differ by case or blanks at the ends of a level are one name."""
    return ":".join(stored_name(level) for level in full_name.split(":")).lower()


def by_id(elements: Iterable[AnyElement], list_id: str) -> AnyElement | None:
    return next((each for each in elements if each.list_id == list_id), None)


def by_name(elements: Iterable[AnyElement], full_name: str) -> AnyElement | None:
    wanted = key(full_name)
    return next((each for each in elements if key(each.full_name) == wanted), None)


def referred(elements: Iterable[AnyElement], reference: etree._Element) -> AnyElement | None:
    """The ListID wins."""
    list_id = reference.findtext("ListID")
    if list_id is not None:
        return by_id(elements, list_id)
    return by_name(elements, reference.findtext("FullName") or "")


def words(reference: etree._Element) -> str:
    return reference.findtext("ListID") or reference.findtext("FullName") or ""
