"""What the server remembers between two calls of a Web Connector: any web process may answer the next one."""

from __future__ import annotations

import hashlib
import secrets
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now

from companies.audit import record
from erp_integrations.base import CodeData
from erp_integrations.models import Connection


class Access(models.Model):
    """The password with which the connector of a connection signs in; only its hash is kept."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="web_connector_access")
    password_hash = models.CharField(max_length=128)
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return username_of(self.connection)

    @classmethod
    def renew(cls, connection: Connection, actor: AbstractBaseUser) -> str:
        """Make a new password of 160 bits and return it, this once. The old one is no longer good."""
        password = secrets.token_urlsafe(20)
        with transaction.atomic():
            values = {"password_hash": make_password(password), "made_at": Now()}
            cls.objects.update_or_create(connection=connection, defaults=values)
            record(
                connection.company, actor, "connection.changed", connection, label=f"{connection}: Password", new="made"
            )
        return password

    @classmethod
    def admits(cls, connection: Connection, username: str, password: str) -> bool:
        access = cls.objects.filter(connection=connection).first()
        known = access.password_hash if access else make_password(None)
        return check_password(password, known) and username == username_of(connection)


def username_of(connection: Connection) -> str:
    """One for each connection: the connector tells its applications apart by it."""
    return f"tieback-{connection.guid.hex[:12]}"


class PollQuerySet(models.QuerySet["Poll"]):
    def of_ticket(self, guid: UUID, ticket: str) -> Poll | None:
        """The poll that this connection gave the ticket to; None for a ticket that is unknown or another's."""
        polls = self.filter(connection__guid=guid, ticket_hash=hash_of(ticket))
        return polls.select_related("connection").first()


class Poll(models.Model):
    """One session of a connector, from `authenticate` to `closeConnection`. Its ticket stands for the lease."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="polls")
    ticket_hash = models.CharField(max_length=64, unique=True)
    token = models.BigIntegerField()  # of the lease
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    has_greeted = models.BooleanField(default=False)  # the company file that is open was told, and is ours
    settled = models.PositiveIntegerField(default=0)  # codes about which it brought an answer
    look_up_size = models.PositiveIntegerField(null=True)  # codes of one look-up; null: as many as the adapter allows
    unanswered = models.PositiveSmallIntegerField(default=0)  # codes that were asked about alone, in vain
    percent = models.SmallIntegerField(default=0)  # last answer to receiveResponseXML: told again if asked again
    said = models.TextField(blank=True)  # how it ended, for the connector's log and our Settings
    detail = models.TextField(blank=True)  # QuickBooks' own words

    objects = PollQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connection", "-id"], name="polls_of_connection")]

    def __str__(self) -> str:
        return f"Poll {self.pk}"


class Message(models.Model):
    """One document for the ERP, stored with its exact text before it is handed out.

    An export stays open until its answer is read: until then it is handed out again, word for word and under the same
    key, so that QuickBooks tells what became of it instead of doing it twice.
    """

    class Kind(models.TextChoices):
        ACCOUNTS = "accounts", "GL accounts"
        FIND = "find", "Look up"
        EXPORT = "export", "Export"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=10, choices=Kind)
    key = models.CharField(max_length=22)
    token = models.BigIntegerField()  # of the lease under which it was made
    text = models.TextField()
    codes = models.JSONField(default=list)  # of CodeData, as they were sent
    times = models.PositiveSmallIntegerField(default=0)  # handed out
    made_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["connection", "-id"], name="messages_of_connection")]
        constraints = [
            models.UniqueConstraint(fields=["connection"], condition=Q(answered_at=None), name="one_open_message")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.key}"

    @property
    def code_data(self) -> list[CodeData]:
        return [CodeData(**{**code, "tiers": tuple(code["tiers"])}) for code in self.codes]


def hash_of(ticket: str) -> str:
    return hashlib.sha256(ticket.encode(errors="replace")).hexdigest()
