"""The GL accounts of a connection, and how those that read alike are told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from django.db import models
from django.db.models.functions import Concat, Trim

from erp_integrations.base import AccountKind, GLAccountData

if TYPE_CHECKING:
    from erp_integrations.models.connections import Connection

CHUNK = 500  # rows per statement


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

    connection = models.ForeignKey("Connection", on_delete=models.CASCADE, related_name="gl_accounts")
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
        return self.told(self.number, self.name, self.distinction)

    @staticmethod
    def told(number: str, name: str, distinction: str) -> str:
        """`str` of an account that is not read as one."""
        plain = f"{number} {name}".strip()
        return f"{plain} ({distinction})" if distinction else plain

    @staticmethod
    def label(account: str = "") -> models.Expression:
        """`str` of an account in SQL: of those that are asked for, or of the field that refers to one."""
        number, name, distinction = _columns(account, "number", "name", "distinction")
        told = Concat(models.Value(" ("), distinction, models.Value(")"))
        plain = Trim(Concat(number, models.Value(" "), name))
        return Concat(plain, models.Case(models.When(**{distinction: ""}, then=models.Value("")), default=told))

    @property
    def identity(self) -> str:
        """What whoever picks it relies on: "income: 4000 Sales"."""
        return f"{self.kind}: {self.told(self.number, self.name, '')}"

    @staticmethod
    def identity_sql(account: str = "") -> models.Expression:
        """The same in SQL, likewise."""
        kind, number, name = _columns(account, "kind", "number", "name")
        return Concat(kind, models.Value(": "), Trim(Concat(number, models.Value(" "), name)))

    def flag(self, kinds: frozenset[AccountKind]) -> str:
        """What a list says of it that would not offer it: "inactive", or its type; empty when it would."""
        if not self.is_active:
            return "inactive"
        return "" if self.kind in kinds else f"type {self.get_kind_display()}"

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


def _columns(account: str, *names: str) -> list[str]:
    """Fields of the accounts that are asked for, or of those that the field `account` refers to."""
    return [f"{account}__{name}" if account else name for name in names]


def _one_line(text: str) -> str:
    """As a page shows it: with single blanks."""
    return " ".join(text.split())
