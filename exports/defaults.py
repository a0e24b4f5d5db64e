"""Default accounts: of the code itself, else of the nearest division above it, else of the connection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Case, CharField, Field, Value, When
from django.db.models.expressions import Combinable

from companies.audit import record
from companies.models import Member
from erp_integrations.models import Connection, GLAccount
from exports.models import ACCOUNT_FIELDS, DefaultAccounts, kinds_of
from wbs.codes import split
from wbs.models import SegmentItem


@dataclass(frozen=True)
class Default:
    """An account that is inherited, and from whom: "03", or the connection's name."""

    account: GLAccount
    source: str


class Defaults:
    """All default accounts of one connection that may be chosen now; read in two queries at the most."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        rows = list(connection.default_accounts.select_related("item__segment"))
        self.own = {row.item_id: row for row in rows}
        self._delimiter = rows[0].item.segment.delimiter if rows else ""
        usable = self._usable_accounts()
        self._by_key = {
            field: {
                row.item.full_code_key: Default(usable[field][pk], row.item.full_code)
                for row in rows
                if (pk := getattr(row, f"{field}_id")) in usable[field]
            }
            for field in ACCOUNT_FIELDS
        }
        self._last = {
            field: Default(usable[field][pk], connection.name)
            for field in ACCOUNT_FIELDS
            if (pk := getattr(connection, f"default_{field}_id")) in usable[field]
        }

    def of(self, field: str, code_key: str) -> Default | None:
        """What a code of this key, or its division, gets; its own default comes first."""
        found = (self._by_key[field].get(key) for key in self._upwards(code_key))
        return next((default for default in found if default), self._last.get(field))

    def above(self, field: str, code_key: str) -> Default | None:
        """The same without its own."""
        found = (self._by_key[field].get(key) for key in self._upwards(code_key) if key != code_key)
        return next((default for default in found if default), self._last.get(field))

    def expression(self, field: str, rows: Iterable[tuple[int, str]], key: str, otherwise: Any) -> Combinable | None:
        """What each of these rows (its `key`, its code_key) gets, for an UPDATE; None: none of them gets anything."""
        return self._case(field, rows, key, otherwise, lambda default: default.account.pk, BigIntegerField())

    def words(self, field: str, rows: Iterable[tuple[int, str]], key: str, otherwise: Any) -> Combinable | None:
        """The same as people read it."""
        return self._case(field, rows, key, otherwise, lambda default: str(default.account), CharField())

    def picked(self, field: str, rows: Iterable[tuple[int, str]], key: str, otherwise: Any) -> Combinable | None:
        """How it reads now, for the field that keeps that."""
        return self._case(field, rows, key, otherwise, lambda default: default.account.identity, CharField())

    def sources(self, field: str, rows: Iterable[tuple[int, str]], key: str, otherwise: Any) -> Combinable | None:
        """From whom each gets it."""
        return self._case(field, rows, key, otherwise, lambda default: default.source, CharField())

    def _case(
        self,
        field: str,
        rows: Iterable[tuple[int, str]],
        key: str,
        otherwise: Any,
        value: Callable[[Default], Any],
        kind: Field[Any, Any],
    ) -> Case | None:
        groups: dict[Default, list[int]] = defaultdict(list)
        for pk, code_key in rows:
            if default := self.of(field, code_key):
                groups[default].append(pk)
        whens = [When(**{f"{key}__in": ids}, then=Value(value(default), kind)) for default, ids in groups.items()]
        return Case(*whens, default=otherwise, output_field=kind) if whens else None

    def _upwards(self, code_key: str) -> Iterator[str]:
        tiers = split(code_key, self._delimiter)
        return (self._delimiter.join(tiers[:depth]) for depth in range(len(tiers), 0, -1))

    def _usable_accounts(self) -> dict[str, dict[int | None, GLAccount]]:
        """By field, active accounts of a fitting kind that are a default somewhere."""
        able, connection = self.connection.capabilities, self.connection
        kinds = {field: kinds_of(able, field) for field in ACCOUNT_FIELDS}
        ids = {getattr(row, f"{field}_id") for row in self.own.values() for field in ACCOUNT_FIELDS}
        ids |= {getattr(connection, f"default_{field}_id") for field in ACCOUNT_FIELDS}
        ids -= {None}
        accounts = list(connection.gl_accounts.active().filter(pk__in=ids)) if ids else []
        return {field: {a.pk: a for a in accounts if a.kind in kinds[field]} for field in ACCOUNT_FIELDS}


def set_defaults(
    member: Member, connection: Connection, item: SegmentItem, income: GLAccount | None, expense: GLAccount | None
) -> bool:
    """Give a code or division its defaults; None is inherited. False: it had them already."""
    with transaction.atomic():
        found = connection.default_accounts.select_for_update().filter(item=item)
        old, new = found.first(), {"income_account": income, "expense_account": expense}
        if [getattr(old, field, None) for field in ACCOUNT_FIELDS] == [income, expense]:
            return False
        if income or expense:
            DefaultAccounts.objects.update_or_create(connection=connection, item=item, defaults=new)
        else:
            found.delete()
        told = str(DefaultAccounts(**new))
        label = f"{connection}: Default accounts of {item}"
        record(member.company, member.user, "connection.changed", connection, label=label, old=old or "", new=told)
    return True
