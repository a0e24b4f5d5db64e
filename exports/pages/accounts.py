"""Accounts on the review page: the one that a row has, and those to choose from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from erp_integrations.base import INCOME_KINDS, AccountKind, kinds_of
from erp_integrations.models import Connection, GLAccount
from exports.models import (
    LINKABLE,
    REJECTABLE,
    CodeExport,
    advice,
)


@dataclass(frozen=True)
class Held:
    """An account that a code has, as its row shows it."""

    account: GLAccount
    text: str  # of the option that keeps it: flagged where the list would not offer it
    is_offered: bool
    trouble: str = ""  # why the code would not be exported with it, and what to do
    keeps: str = ""  # what "Keep" posts where keeping it is all that is needed: how it reads now

    @classmethod
    def of(cls, export: CodeExport, field: str) -> Held | None:
        """None where there is no account. A synced code's accounts belong to the ERP: nothing is said of them."""
        account: GLAccount | None = getattr(export, field)
        if account is None:
            return None
        kinds = kinds_of(export.connection.capabilities, field)
        held, why = cls.alone(account, kinds), export.trouble(field) if export.status in REJECTABLE else ""
        if not why:
            return held
        may_keep = held.is_offered and export.status in LINKABLE
        trouble = f"{why[0].upper()}{why[1:]}. {advice(account, kinds)}"
        return replace(held, trouble=trouble, keeps=account.identity if may_keep else "")

    @classmethod
    def alone(cls, account: GLAccount, kinds: frozenset[AccountKind]) -> Held:
        """Only how it reads."""
        flag = account.flag(kinds)
        return cls(account, f"{account} ({flag})" if flag else str(account), not flag)


@dataclass(frozen=True)
class Group:
    """Accounts that are offered together, and in which of the drop-downs: "income", "expense" or both."""

    lists: str
    label: str
    accounts: list[tuple[int, str]]  # (id, "number name")


@dataclass(frozen=True)
class Choices:
    """The active accounts that both drop-downs offer, each of them once. Income kinds come first."""

    groups: list[Group]

    @classmethod
    def read(cls, connection: Connection) -> Choices:
        able = connection.capabilities
        for_income, for_expense = able.income_kinds, able.expense_kinds if able.has_expense_account else frozenset()
        parts = [  # no kind is in two of them
            ("income", "Income", (for_income - for_expense) & INCOME_KINDS),
            ("income expense", "Other profit and loss", for_income & for_expense),
            ("income", "Other profit and loss", for_income - for_expense - INCOME_KINDS),
            ("expense", "Expense", for_expense - for_income),
        ]
        found = connection.gl_accounts.active().of_kinds(for_income | for_expense)
        columns = found.values_list("kind", "pk", "number", "name", "distinction")
        accounts = [(kind, pk, GLAccount.told(*name)) for kind, pk, *name in columns]
        groups = [
            Group(lists, label, [(pk, text) for kind, pk, text in accounts if kind in kinds])
            for lists, label, kinds in parts
        ]
        return cls([group for group in groups if group.accounts])

    @property
    def income(self) -> list[Group]:
        return [group for group in self.groups if "income" in group.lists]

    @property
    def expense(self) -> list[Group]:
        return [group for group in self.groups if "expense" in group.lists]
