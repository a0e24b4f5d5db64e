"""Default accounts: of the code itself, else of the nearest division above it, else of the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, CharField, Expression, F, Field, OuterRef, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from companies.models import Member
from erp_integrations.base import ACCOUNT_FIELDS, kinds_of
from erp_integrations.models import Connection, GLAccount
from wbs.codes import MAX_TIERS, split
from wbs.models import SegmentItem, keep_default_accounts

UPWARDS = ["pk", *("__".join(["parent"] * steps) for steps in range(1, MAX_TIERS))]  # of an item: itself, its divisions


@dataclass(frozen=True)
class Default:
    """An account that is inherited, and from whom: "03", or the connection's name."""

    account: GLAccount
    source: str


@dataclass(frozen=True)
class Inherited:
    """What items get for one field, in SQL over items, null for one that gets nothing."""

    account: Expression
    words: Expression  # the account as people read it
    picked: Expression  # how it reads now, for the field that keeps that
    source: Expression  # from whom it is


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

    def inherited(self, field: str) -> Inherited | None:
        """What items get, each of its own, of the nearest division above it, or of the connection; None: none does."""
        if not self._by_key[field] and field not in self._last:
            return None
        return Inherited(
            account=self._of_item(field, F(f"{field}_id"), lambda last: last.account.pk, BigIntegerField()),
            words=self._of_item(field, GLAccount.label(field), lambda last: str(last.account), CharField()),
            picked=self._of_item(field, GLAccount.identity_sql(field), lambda last: last.account.identity, CharField()),
            source=self._of_item(field, F("item__full_code"), lambda last: last.source, CharField()),
        )

    def _of_item(
        self, field: str, column: Combinable, told: Callable[[Default], Any], kind: Field[Any, Any]
    ) -> Coalesce:
        usable = GLAccount.objects.active().of_kinds(kinds_of(self.connection.capabilities, field))
        rows = self.connection.default_accounts.filter(**{f"{field}__in": usable})
        found = [Subquery(rows.filter(item=OuterRef(path)).values_list(column)) for path in UPWARDS] if self.own else []
        last = told(self._last[field]) if field in self._last else None
        return Coalesce(*found, Value(last, kind), Value(None, kind), output_field=kind)

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


def of_item(value: Expression | F) -> Subquery:
    """What such SQL gives for the item of an export, in SQL over exports."""
    return Subquery(SegmentItem.objects.filter(pk=OuterRef("item_id")).values_list(value))


def of_item_or(value: Expression, otherwise: Combinable) -> Coalesce:
    """The same, and what it is where that is null."""
    return Coalesce(of_item(value), otherwise, output_field=value.output_field)


def set_defaults(
    member: Member, connection: Connection, item: SegmentItem, income: GLAccount | None, expense: GLAccount | None
) -> bool:
    """Give a code or division its defaults; None is inherited. False: it had them already.

    The connection's row is locked first, so that a click which looks them up again and again finds the same.
    """
    wanted = zip(ACCOUNT_FIELDS, (income, expense), strict=True)
    accounts = {field: account.pk if account else None for field, account in wanted}
    return keep_default_accounts(connection, {item.pk: accounts}, member.user) > 0
