"""What a page asks an ERP, which a worker answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models.functions import Now

from companies.models import Company
from core.bulk import storable
from core.clock import in_seconds
from erp_integrations.fields import EncryptedJSONField
from erp_integrations.models.connections import Connection

if TYPE_CHECKING:
    from erp_integrations.base import Adapter

ASKED_ANEW = "This was asked anew meanwhile."
UNTAKEN_S = 300  # so long may a question wait for a worker


class QuestionQuerySet(models.QuerySet["Question"]):
    def waiting(self) -> QuestionQuerySet:
        """Those that no worker has taken up."""
        return self.filter(answered_at=None, claimed_until=None)

    def under_way(self) -> QuestionQuerySet:
        """Those that a worker is asking just now, by the database's clock."""
        return self.filter(answered_at=None, claimed_until__gt=Now())

    def unseen_by(self, asker: User | models.Expression) -> QuestionQuerySet:
        """What this person asked, as far as the answer is to come, or was not shown yet."""
        return self.filter(asker=asker, told_at=None).exclude(message=ASKED_ANEW)

    def overdue(self) -> QuestionQuerySet:
        """Those whose worker is gone, and those that none took up for too long."""
        untaken = models.Q(claimed_until=None, asked_at__lte=in_seconds(-UNTAKEN_S))
        return self.filter(untaken | models.Q(claimed_until__lte=Now()), answered_at=None)


class Question(models.Model):
    """What a page asks an ERP: a worker asks and notes the answer here (`erp_integrations.questions`), the page looks.

    `options` and `credentials` are what was typed with it; secrets that were not saved are kept until the answer is
    there. Of a link `options` has, by export, the item that was `seen` and what it is linked `despite`.
    """

    class Kind(models.TextChoices):
        CHECK = "check", "Test Connection"
        CONNECT = "connect", "Connect"
        SYNC = "sync", "Sync GL Accounts"
        COMPARE = "compare", "Compare with ERP"
        LINK = "link", "Link"

    guid = models.UUIDField(default=uuid4, unique=True, editable=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="questions")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, related_name="questions")
    asker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )  # null: the schedule
    kind = models.CharField(max_length=10, choices=Kind)
    erp = models.CharField(max_length=60)  # key of the adapter
    name = models.CharField(max_length=100, blank=True)  # of the connection to be made
    is_of_saved = models.BooleanField(default=False)  # is it about the connection as it is saved?
    options = models.JSONField(default=dict)
    credentials = EncryptedJSONField(default=dict)
    asked_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True)  # a worker is at it; once, so that nothing is done twice
    answered_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)  # a page has shown the answer
    is_good = models.BooleanField(default=False)
    message = models.TextField(blank=True)
    detail = models.TextField(blank=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["company"], name="questions_open", condition=models.Q(answered_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name or self.connection}"

    @classmethod
    def about(cls, connection: Connection, kind: Kind, asker: User | None, **options: Any) -> Question:
        """One about a connection as it is saved."""
        return cls(
            company_id=connection.company_id,
            connection=connection,
            asker=asker,
            kind=kind,
            erp=connection.erp,
            is_of_saved=True,
            options=options,
        )

    @property
    def is_pending(self) -> bool:
        return self.answered_at is None

    def adapter(self) -> Adapter:
        """An adapter with what was typed, or with what is saved now."""
        from erp_integrations.registry import adapter_class

        if self.is_of_saved and self.connection:
            return self.connection.adapter()
        return adapter_class(self.erp)(self.connection_id or 0, self.options, self.credentials)

    def close(self, *, is_good: bool, message: str, detail: str = "") -> bool:
        """Note the answer, and keep no secret any longer. False: it was given up meanwhile."""
        still_open = Question.objects.filter(pk=self.pk, answered_at=None)
        values = {"is_good": is_good, "message": storable(message), "detail": storable(detail)}
        return bool(still_open.update(answered_at=Now(), credentials={}, **values))

    def tell(self) -> bool:
        """Note that the answer is shown now. False: it was shown before."""
        return bool(Question.objects.filter(pk=self.pk, told_at=None).update(told_at=Now()))
