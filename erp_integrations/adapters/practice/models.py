"""The books of the Practice ERP: its own tables, apart from ours as a real ERP's would be."""

from __future__ import annotations

from django.db import models


class PracticeAccount(models.Model):
    books = models.BigIntegerField()  # id of the connection these books belong to
    number = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=30)  # an AccountKind
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["books", "number"], name="practice_one_account_per_number")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class PracticeItem(models.Model):
    books = models.BigIntegerField()
    code = models.CharField(max_length=60)
    code_key = models.CharField(max_length=60)  # casefolded
    name = models.CharField(max_length=120)
    external_id = models.CharField(max_length=100, null=True)
    income_account = models.ForeignKey(PracticeAccount, on_delete=models.PROTECT, related_name="+")
    expense_account = models.ForeignKey(PracticeAccount, on_delete=models.PROTECT, null=True, related_name="+")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["books", "code_key"], name="practice_one_item_per_code"),
            models.UniqueConstraint(fields=["books", "external_id"], name="practice_one_item_per_external_id"),
        ]

    def __str__(self) -> str:
        return self.code
