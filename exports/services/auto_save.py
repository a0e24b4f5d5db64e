"""The auto-save: both accounts of one code, checked, written and recorded by one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import BigIntegerField, CharField, SlugField, TextField, Value
from django.db.models.functions import Concat, Now
from django.db.models.sql import Query

from companies.models import AuditEvent, Member
from core import statements
from core.bulk import set_clauses
from core.statements import Given, Rows
from erp_integrations.base import ACCOUNT_FIELDS, Capabilities
from exports.models import (
    ASSIGNABLE,
    LINKABLE,
    CodeExport,
    CodeExportQuerySet,
    Conflict,
    Invalid,
    Status,
    identity_of,
    label_of,
    may_have,
    picked_of,
    source_of,
)
from wbs.models import Hold

STAYS, KEPT, NONE, OTHER = range(4)  # what becomes of an account; KEPT: it changed in the ERP, and is kept as it is now


@Rows
def _rows() -> CodeExportQuerySet:
    found = CodeExport.objects.filter(
        pk=Given("id", BigIntegerField()),
        company=Given("company", BigIntegerField()),
        connection__slug=Given("connection", SlugField()),
    )
    return found.for_review().select_related("connection__company").defer("connection__credentials")


@dataclass(frozen=True)
class Change:
    """What a save does to a row, but for the values: each has a statement of its own."""

    income: int
    expense: int
    takes_message: bool  # it said why the code came back: that is dealt with

    @property
    def states(self) -> tuple[Status, ...]:
        """From which it may start."""
        return ASSIGNABLE if {NONE, OTHER} & {self.income, self.expense} else LINKABLE


def assign(
    export_id: int,
    member: Member,
    connection_slug: str,
    version: int,
    income_id: int | None,
    expense_id: int | None,
    kept: Mapping[str, str] | None = None,
) -> CodeExport:
    """Set both accounts of one READY or FAILED code and return the row as it is then.

    What the row holds already is not written again, unless it is kept although it changed in the ERP: `kept` tells, by
    field, how such an account reads where someone decided that. Raises Conflict (another version, or no longer
    assignable), Invalid (an account that may not be chosen) or CodeExport.DoesNotExist (no such row in the member's
    company).
    """
    row = _rows.first(id=export_id, company=member.company_id, connection=connection_slug)
    if row is None:
        raise CodeExport.DoesNotExist
    wanted = dict(zip(ACCOUNT_FIELDS, (income_id, expense_id), strict=True))
    income, expense = (_becomes(row, field, wanted[field], kept or {}) for field in ACCOUNT_FIELDS)
    if income == expense == STAYS:
        return row
    change = Change(income, expense, takes_message=bool(row.status == Status.READY and row.message))
    if row.version != version or row.status not in change.states:
        raise Conflict(row)
    words = {f"{field}_words": str((wanted[field] and getattr(row, field)) or "none") for field in ACCOUNT_FIELDS}
    picked = {picked_of(field): text for field, text in (kept or {}).items()}
    given = {
        "id": row.pk,
        "version": version,
        "actor": member.user_id,
        "old": row.accounts,
        **wanted,
        **words,
        **picked,
    }
    if not _write(change, row.connection.capabilities, given):
        raise _why_not(row, income_id)
    return _saved(row, change, wanted, picked, member)


def _becomes(row: CodeExport, field: str, account_id: int | None, kept: Mapping[str, str]) -> int:
    if account_id != getattr(row, f"{field}_id"):
        return OTHER if account_id else NONE
    if not account_id or kept.get(field, getattr(row, picked_of(field))) == getattr(row, picked_of(field)):
        return STAYS
    if kept[field] != getattr(row, field).identity:  # it changed again meanwhile
        raise Conflict(row)
    return KEPT


def _saved(
    row: CodeExport, change: Change, wanted: Mapping[str, int | None], picked: Mapping[str, str], member: Member
) -> CodeExport:
    """The row as it is after the save, as far as the page shows it."""
    how = dict(zip(ACCOUNT_FIELDS, (change.income, change.expense), strict=True))
    troubled = [field for field, becomes in how.items() if becomes != STAYS and row.trouble(field)]
    for field, becomes in how.items():
        if becomes in (OTHER, NONE):
            setattr(row, f"{field}_id", wanted[field])
            setattr(row, source_of(field), "")
        elif becomes == KEPT:
            setattr(row, picked_of(field), picked[picked_of(field)])
    row.released = [field for field in troubled if how[field] != KEPT or not row.trouble(field)]
    if change.takes_message:
        row.message = ""
    row.version, row.changed_by_id = row.version + 1, member.user_id
    return row


def _why_not(row: CodeExport, income_id: int | None) -> Conflict | Invalid:
    fresh = _rows.first(id=row.pk, company=row.company_id, connection=row.connection.slug)
    if fresh is None:
        raise CodeExport.DoesNotExist
    if fresh.version != row.version or fresh.status not in ASSIGNABLE:
        return Conflict(fresh)
    income_fits = CodeExport.objects.filter(may_have("income_account", income_id, row.connection.capabilities))
    kind = "expense" if income_fits.filter(pk=row.pk).exists() else "income"
    return Invalid(f"This account cannot be the {kind} account of {row.code}. Choose one of the list.")


def _write(change: Change, able: Capabilities, given: Mapping[str, Any]) -> bool:
    """Whether the row was still as it was read, and the accounts are offered; only then something is written."""
    first, *others = _statements(change, able)
    if database.vendor == "postgresql":
        return bool(_run(first, given))
    with transaction.atomic():
        written = _run(first, given)
        for one in others if written else ():
            _run(one, given)
    return bool(written)


def _run(statement: tuple[str, list[Any]], given: Mapping[str, Any]) -> int:
    sql, params = statement
    with statements.run(sql, statements.with_given(params, given)) as cursor:
        return int(cursor.rowcount)


@lru_cache(maxsize=200)
def _statements(change: Change, able: Capabilities) -> list[tuple[str, list[Any]]]:
    """On PostgreSQL one, which returns the row that it wrote; on SQLite as many as there are tables."""
    update, params = _update(change, able)
    event, event_params = _event(change)
    hold = f"UPDATE {Hold._meta.db_table} AS h SET note = '' FROM saved"  # noqa: S608
    hold += " WHERE h.connection_id = saved.connection_id AND h.item_id = saved.item_id"
    told = "id, company_id, connection_id, item_id, code"
    if database.vendor == "postgresql":
        parts = [f"saved AS ({update} RETURNING {told})", f"event AS ({event})"]
        parts += [f"hold AS ({hold})"] * change.takes_message
        return [statements.written_out(f"WITH {', '.join(parts)} SELECT id FROM saved", [*params, *event_params])]  # noqa: S608
    saved = f"WITH saved AS (SELECT {told} FROM {CodeExport._meta.db_table} WHERE id = %s)"  # noqa: S608
    mine = [Given("id", BigIntegerField())]
    others = [(f"{saved} {event}", [*mine, *event_params])]
    others += [(f"{saved} {hold}", [*mine])] * change.takes_message
    return [(update, params), *others]


def _update(change: Change, able: Capabilities) -> tuple[str, list[Any]]:
    rows = CodeExport.objects.filter(
        pk=Given("id", BigIntegerField()), version=Given("version", BigIntegerField()), status__in=change.states
    )
    sets: dict[str, Any] = {
        "version": Given("version", BigIntegerField()) + Value(1),
        "changed_at": Now(),
        "changed_by": Given("actor", BigIntegerField()),
    }
    if change.takes_message:
        sets["message"] = ""
    for field, becomes in zip(ACCOUNT_FIELDS, (change.income, change.expense), strict=True):
        if becomes in (OTHER, NONE):  # it is no default any more
            account = Given(field, BigIntegerField()) if becomes == OTHER else None
            rows = rows.filter(may_have(field, account, able))
            sets |= {field: account, source_of(field): "", picked_of(field): identity_of(account)}
        elif becomes == KEPT:
            sets[picked_of(field)] = Given(picked_of(field), CharField())
    listed, params = set_clauses(CodeExport, sets)
    where, where_params = rows.query.get_compiler(connection=database).compile(rows.query.where)
    return f"UPDATE {CodeExport._meta.db_table} SET {', '.join(listed)} WHERE {where}", [*params, *where_params]  # noqa: S608


def _event(change: Change) -> tuple[str, list[Any]]:
    income, expense = (
        label_of(Given(field, BigIntegerField())) if becomes == OTHER else Given(f"{field}_words", CharField())
        for field, becomes in zip(ACCOUNT_FIELDS, (change.income, change.expense), strict=True)
    )
    new = Concat(Value("Income: "), income, Value("; Expense: "), expense)
    query = Query(CodeExport)
    new_sql, params = query.get_compiler(connection=database).compile(new.resolve_expression(query))
    columns = "company_id, actor_id, action, subject, subject_id, label, old, new, answer"
    select = f"company_id, %s, 'export.assigned', 'export', id, code, %s, {new_sql}, ''"
    given = [Given("actor", BigIntegerField()), Given("old", TextField()), *params]
    return f"INSERT INTO {AuditEvent._meta.db_table} ({columns}) SELECT {select} FROM saved", given  # noqa: S608
