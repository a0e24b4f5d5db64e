"""Where cost codes go: connections (one configured ERP each) and the GL accounts read from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zlib import crc32

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models.functions import Coalesce, Concat, Now, Trim
from django.db.models.lookups import GreaterThan
from django.utils.text import slugify

from companies.audit import record
from companies.clock import in_seconds
from companies.each import storable
from companies.models import Company
from erp_integrations.base import AccountKind, Delivery, GLAccountData
from erp_integrations.errors import ConfigurationError
from erp_integrations.fields import EncryptedJSONField

if TYPE_CHECKING:
    from erp_integrations.base import Adapter, Capabilities

RESERVED_SLUGS = frozenset({"supported", "new", "send", "recall", "questions"})  # pages beside the connections
CHUNK = 500  # rows per statement
UNTAKEN_S = 300  # so long may a question wait for a worker
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

    # The lease: whoever holds it alone speaks with the ERP. The token rises with each holder (fencing).
    lease_token = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    # The breaker: after failures in a row the connection is left alone until `open_until`.
    failures_in_a_row = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)

    was_silent: bool  # what `for_pages` reads besides
    siblings: list[Connection]  # all of the company, itself too: what `views.connection_of` gives to the pages

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

    def note_works(self, actor: AbstractBaseUser) -> None:
        """The ERP answered a test of the saved settings just now: what was broken is mended."""
        self.note_contact()
        broken = Connection.objects.filter(pk=self.pk, state=self.State.BROKEN)
        values = {"state": self.State.ACTIVE, "failures_in_a_row": 0, "open_until": None}
        self._turn(actor, broken, "connection.resumed", **values)

    def note_broken(self, actor: AbstractBaseUser, message: str) -> None:
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

    def _turn(self, actor: AbstractBaseUser, fitting: models.QuerySet[Connection], action: str, **values: Any) -> bool:
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


class GLAccountQuerySet(models.QuerySet["GLAccount"]):
    def active(self) -> GLAccountQuerySet:
        return self.filter(is_active=True)

    def of_kinds(self, kinds: frozenset[AccountKind]) -> GLAccountQuerySet:
        return self.filter(kind__in=[kind.value for kind in kinds])

    def reading(self, identity: str | models.F) -> GLAccountQuerySet:
        """Those that read like this (`GLAccount.identity`)."""
        return self.alias(reads=GLAccount.identity_sql()).filter(reads=identity)

    def offered(self, kinds: frozenset[AccountKind], chosen: GLAccount | None = None) -> GLAccountQuerySet:
        """What a drop-down offers: active accounts of these kinds, and the one that is chosen already."""
        fitting = models.Q(is_active=True, kind__in=[kind.value for kind in kinds])
        return self.filter(fitting | models.Q(pk=chosen.pk) if chosen else fitting)

    def replace_with(self, connection: Connection, chart: Mapping[str, GLAccountData]) -> str:
        """Make a connection's accounts those of the chart, given by remote id; what changed, in words."""
        held = {account.remote_id: account for account in self}
        fresh = {key: GLAccount.of(connection, data) for key, data in sorted(chart.items())}
        vanished = [account for key, account in held.items() if key not in chart]
        told_apart_by = {account.pk: account.distinction for account in vanished}
        tell_apart([*fresh.values(), *vanished])
        changed = [account for key, account in fresh.items() if key not in held or not account.equals(held[key])]
        gone = [account.pk for account in vanished if account.is_active]
        GLAccount.objects.bulk_create(
            changed,
            batch_size=CHUNK,
            update_conflicts=True,
            unique_fields=["connection", "remote_id"],
            update_fields=list(GLAccount.READ),
        )
        read_anew = [account for account in vanished if account.distinction != told_apart_by[account.pk]]
        GLAccount.objects.bulk_update(read_anew, ["distinction"], batch_size=CHUNK)
        for start in range(0, len(gone), CHUNK):
            self.filter(pk__in=gone[start : start + CHUNK]).update(is_active=False)
        new = len(fresh.keys() - held.keys())
        return f"{len(chart)} accounts: {new} new, {len(changed) - new} changed, {len(gone)} no longer there"


def tell_apart(accounts: Sequence[GLAccount]) -> None:
    """Give a connection's accounts that read alike what tells them apart: their parents, else the ERP's ids."""
    ways: list[Callable[[GLAccount], str]] = [lambda _: "", lambda it: it.parent, lambda it: f"id {it.remote_id}"]
    alike = accounts
    for distinction in ways:
        for account in alike:
            account.distinction = distinction(account)
        counts = Counter(str(account).casefold() for account in accounts)
        alike = [account for account in alike if counts[str(account).casefold()] > 1]


