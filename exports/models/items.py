"""The items of an ERP, as they were read last: for linking, and to see what changed there."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from erp_integrations.base import MAX_REMOTE_ID, Receipt
from erp_integrations.models import Connection


class Reading(models.Model):
    """When the items of a connection's ERP were read, and when they are to be read again by themselves."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="reading")
    read_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(db_default=Now())
    problem = models.TextField(blank=True)  # why the last reading came to nothing, for people

    def __str__(self) -> str:
        return f"{self.connection} at {self.read_at}"


class RemoteItem(models.Model):
    """An item of the ERP as it was read last, for linking."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="remote_items")
    remote_id = models.CharField(max_length=MAX_REMOTE_ID)
    code = models.CharField(max_length=255)
    description = models.TextField()
    is_ours = models.BooleanField()  # carries a reference of Tieback's
    is_active = models.BooleanField()
    obstacle = models.TextField(blank=True)
    owner = models.TextField(blank=True)  # that reference

    class Meta:
        ordering = ["code", "id"]
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="one_item_per_remote_id")]

    def __str__(self) -> str:
        return f"{self.code} {self.description}".strip()

    def as_receipt(self) -> Receipt:
        """As far as it is kept, and of a code whose reference it does not carry."""
        return Receipt(self.remote_id, self.code, self.description, None, None, is_ours=False, owner=self.owner)
