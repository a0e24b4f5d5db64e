"""A company file of QuickBooks in memory, as the hand of a bookkeeper changes it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from tests.quickbooks.lists import CONSTRUCTION_CHART, FLAT_TYPES, TYPES_WITH_TIERS, Account, Item, by_name

ZONE = timezone(timedelta(hours=-7))


class CompanyFile:
    """Accounts, items, and the stamps of owners: what is kept, and how a person changes it."""

    def __init__(self, company_name: str, owner_id: str | None, file_id: str | None, with_chart: bool) -> None:
        self.company_name = company_name
        self.path = rf"C:\Companies\{company_name}.qbw"
        self.uses_account_numbers = True
        self.items: list[Item] = []
        self.accounts: list[Account] = []
        self.stamps: dict[str, str] = {}  # FileID by OwnerID
        self._locked_for = 0.0
        self._elements_made = 0
        self._now = datetime.now(ZONE).replace(microsecond=0) - timedelta(days=400)
        if owner_id and file_id:
            self.stamp(owner_id, file_id)
        for number, name, kind, parent, is_active in CONSTRUCTION_CHART if with_chart else []:
            full_name = f"{parent}:{name}" if parent else name
            self.add_account(full_name, kind, number=number, is_active=is_active, at=self._now + timedelta(seconds=1))

    def stamp(self, owner_id: str, file_id: str) -> None:
        """What the Web Connector does when the .qwc file is added."""
        self.stamps[owner_id] = file_id

    @property
    def file_id(self) -> str | None:
        return next(reversed(self.stamps.values()), None)

    @property
    def owner_id(self) -> str | None:
        return next(reversed(self.stamps), None)

    def add_account(
        self,
        full_name: str,
        type: str,
        *,
        number: str | None = None,
        desc: str | None = None,
        is_active: bool = True,
        at: datetime | None = None,
    ) -> Account:
        """`full_name` with colons for an account below another."""
        above, _, name = full_name.rpartition(":")
        parent = self.account(above) if above else None
        made = self._identity(at)
        account = Account(name=name, type=type, parent=parent, number=number, desc=desc, is_active=is_active, **made)
        assert by_name(self.accounts, account.full_name) is None, f"There is an account {full_name} already."
        self.accounts.append(account)
        return account

    def account(self, full_name: str) -> Account:
        found = by_name(self.accounts, full_name)
        assert found is not None, f"There is no account {full_name}."
        return found

    def deactivate_account(self, full_name: str) -> Account:
        account = self.account(full_name)
        account.is_active, account.modified = False, self._tick()
        return account

    def rename_account(self, full_name: str, name: str) -> Account:
        account = self.account(full_name)
        account.name, account.modified = name, self._tick()
        return account

    def delete_account(self, full_name: str) -> None:
        account = self.account(full_name)
        assert all(account not in (each.income, each.expense) for each in self.items), "QuickBooks keeps used accounts."
        assert all(each.parent is not account for each in self.accounts), "QuickBooks keeps accounts with others below."
        self.accounts.remove(account)

    def add_item(
        self,
        type: str,
        name: str,
        *,
        parent: str | None = None,
        income_account: str | None = None,
        expense_account: str | None = None,
        **fields: Any,
    ) -> Item:
        """An item of any type, made by a person. Parent and accounts by their full names."""
        assert type in (*TYPES_WITH_TIERS, *FLAT_TYPES), f"There is no type {type}."
        income = income_account or ("Construction Income" if type == "Service" and self.accounts else None)
        item = self._make_item(
            type,
            name,
            parent=self.item(parent) if parent else None,
            income=self.account(income) if income else None,
            expense=self.account(expense_account) if expense_account else None,
            is_two_sided=expense_account is not None,
            **fields,
        )
        return item

    def item(self, full_name: str) -> Item:
        found = by_name(self.items, full_name)
        assert found is not None, f"There is no item {full_name}."
        return found

    def change_item(self, item: Item, **fields: Any) -> Item:
        """A change gives a new EditSequence."""
        for attribute, value in fields.items():
            assert hasattr(item, attribute), f"An item has no {attribute}."
            setattr(item, attribute, value)
        item.modified = self._tick()
        return item

    def delete_item(self, item: Item) -> None:
        self.items.remove(item)

    def lock_items(self, times: int | None = None) -> None:
        """The item list is open at another user's: the next `times` writes fail, or all until it is unlocked."""
        self._locked_for = float("inf") if times is None else times

    def unlock_items(self) -> None:
        self._locked_for = 0

    def _make_item(self, type: str, name: str, **fields: Any) -> Item:
        item = Item(type=type, name=name, **self._identity(None), **fields)
        self.items.append(item)
        return item

    def _identity(self, at: datetime | None) -> dict[str, Any]:
        now = self._tick(at)
        self._elements_made += 1
        list_id = f"{0x80000000 + self._elements_made:X}-{int(now.timestamp())}"
        return {"list_id": list_id, "created": now, "modified": now}

    def _tick(self, at: datetime | None = None) -> datetime:
        """A second at least, since an EditSequence counts seconds."""
        now = at or datetime.now(ZONE).replace(microsecond=0)
        self._now = max(now, self._now + timedelta(seconds=1))
        return self._now
