"""The strict ERP itself: what it holds and what it refuses. Knows nothing of outcomes or of our tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet

from erp_integrations.adapters.practice.chart import CHART
from erp_integrations.adapters.practice.models import PracticeAccount, PracticeItem
from erp_integrations.base import EXPENSE_KINDS, AccountKind, CodeData

CODE_LIMIT = 40
NAME_LIMIT = 120
GONE = "The item is no longer in these books. Keep the code as it is, then unlink it."
INCOME_KINDS = frozenset(AccountKind) - {AccountKind.OTHER}  # as QuickBooks: all of profit and loss


class Books:
    """The books of one connection."""

    def __init__(self, number: int) -> None:
        self.number = number

    def accounts(self) -> QuerySet[PracticeAccount]:
        return PracticeAccount.objects.filter(books=self.number).order_by("number")

    def open(self) -> None:
        """Give new books their chart of accounts; books that have one keep it as it is."""
        if not self.accounts().exists():
            accounts = [PracticeAccount(books=self.number, **account._asdict()) for account in CHART]
            PracticeAccount.objects.bulk_create(accounts, ignore_conflicts=True)

    def items(self, codes: Sequence[CodeData]) -> dict[str, PracticeItem]:
        """Items by reference; the one with the external id wins over the one that only has the code."""
        ids, keys = {code.reference for code in codes}, {code.code.casefold() for code in codes}
        items = PracticeItem.objects.filter(Q(external_id__in=ids) | Q(code_key__in=keys), books=self.number)
        by_id = {item.external_id: item for item in items}
        by_key = {item.code_key: item for item in items}
        held = {code.reference: by_id.get(code.reference) or by_key.get(code.code.casefold()) for code in codes}
        return {reference: item for reference, item in held.items() if item}

    def items_by_id(self, codes: Sequence[CodeData]) -> dict[str, PracticeItem]:
        """The items that these codes update, by reference."""
        ids = [int(code.remote_id) for code in codes if code.remote_id.isdecimal()]
        items = {str(item.pk): item for item in self.all_items().filter(pk__in=ids)}
        return {code.reference: items[code.remote_id] for code in codes if code.remote_id in items}

    def all_items(self) -> QuerySet[PracticeItem]:
        return PracticeItem.objects.filter(books=self.number).order_by("pk")

    def add(self, codes: Iterable[CodeData], *, by_hand: bool = False) -> dict[str, str]:
        """Create what is not refused, and return the refusals by reference. What is there already stays as it is.

        An item made `by_hand` carries no external id, as if someone had typed it into the ERP.
        """
        accounts = {str(account.pk): account for account in self.accounts()}
        refusals = {code.reference: reason for code in codes if (reason := refusal(code, accounts))}
        PracticeItem.objects.bulk_create(
            [
                PracticeItem(
                    books=self.number,
                    code=code.code,
                    code_key=code.code.casefold(),
                    name=code.description,
                    external_id=None if by_hand else code.reference,
                    income_account=accounts[code.income_account or ""],
                    expense_account=accounts.get(code.expense_account or ""),
                )
                for code in codes
                if code.reference not in refusals
            ],
            ignore_conflicts=True,
        )
        return refusals

    def change(self, codes: Sequence[CodeData]) -> dict[str, str]:
        """Give items their new values, and return the refusals by reference. An inactive item stays as it is."""
        accounts = {str(account.pk): account for account in self.accounts()}
        items, refusals = self.items_by_id(codes), {}
        for code in codes:
            item = items.get(code.reference)
            if reason := GONE if item is None else refusal(code, accounts):
                refusals[code.reference] = reason
            elif item and item.is_active and item.code == code.code:
                item.name = code.description
                item.income_account = accounts[code.income_account or ""]
                item.expense_account = accounts.get(code.expense_account or "")
        PracticeItem.objects.bulk_update(items.values(), ["name", "income_account", "expense_account"])
        return refusals


def refusal(code: CodeData, accounts: dict[str, PracticeAccount]) -> str:
    """Why these books do not take the code; empty when they do."""
    if not code.code or len(code.code) > CODE_LIMIT:
        return f"A code has 1 to {CODE_LIMIT} characters; this one has {len(code.code)}."
    if not code.description.strip() or len(code.description) > NAME_LIMIT:
        return f"A name has 1 to {NAME_LIMIT} characters; this one has {len(code.description)}."
    if reason := _misfit(code.income_account, INCOME_KINDS, accounts):
        return f"Income account: {reason}"
    if code.expense_account is not None and (reason := _misfit(code.expense_account, EXPENSE_KINDS, accounts)):
        return f"Expense account: {reason}"
    return ""


def _misfit(remote_id: str | None, kinds: frozenset[AccountKind], accounts: dict[str, PracticeAccount]) -> str:
    account = accounts.get(remote_id or "")
    if account is None:
        return "there is no such account. Sync GL Accounts and pick another."
    if not account.is_active:
        return f"{account} is inactive. Pick another."
    if account.kind not in kinds:
        return f"{account} is of another kind. Pick another."
    return ""
