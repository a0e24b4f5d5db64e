"""What holds an item: the lock and the status that `exports` keeps on it, by data and not by import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from companies.models import Company
from erp_integrations.models import Connection

if TYPE_CHECKING:
    from wbs.models.items import SegmentItem


class Status(models.TextChoices):
    """Export Status: where a code is on its way into one ERP. `exports` alone moves it; the WBS says it, too."""

    READY = "READY", "Ready to Export"
    QUEUED = "QUEUED", "Queued"
    EXPORTING = "EXPORTING", "Exporting"
    UNKNOWN = "UNKNOWN", "Checking with ERP"
    SUCCESS = "SUCCESS", "Success"
    FAILED = "FAILED", "Failed"
    ATTENTION = "ATTENTION", "Needs review"
    REJECTED = "REJECTED", "Rejected"


class HoldQuerySet(models.QuerySet["Hold"]):
    def locking(self) -> HoldQuerySet:
        return self.filter(lock__gt=Hold.Lock.NONE)


class Hold(models.Model):
    """What one connection's export means for an item: how far it is locked, and what the column "ERP" tells.

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
    status = models.CharField(max_length=10, choices=Status, default=Status.READY)
    note = models.TextField(blank=True)  # the sentence or reason that goes with it
    item_version = models.PositiveIntegerField()  # version of the item that was sent

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "connection"], name="one_hold_per_connection")]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.note}" if self.note else self.get_status_display()

    def why_locked(self, item: SegmentItem) -> str:
        if self.lock == Hold.Lock.ALL:
            where = f"{self.connection} ({self.get_status_display()})"
            return f"{item} is sent to {where}. Recall it, or have it rejected, first."
        return f"{item} is in {self.connection}, where its code is fixed."
