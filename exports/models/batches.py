"""The clicks that moved codes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from companies.models import Company
from erp_integrations.models import Connection


class Batch(models.Model):
    """One click: what Undo and Export History speak of."""

    class Kind(models.TextChoices):
        SEND = "send", "Sent to ERP"
        ASSIGN = "assign", "Accounts set"
        EXPORT = "export", "Exported"
        REJECT = "reject", "Rejected"
        RECALL = "recall", "Recalled"
        UNDO = "undo", "Undone"
        CANCEL = "cancel", "Cancelled"
        RETRY = "retry", "Retried"
        UPDATE = "update", "Updated"
        LINK = "link", "Linked"
        UNLINK = "unlink", "Unlinked"

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="batches")
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="batches")
    kind = models.CharField(max_length=10, choices=Kind)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(db_default=Now())
    count = models.PositiveIntegerField(default=0)  # codes that the click moved
    reason = models.TextField(blank=True)
    undone_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)  # when the senders were written to: of the rejection, or of failures

    is_long = False  # whether its codes may be more than one statement should take, as `services.clicks` finds it

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["connection", "-id"], name="batches_of_connection"),
            models.Index(
                fields=["at"],
                name="rejections_to_mail",
                condition=Q(kind="reject", mailed_at__isnull=True, undone_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.count}"
