"""A connection: one ERP of one company, as it is configured, with its lease and its breaker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zlib import crc32

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models.functions import Coalesce, Now
from django.db.models.lookups import GreaterThan
from django.utils.text import slugify

from companies.audit import record
from companies.models import Company
from core.clock import in_seconds
from erp_integrations.base import Delivery, GLAccountData
from erp_integrations.errors import ConfigurationError
from erp_integrations.fields import EncryptedJSONField

if TYPE_CHECKING:
    from erp_integrations.base import Adapter, Capabilities

RESERVED_SLUGS = frozenset({"supported", "new", "send", "recall", "questions"})  # pages beside the connections
NAME_TAKEN = "This company has a connection of that name already. Choose another."
SILENCE_S = 24 * 3600  # of a connector that should call: then the pages say so


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def free(self) -> ConnectionQuerySet:
        """Connections that nobody holds the lease of, by the database's clock."""
        return self.filter(models.Q(lease_until=None) | models.Q(lease_until__lt=Now()))

    def held(self) -> ConnectionQuerySet:
        """Connections whose lease somebody holds, by the same clock."""
        return self.filter(lease_until__gt=Now())

    def clock(self) -> datetime:
        """The database's clock, asked by way of this one connection."""
        return self.values_list(Now(), flat=True).get()

    def for_pages(self) -> ConnectionQuerySet:
        """Connections as pages show them: without secrets, with how long it is since the ERP was heard of."""
        heard = Coalesce("last_contact_at", "created_at")
        return self.defer("credentials").annotate(was_silent=GreaterThan(in_seconds(-SILENCE_S), heard))

    def pushed(self) -> ConnectionQuerySet:
        """Connections whose ERP we call; the others' connectors call us."""
        from erp_integrations.registry import adapter_classes

        pulled = [key for key, adapter in adapter_classes().items() if adapter.delivery is Delivery.PULL]
        return self.exclude(erp__in=pulled) if pulled else self

    def has_name(self, name: str) -> bool:
        """Whether one of them is called so, in capitals or not. Within `naming` this stays true until it ends."""
        return name.casefold() in {other.casefold() for other in self.values_list("name", flat=True)}

    def connect(
        self,
        company: Company,
        actor: AbstractBaseUser | None,
        erp: str,
        name: str,
        options: Mapping[str, Any],
        credentials: Mapping[str, str],
    ) -> Connection:
        """Create a connection; its slug comes from the name and is its own within the company."""
        values = {"erp": erp, "name": name, "options": options, "credentials": credentials}
        with transaction.atomic():
            for slug in _slugs(name, erp):
                connection, is_new = self.get_or_create(company=company, slug=slug, defaults=values)
                if is_new:
                    break
            record(company, actor, "connection.created", connection, new=connection.adapter_class.label)
        return connection


@contextmanager
def naming(company: Company) -> Iterator[None]:
    """A transaction in which nobody else names a connection of this company: two at once take turns."""
    with transaction.atomic():
        Company.objects.select_for_update(no_key=True).get(pk=company.pk)
        yield


def _slugs(name: str, erp: str) -> Iterator[str]:
    """practice-erp, practice-erp-2, practice-erp-3, ..."""
    stem = slugify(name)[:50] or erp
    if stem not in RESERVED_SLUGS:
        yield stem
    yield from (f"{stem}-{number}" for number in count(2))


