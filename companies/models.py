"""Who may do what: companies, their members, and the append-only audit trail."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class Tool(models.TextChoices):
    ADMIN = "admin", "Admin"
    ERP = "erp", "ERP Integrations"


class Level(models.IntegerChoices):
    NONE = 0, "None"
    READ_ONLY = 1, "Read Only"
    STANDARD = 2, "Standard"
    ADMIN = 3, "Admin"


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name} is not a time zone. Use a name such as America/Chicago.")


class Company(models.Model):
    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    four_eyes = models.BooleanField(default=False, help_text="Whoever sent a code may not accept it.")
    created_at = models.DateTimeField(db_default=Now())
    summary_due_at = models.DateTimeField(
        null=True, editable=False
    )  # of the next daily summary; null: not reckoned yet

    def __str__(self) -> str:
        return self.name

    def local(self, moment: datetime) -> datetime:
        return timezone.localtime(moment, ZoneInfo(self.time_zone))


class MemberQuerySet(models.QuerySet["Member"]):
    def approvers(self) -> MemberQuerySet:
        """Members who may accept codes: `can_review`, of people who may sign in."""
        return self.filter(erp_level__gte=Level.STANDARD, can_push_to_accounting=True, user__is_active=True)


class Member(models.Model):
    """One person's rights in one company."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    admin_level = models.PositiveSmallIntegerField(choices=Level, default=Level.NONE)
    erp_level = models.PositiveSmallIntegerField(choices=Level, default=Level.NONE)
    can_push_to_accounting = models.BooleanField("Can Push to Accounting", default=False)
    version = models.PositiveIntegerField(default=1)  # rises with every change of the rights

    objects = MemberQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "user"], name="one_membership_per_company")]

    def __str__(self) -> str:
        return f"{self.user} in {self.company}"

    @property
    def rights(self) -> str:
        """All of them in one line, as the audit trail keeps them."""
        levels = f"Admin tool: {Level(self.admin_level).label}, ERP Integrations: {Level(self.erp_level).label}"
        return f"{levels}, Can Push to Accounting: {'yes' if self.can_push_to_accounting else 'no'}"

    def level_on(self, tool: Tool) -> Level:
        return Level(self.admin_level if tool == Tool.ADMIN else self.erp_level)

    @property
    def can_see_wbs(self) -> bool:
        return self.admin_level >= Level.READ_ONLY

    @property
    def can_edit_wbs(self) -> bool:
        return self.admin_level >= Level.ADMIN

    @property
    def can_see_erp(self) -> bool:
        return self.erp_level >= Level.READ_ONLY

    @property
    def can_review(self) -> bool:
        """Whether this member is an accounting approver: picks accounts, exports, rejects, retries, links."""
        return self.erp_level >= Level.STANDARD and self.can_push_to_accounting

    @property
    def can_configure_erp(self) -> bool:
        return self.erp_level >= Level.ADMIN


class AuditEvent(models.Model):
    """What happened, who did it. Append-only: triggers refuse UPDATE and DELETE on both databases."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_index=False, related_name="audit_events")
    at = models.DateTimeField(db_default=Now())
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    action = models.CharField(max_length=60)  # "export.queued", "connection.changed", "member.changed", ...
    subject = models.CharField(max_length=20, validators=[RegexValidator(r"^[a-z]+$")])  # a noun
    subject_id = models.BigIntegerField(null=True)
    label = models.CharField(max_length=255, blank=True)  # what people call the subject: "01-100"
    old = models.TextField(blank=True)  # the values before and after, as people read them
    new = models.TextField(blank=True)
    answer = models.TextField(blank=True)  # what the ERP answered
    batch_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["company", "subject", "subject_id"], name="audit_by_subject"),
            # What the queue does has no batch, and is most of it.
            models.Index(
                fields=["company", "batch_id"], name="audit_by_batch", condition=models.Q(batch_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.label}"


class Mail(models.Model):
    """A mail to one person: waits while `due_at` is set, then was sent, or is given up (`companies.mail`)."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="mails")
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mails")
    guid = models.UUIDField(default=uuid4, editable=False)  # its Message-ID, the same at every try
    subject = models.CharField(max_length=250)
    body = models.TextField()
    batch_id = models.BigIntegerField(null=True)  # the click it tells of
    made_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now(), null=True)
    tries = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)  # of the last try

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], name="mails_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["company", "batch_id"], name="mails_by_batch"),
        ]

    def __str__(self) -> str:
        return self.subject


class SignInAttempt(models.Model):
    """A failed sign-in, once for each limit that it counts against; too many are told to wait (`companies.sign_in`)."""

    key = models.CharField(max_length=200)  # "pair:<network>:<name>", "address:<network>", ...
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["key", "at"], name="sign_in_attempts_by_key")]

    def __str__(self) -> str:
        return self.key
