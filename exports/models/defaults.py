"""Accounts that codes get when they are sent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from erp_integrations.models import Connection, GLAccount
from wbs.models import SegmentItem


class DefaultAccounts(models.Model):
    """Accounts that a code, or all below a division, get when they are sent; null: inherited from above."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="default_accounts")
    item = models.ForeignKey(SegmentItem, on_delete=models.CASCADE, related_name="+")
    income_account = models.ForeignKey(GLAccount, on_delete=models.CASCADE, null=True, related_name="+")
    expense_account = models.ForeignKey(GLAccount, on_delete=models.CASCADE, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "item"], name="one_default_per_item"),
            models.CheckConstraint(
                condition=Q(income_account__isnull=False) | Q(expense_account__isnull=False),
                name="default_says_something",
            ),
        ]

    def __str__(self) -> str:
        return f"Income: {self.income_account or 'inherited'}; Expense: {self.expense_account or 'inherited'}"