class Connection(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active", "Connected"
        PAUSED = "paused", "Paused"
        BROKEN = "broken", "Needs attention"  # a ConfigurationError; a person must mend it

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="connections")
    guid = models.UUIDField(default=uuid4, unique=True, editable=False)  # two installations may share an ERP
    erp = models.CharField(max_length=60)  # key of the adapter
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=60)
    options = models.JSONField(default=dict)
    credentials = EncryptedJSONField(default=dict)
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    state_message = models.TextField(blank=True)  # why it is broken, or its last call failed, for people
    created_at = models.DateTimeField(db_default=Now())
    last_contact_at = models.DateTimeField(null=True)
    books = models.CharField(max_length=255, blank=True)  # what a pulled ERP said of itself when it last called
    gl_accounts_synced_at = models.DateTimeField(null=True)
    gl_accounts_asked_at = models.DateTimeField(null=True)  # of a pulled ERP: to be brought at its next call
    default_income_account = models.ForeignKey("GLAccount", on_delete=models.SET_NULL, null=True, related_name="+")
    default_expense_account = models.ForeignKey("GLAccount", on_delete=models.SET_NULL, null=True, related_name="+")

    # The lease: whoever holds it alone speaks with the ERP. Each holder has a token of its own (fencing).
    lease_token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    # The breaker: after failures in a row the connection is left alone until `open_until`.
    failures_in_a_row = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)

    was_silent: bool  # what `for_pages` reads besides
    siblings: Sequence[Connection]  # all of the company, itself too: what `views.connection_of` gives to the pages
    has_unseen: bool  # did its reader ask something whose answer was not shown yet? From the same

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["company", "slug"], name="one_connection_per_slug")]

    def __str__(self) -> str:
        return self.name

    @property
    def adapter_class(self) -> type[Adapter]:
        from erp_integrations.registry import adapter_class

        return adapter_class(self.erp)

    @property
    def capabilities(self) -> Capabilities:
        """What this connection can do, with the options that it has."""
        return self.adapter_class.capabilities_with(self.options)

    def adapter(self) -> Adapter:
        """Raises ConfigurationError when it is not installed or does not know an option that is stored."""
        adapter_class = self.adapter_class
        known = adapter_class.options_form().base_fields
        if unknown := sorted({*self.options, *self.credentials} - set(known)):
            raise ConfigurationError(
                f"{adapter_class.label} does not know the option {unknown[0]}. Save the Settings anew."
            )
        return adapter_class(self.pk, self.options, self.credentials)

    @property
    def is_running(self) -> bool:
        """Whether nothing holds it back: no pause, no broken configuration, no failures in a row."""
        return self.state == self.State.ACTIVE and not self.failures_in_a_row

    @property
    def is_retrying(self) -> bool:
        """Whether its last call failed, so that it is tried again by itself."""
        return self.state == self.State.ACTIVE and self.failures_in_a_row > 0

    @property
    def mark(self) -> str:
        """What the head of a page says of it, as a number: an open page asks whether it is still so."""
        seen = self.last_contact_at if self.is_pulled else None
        said = (self.state, self.state_message, self.is_retrying, self.open_until, seen, self.is_silent, self.books)
        return str(crc32(repr(said).encode()))

    def note_contact(self) -> None:
        """The ERP answered just now."""
        Connection.objects.filter(pk=self.pk).update(last_contact_at=Now())

    def note_works(self, actor: AbstractBaseUser | None) -> None:
        """The ERP answered a test of the saved settings just now: what was broken is mended."""
        self.note_contact()
        broken = Connection.objects.filter(pk=self.pk, state=self.State.BROKEN)
        values = {"state": self.State.ACTIVE, "failures_in_a_row": 0, "open_until": None}
        self._turn(actor, broken, "connection.resumed", **values)

    def note_broken(self, actor: AbstractBaseUser | None, message: str) -> None:
        """The saved settings do not work, and will not until a person mends them. A paused connection stays paused."""
        others = Connection.objects.filter(pk=self.pk, state__in=(self.State.ACTIVE, self.State.BROKEN))
        with transaction.atomic():
            news = others.exclude(state=self.State.BROKEN, state_message=message)
            if news.update(state=self.State.BROKEN, state_message=message):
                record(self.company, actor, "connection.broken", self, new=message)

    def pause(self, actor: AbstractBaseUser) -> bool:
        """Send nothing more until someone resumes. False: it was paused already."""
        running = Connection.objects.filter(pk=self.pk).exclude(state=self.State.PAUSED)
        return self._turn(actor, running, "connection.paused", state=self.State.PAUSED)

    def resume(self, actor: AbstractBaseUser) -> bool:
        """Go on at once, after a pause, a broken configuration or failures in a row. False: nothing held it."""
        held = Connection.objects.filter(pk=self.pk).exclude(state=self.State.ACTIVE, failures_in_a_row=0)
        values = {"state": self.State.ACTIVE, "failures_in_a_row": 0, "open_until": None}
        return self._turn(actor, held, "connection.resumed", **values)

    def _turn(
        self, actor: AbstractBaseUser | None, fitting: models.QuerySet[Connection], action: str, **values: Any
    ) -> bool:
        with transaction.atomic():
            turned = fitting.update(state_message="", **values) == 1
            if turned:
                record(self.company, actor, action, self, old=self.get_state_display())
        self.refresh_from_db(fields=["state", "state_message", "failures_in_a_row", "open_until"])
        return turned

    def sync_gl_accounts(self, actor: AbstractBaseUser | None) -> int:
        """Read the chart of accounts from the ERP and keep it; how many accounts it has. Raises ERPError.

        Not inside a transaction: the ERP is called. Accounts that vanished become inactive, since codes refer to them.
        """
        return self.keep_gl_accounts(self.adapter().fetch_gl_accounts(), actor)

    def keep_gl_accounts(self, accounts: Iterable[GLAccountData], actor: AbstractBaseUser | None) -> int:
        """Keep the chart of accounts as the ERP told it; how many accounts it has. Raises ConfigurationError."""
        chart = {account.remote_id: account for account in accounts}
        if not chart:
            raise ConfigurationError(f"{self.name} has no GL accounts. Give these books a chart of accounts first.")
        with transaction.atomic():
            changes = self.gl_accounts.replace_with(self, chart)
            Connection.objects.filter(pk=self.pk).update(
                gl_accounts_synced_at=Now(), gl_accounts_asked_at=None, last_contact_at=Now()
            )
            record(self.company, actor, "accounts.synced", self, new=changes)
        return len(chart)

    def ask_for_gl_accounts(self) -> None:
        """Have the connector of a pulled ERP bring the chart of accounts at its next call."""
        Connection.objects.filter(pk=self.pk).update(gl_accounts_asked_at=Now())

    @property
    def is_pulled(self) -> bool:
        """Whether the ERP's connector calls us."""
        return self.adapter_class.delivery is Delivery.PULL

    @property
    def is_silent(self) -> bool:
        """Whether the connector of a pulled ERP has not called for a day; of one that was read `for_pages`."""
        return self.is_pulled and self.was_silent
