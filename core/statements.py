"""Statements that are put together once per process and run again and again: PostgreSQL keeps their plans, too.

Django builds each statement anew and sends it with its values written into it, so that the database plans it anew, too:
for what is asked a thousand times a minute, that costs more than what it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import psycopg
import psycopg.sql
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.base import ModelState
from django.db.models.query import get_related_populators
from django.db.models.sql import Query

BY_ITSELF_NEVER = 2**31
M = TypeVar("M", bound=Model)


class _Prepared(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **how: Any) -> _Prepared:
        super().execute(query, params, prepare=True, **how)
        if connection.queries_logged:  # Django's log of queries reads it there
            self._query = self._convert_query(query, params)
        return self


def run(sql: str, params: Sequence[Any]) -> CursorWrapper:
    """Run the statement and return its cursor, to be used as a context."""
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        # Django sets None, with which psycopg prepares nothing, whatever `execute` is told. Other cursors are not
        # concerned: they write the values into their statements.
        connection.connection.prepare_threshold = BY_ITSELF_NEVER
        cursor = connection._prepare_cursor(_Prepared(connection.connection))  # type: ignore[attr-defined]
    else:
        cursor = connection.cursor()
    cursor.execute(sql, params)
    return cursor


def column(sql: str, params: Sequence[Any]) -> list[Any]:
    """Run the statement: the one column of its rows."""
    with run(sql, params) as cursor:
        return [value for (value,) in cursor.fetchall()]


def _unprepared(sql: str, params: Sequence[Any]) -> CursorWrapper:
    """As `run`, but not prepared."""
    cursor = connection.cursor()
    cursor.execute(sql, params)
    return cursor


def takes_for_one(key: str) -> str:
    """A condition on values that are given, by the key that each has: it holds, and PostgreSQL expects one row of it.

    So the rows of a table that they mean are found by its index. A prepared statement keeps its plan while the tables
    fill, and one that was made when they were small would go through the whole of them, for each call.
    """
    return f"({key} > 0) = ({key} IS NOT NULL)"


class Given(Value):
    """Stands in an expression for a value that is given each time its statement is run, by this name."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(name, output_field=field)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        return "%s", (self,)


def with_given(params: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    """The parameters of a compiled statement, each `Given` among them replaced by what it stands for."""
    return [given[param.value] if isinstance(param, Given) else param for param in params]


def written_out(sql: str, params: Sequence[Any]) -> tuple[str, list[Given]]:
    """The statement with its constants written into it: only what is `Given` is left a parameter.

    PostgreSQL tells the type of a literal by what stands around it; of a parameter it often cannot.
    """
    if connection.vendor != "postgresql":
        return sql, list(params)
    left = iter(params)

    def filled(mark: re.Match[str]) -> str:
        value = next(left) if mark[0] == "%s" else None
        return mark[0] if value is None or isinstance(value, Given) else _literal(value)

    return re.sub("%[s%]", filled, sql), [param for param in params if isinstance(param, Given)]


def _literal(value: Any) -> str:
    connection.ensure_connection()
    return psycopg.sql.Literal(value).as_string(connection.connection).replace("%", "%%")


class Rows(Generic[M]):
    """Rows of a model that are asked for again and again: of a queryset with `Given` in it, which is built once.

    Decorates the function that builds it. `is_planned_anew`: what the best plan is changes as the tables fill.
    """

    def __init__(self, build: Callable[[], QuerySet[M]], *, is_planned_anew: bool = False) -> None:
        self.build, self.is_planned_anew = build, is_planned_anew

    @cached_property
    def _compiled(self) -> _Compiled:
        return _Compiled(self.build().query)

    def first(self, **given: Any) -> M | None:
        """The first of them, or None."""
        return next(iter(self.all(**given)), None)

    def all(self, **given: Any) -> list[M]:
        """All of them, with what the queryset selects of other tables."""
        return self._read(self._compiled.sql, given)

    def some(self, most: int, **given: Any) -> list[M]:
        """So many of them at the most."""
        return self._read(f"{self._compiled.sql} LIMIT {int(most)}", given)

    def exist(self, **given: Any) -> bool:
        """Whether there are any."""
        with self._execute(f"SELECT EXISTS ({self._compiled.sql})", given) as cursor:
            return bool(cursor.fetchone()[0])

    def _read(self, sql: str, given: Mapping[str, Any]) -> list[M]:
        compiled = self._compiled
        with self._execute(sql, given) as cursor:
            return [compiled.instance(row) for row in compiled.converted(cursor.fetchall())]

    def _execute(self, sql: str, given: Mapping[str, Any]) -> CursorWrapper:
        execute = _unprepared if self.is_planned_anew else run
        return execute(sql, with_given(self._compiled.params, given))


class _Compiled:
    """A SELECT of whole rows, as Django's own iterable of models makes them, but for what is the same each time."""

    def __init__(self, query: Query) -> None:
        compiler = query.get_compiler(connection=connection)
        self.sql, self.params = written_out(*compiler.as_sql())
        wanted, self.annotations = compiler.klass_info, compiler.annotation_col_map or {}
        fields = wanted["select_fields"]
        self.start, self.end = fields[0], fields[-1] + 1
        self.model, self.alias = wanted["model"], connection.alias
        self.names = [column[0].target.attname for column in compiler.select[self.start : self.end]]
        self.related = get_related_populators(wanted, compiler.select, connection.alias)  # type: ignore[call-arg]  # its stubs are ahead
        self.converters = compiler.get_converters([column[0] for column in compiler.select])

    def converted(self, rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
        """Rows as the database gave them, with the values that Python has."""
        found = [list(row) for row in rows]
        for place, (converters, expression) in self.converters.items():
            for row in found:
                for convert in converters:
                    row[place] = convert(row[place], expression, connection)
        return found

    def instance(self, row: Sequence[Any]) -> Any:
        """As `Model.from_db` makes it, but for the detour through `__init__`, which costs more than the query."""
        made = self.model.__new__(self.model)
        made.__dict__.update(zip(self.names, row[self.start : self.end], strict=True), _state=ModelState())
        made._state.db, made._state.adding = self.alias, False
        for related in self.related:
            related.populate(row, made)
        for name, place in self.annotations.items():
            setattr(made, name, row[place])
        return made