class GLAccount(models.Model):
    """An account of the ERP's chart, as last read from it. Never deleted: codes refer to it."""

    FROM_ERP = ("number", "name", "parent", "kind", "is_active")
    READ = (*FROM_ERP, "distinction")
    KINDS = [(kind.value, kind.value.replace("_", " ").capitalize()) for kind in AccountKind]

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="gl_accounts")
    remote_id = models.CharField(max_length=100)
    number = models.CharField(max_length=50, blank=True)
    name = models.CharField(max_length=255)
    parent = models.CharField(max_length=255, blank=True)
    distinction = models.CharField(max_length=255, blank=True)  # only of one that would read like another
    kind = models.CharField(max_length=30, choices=KINDS)
    is_active = models.BooleanField(default=True)

    objects = GLAccountQuerySet.as_manager()

    class Meta:
        ordering = ["number", "name", "id"]
        constraints = [models.UniqueConstraint(fields=["connection", "remote_id"], name="one_account_per_remote_id")]
        indexes = [models.Index(fields=["connection", "number"], name="accounts_by_number")]

    def __str__(self) -> str:
        """As people read it, everywhere; no other account of the connection reads the same."""
        return f"{self._plain} ({self.distinction})" if self.distinction else self._plain

    @classmethod
    def label(cls, account: str) -> models.Expression:
        """`str` of an account in SQL; `account` names the field that refers to it."""
        told = Concat(models.Value(" ("), f"{account}__distinction", models.Value(")"))
        plain = Trim(Concat(f"{account}__number", models.Value(" "), f"{account}__name"))
        none = models.Case(models.When(**{f"{account}__distinction": ""}, then=models.Value("")), default=told)
        return Concat(plain, none)

    @property
    def identity(self) -> str:
        """What whoever picks it relies on: "income: 4000 Sales"."""
        return f"{self.kind}: {self._plain}"

    @staticmethod
    def identity_sql() -> models.Expression:
        """The same in SQL, of the accounts that are asked for."""
        return Concat("kind", models.Value(": "), Trim(Concat("number", models.Value(" "), "name")))

    def flag(self, kinds: frozenset[AccountKind]) -> str:
        """What a list says of it that would not offer it: "inactive", or its type; empty when it would."""
        if not self.is_active:
            return "inactive"
        return "" if self.kind in kinds else f"type {self.get_kind_display()}"

    @property
    def _plain(self) -> str:
        return f"{self.number} {self.name}".strip()

    @classmethod
    def of(cls, connection: Connection, data: GLAccountData) -> GLAccount:
        return cls(
            connection=connection,
            remote_id=data.remote_id,
            number=_one_line(data.number or "")[:50].strip(),
            name=_one_line(data.name)[:255].strip(),
            parent=_one_line(data.parent)[:255].strip(),
            kind=data.kind.value,
            is_active=data.is_active,
        )

    def equals(self, other: GLAccount) -> bool:
        """Whether the ERP says the same of both, and they read alike."""
        return all(getattr(self, field) == getattr(other, field) for field in self.READ)


def _one_line(text: str) -> str:
    """As a page shows it: with single blanks."""
    return " ".join(text.split())


class QuestionQuerySet(models.QuerySet["Question"]):
    def waiting(self) -> QuestionQuerySet:
        """Those that no worker has taken up."""
        return self.filter(answered_at=None, claimed_until=None)

    def under_way(self) -> QuestionQuerySet:
        """Those that a worker is asking just now, by the database's clock."""
        return self.filter(answered_at=None, claimed_until__gt=Now())

    def overdue(self) -> QuestionQuerySet:
        """Those whose worker is gone, and those that none took up for too long."""
        untaken = models.Q(claimed_until=None, asked_at__lte=in_seconds(-UNTAKEN_S))
        return self.filter(untaken | models.Q(claimed_until__lte=Now()), answered_at=None)


class Question(models.Model):
    """What a page asks an ERP: a worker asks and notes the answer here (`erp_integrations.questions`), the page looks.

    Settings that were typed and not saved are kept until the answer is there; a check of the saved ones keeps none.
    """

    class Kind(models.TextChoices):
        CHECK = "check", "Test Connection"
        CONNECT = "connect", "Connect"
        SYNC = "sync", "Sync GL Accounts"

    guid = models.UUIDField(default=uuid4, unique=True, editable=False)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="questions")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, null=True, related_name="questions")
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
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
