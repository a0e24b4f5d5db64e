"""Reads QuickBooks' own lists and journal beside our tables, and tells where the two disagree."""

from __future__ import annotations

from collections import Counter

from exports.models import CodeExport, Status
from tests.quickbooks.company import QuickBooks


def check_books(quickbooks: QuickBooks, *, by_hand: int = 0) -> None:
    """One item per code, none lost, no false Success. `by_hand`: items that people made in QuickBooks."""
    rows = list(CodeExport.objects.select_related("income_account", "expense_account"))
    ours = Counter(item.external_guid for item in quickbooks.items if item.external_guid)
    assert all(count == 1 for count in ours.values()), f"twice in QuickBooks: {ours}"
    added = [each for each in quickbooks.journal if each.kind == "ItemServiceAddRq" and each.list_id]
    assert len(added) == len(quickbooks.items) - by_hand == sum(ours.values()), "added behind the journal's back"
    by_id = {item.list_id: item for item in quickbooks.items}
    for row in rows:
        if row.status != Status.SUCCESS:
            continue
        item = by_id.get(row.remote_id or "")
        assert item, f"{row} is Success, and QuickBooks has no {row.remote_id}"
        if item.external_guid is None:
            continue  # linked
        assert item.sales_desc == row.description, f"{row} has another description in QuickBooks"
        assert row.income_account
        assert item.income.list_id == row.income_account.remote_id
        expense = item.expense.list_id if item.expense else None
        assert expense == (row.expense_account.remote_id if row.expense_account else None)


def check_all_arrived(quickbooks: QuickBooks, number: int) -> None:
    states = Counter(CodeExport.objects.values_list("status", flat=True))
    assert states == {"SUCCESS": number}
    assert len(quickbooks.items) == number
    check_books(quickbooks)
