"""The rows of the review list, with what a member may do about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from companies.models import Member
from core.numbers import number
from exports.models import (
    ASSIGNABLE,
    REJECTABLE,
    RETRYABLE,
    CodeExport,
    Status,
)
from exports.pages.accounts import Held
from exports.pages.listing import PAGE_SIZES
from exports.pages.words import StatusWords, status_words
from wbs.codes import code_key


@dataclass(frozen=True)
class Row:
    """One code as the table shows it, with what this member may do about it."""

    export: CodeExport
    words: StatusWords
    can_assign: bool
    can_assign_expense: bool
    can_retry: bool
    can_cancel: bool
    can_link: bool
    asks_to_confirm: bool  # the page of the code may do so before it links
    can_reject: bool
    can_unlink: bool
    is_update: bool  # of a synced code: cancelled, it is Success again
    has_changed: bool  # in the WBS, since it was exported
    inherited: str  # whose default accounts it has, as a sentence; empty when they are none
    takes_purchases: bool  # the income account does, as long as there is no expense account
    problem: str = ""
    seen: Seen | None = None  # how the page shows it that is answered

    @cached_property
    def income(self) -> Held | None:
        return Held.of(self.export, "income_account")

    @cached_property
    def expense(self) -> Held | None:
        return Held.of(self.export, "expense_account")

    @property
    def asks_to_keep(self) -> bool:
        """Whether one of its accounts may be kept as it reads now; both are posted then."""
        return any(held and held.keeps for held in (self.income, self.expense))

    @property
    def marks(self) -> tuple[str, str, str]:
        """What the cells show, in short: both accounts, empty where more is said than a name; of which version of the
        item code and description are."""
        income, expense = self._mark(self.can_assign, self.income), self._mark(self.can_assign_expense, self.expense)
        return income, expense, str(self.export.item_version)

    def _mark(self, can_assign: bool, held: Held | None) -> str:
        if self.asks_to_keep or (held and (held.trouble or not held.is_offered)):
            return ""
        return f"{'choose' if can_assign else 'is'}{held.account.pk if held else 0}"

    @classmethod
    def of(cls, export: CodeExport, member: Member, problem: str = "", seen: Seen | None = None) -> Row:
        may, status = member.can_review, export.status
        has_expense = export.connection.capabilities.has_expense_account
        return cls(
            export=export,
            words=status_words(export),
            can_assign=may and status in ASSIGNABLE,
            can_assign_expense=may and status in ASSIGNABLE and has_expense,
            can_retry=may and status in RETRYABLE,
            can_cancel=may and (status == Status.QUEUED or (export.is_update and status in RETRYABLE)),
            can_link=may and status == Status.ATTENTION and not export.is_update and is_linkable(export),
            asks_to_confirm=_looks_anothers(export),
            can_reject=may and status in REJECTABLE and not export.is_update,
            can_unlink=may and status == Status.SUCCESS,
            is_update=export.is_update,
            has_changed=status == Status.SUCCESS and export.version_of_item != export.item_version,
            inherited=_inherited(export) if status in ASSIGNABLE else "",
            takes_purchases=export.connection.capabilities.income_takes_purchases
            and bool(export.income_account_id and not export.expense_account_id),
            problem=problem,
            seen=seen,
        )


def is_linkable(export: CodeExport) -> bool:
    """Whether the ERP showed an item that may be taken for ours. One that is inactive has to be made active first."""
    receipt = export.receipt
    return bool(receipt and not receipt.get("obstacle") and receipt.get("is_active", True))


def _looks_anothers(export: CodeExport) -> bool:
    """Whether the ERP's item may be another code's, without asking: `queue.why_anothers_of` knows for sure."""
    held = export.receipt or {}
    carries_anothers = bool(held.get("owner")) and not held.get("is_ours")
    return carries_anothers or code_key(held.get("code", export.code)) != export.code_key


def _inherited(export: CodeExport) -> str:
    """ "Accounts: default of 03", "Income: default of Practice ERP"."""
    income, expense = export.income_from, export.expense_from
    if income == expense:
        return f"Accounts: default of {income}" if income else ""
    return ", ".join(f"{kind}: default of {it}" for kind, it in (("Income", income), ("Expense", expense)) if it)


@dataclass(frozen=True)
class Seen:
    """A row as the page shows it now: what polls and answers compare."""

    moves: int
    version: int
    income: str = ""  # `Row.marks`
    expense: str = ""
    item_version: str = ""


def read_seen(values: Sequence[str]) -> dict[int, Seen]:
    """From the fields `seen`, each "id:moves:version" or, with the marks of its cells behind it."""
    parts = [value.split(":") for value in values[: max(PAGE_SIZES)]]
    return {
        number(pk, -1): Seen(number(moves, -1), number(version, -1), *marks)
        for pk, moves, version, *marks in (part for part in parts if len(part) in (3, 6))
    }
