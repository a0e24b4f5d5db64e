"""What holds an item: the locks and words that `exports` keeps on it, by data and not by import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from companies.models import Company
from erp_integrations.models import Connection

if TYPE_CHECKING:
    from wbs.models.items import SegmentItem


class HoldQuerySet(models.QuerySet["Hold"]):
    def locking(self) -> HoldQuerySet:
        return self.filter(lock__gt=Hold.Lock.NONE)


class Hold(models.Model):
    """What one connection's export means for an item: how far it is locked, and the words of the column "ERP".

    Written by `exports` in its own transactions; the WBS only reads it.
    """

    class Lock(models.IntegerChoices):
        NONE = 0  # free again: rejected, recalled or unlinked
        CODE = 1  # in the ERP: code and place are fixed, the description may change
        ALL = 2  # sent: nothing may change

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="holds")
    item = models.ForeignKey("SegmentItem", on_delete=models.PROTECT, related_name="holds")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="holds")
    lock = models.PositiveSmallIntegerField(choices=Lock, default=Lock.ALL)
    word = models.CharField(max_length=60)  # "Ready to Export", "Rejected", ... as PRODUCT names them
    note = models.TextField(blank=True)  # the sentence or reason that goes with it
    item_version = models.PositiveIntegerField()  # version of the item that was sent

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "connection"], name="one_hold_per_connection")]

    def __str__(self) -> str:
        return f"{self.word}: {self.note}" if self.note else self.word

    def why_locked(self, item: SegmentItem) -> str:
        if self.lock == Hold.Lock.ALL:
            return f"{item} is sent to {self.connection} ({self.word}). Recall it, or have it rejected, first."
        return f"{item} is in {self.connection}, where its code is fixed."
