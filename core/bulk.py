"""Writing many rows at once.

Where each has values of its own, they all travel as one JSON parameter: bulk_create's thousand placeholders, and
bulk_update's CASE per row and field, cost more than the call to the ERP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Field, Model, QuerySet, Value
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.sql import Query

PORTION = 5000  # rows of one parameter
NUL = r"\u0000"  # as JSON writes it


def insert_each(rows: Sequence[Model], fields: Sequence[str], *, ignore_conflicts: bool = False) -> None:
    """INSERT the rows with these fields; the others get the database's defaults, and the rows no id."""
    for start in range(0, len(rows), PORTION):
        columns = [_column(type(rows[0]), name) for name in fields]
        part = rows[start : start + PORTION]
        values = [{column: _written(getattr(row, column)) for column in columns} for row in part]
        insert_values(type(rows[0]), values, ignore_conflicts=ignore_conflicts)


def insert_values(model: type[Model], values: Sequence[Mapping[str, Any]], *, ignore_conflicts: bool = False) -> None:
    """The same for rows that are values by column, all of the same columns. A GUID must be `hex` by then."""
    for start in range(0, len(values), PORTION):
        table, columns = model._meta.db_table, list(values[0])
        listed = ", ".join(columns)
        unless = " WHERE true ON CONFLICT DO NOTHING" if ignore_conflicts else ""  # SQLite needs the WHERE
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {_source(table, columns)} AS new{unless}",  # noqa: S608
                [as_json(values[start : start + PORTION])],
            )


def insert_from(
    model: type[Model], rows: QuerySet[Any], values: Mapping[str, Any], *, ignore_conflicts: bool = False
) -> int:
    """INSERT a row for each of `rows`, in one statement, and return how many it was.

    `values` are by column: expressions over `rows`, or values that all share. Columns without one get the database's
    default.
    """
    selected = [value if hasattr(value, "resolve_expression") else Value(value) for value in values.values()]
    try:
        select, params = rows.order_by().values_list(*selected).query.sql_with_params()
    except EmptyResultSet:  # `rows` are none by their own words: pk__in=[]
        return 0
    unless = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {model._meta.db_table} ({', '.join(values)}) {select}{unless}", params)
        return cursor.rowcount


def own_values(row: Model) -> dict[str, Any]:
    """What a row says by column, without what is None or is left to the database."""
    columns = [_column(type(row), name) for name in own_fields(type(row))]
    return {column: value for column in columns if (value := getattr(row, column)) is not None}


def listed(ids: Sequence[int]) -> RawSQL:
    """The ids for `pk__in`, as one parameter however many there are."""
    if connection.vendor == "postgresql":
        return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])
    return RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(ids))])


def own_fields(model: type[Model]) -> list[str]:
    """The fields that the database does not fill in by itself."""
    fields = model._meta.concrete_fields
    return [field.name for field in fields if not field.primary_key and not field.has_db_default()]


def update_each(
    model: type[Model],
    values: Sequence[Mapping[str, Any]],
    where: dict[str, Any] | None = None,
    key: str = "id",
    **shared: Combinable,
) -> int:
    """Write these values, by column and all of the same columns, each into its row, and return how many it wrote.

    It is one UPDATE. `key` is the column that tells the rows apart, `where` holds column values that a row must still
    have; `shared` are expressions that every row gets.
    """
    if not values:
        return 0
    table, columns = model._meta.db_table, list(values[0])
    sets, params = set_clauses(model, shared)
    sets += [f"{column} = new.{column}" for column in columns if column != key]
    # The guards speak of `new`, too: else the database goes through all rows in that state for the few that are meant.
    meant = f"(new.{key} IS NOT NULL)"
    guards = [f"{table}.{key} = new.{key}", *(f"({table}.{column} = %s) = {meant}" for column in where or {})]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {', '.join(sets)} FROM {_source(table, columns)} AS new WHERE {' AND '.join(guards)}",  # noqa: S608
            [*params, as_json(values), *(where or {}).values()],
        )
        return cursor.rowcount


def set_clauses(model: type[Model], shared: Mapping[str, Any]) -> tuple[list[str], list[Any]]:
    """Values and expressions over the row as SET clauses, with their parameters."""
    query, sets, params = Query(model), [], []
    compiler = query.get_compiler(connection=connection)
    for name, expression in shared.items():
        value = expression if hasattr(expression, "resolve_expression") else Value(expression)
        sql, its_params = compiler.compile(value.resolve_expression(query))
        sets.append(f"{_column(model, name)} = {sql}")
        params += its_params
    return sets, params


def _written(value: Any) -> Any:
    """A value as both databases read it from JSON."""
    return value.hex if isinstance(value, UUID) else value


def _column(model: type[Model], field: str) -> str:
    return cast("Field[Any, Any]", model._meta.get_field(field)).attname


def _source(table: str, columns: list[str]) -> str:
    """The JSON parameter as a table."""
    if connection.vendor == "postgresql":
        return f"jsonb_populate_recordset(NULL::{table}, %s)"
    picked = ", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in columns)
    return f"(SELECT {picked} FROM json_each(%s))"  # noqa: S608


def as_json(values: Sequence[Mapping[str, Any]]) -> str:
    """The values as both databases read them, without what they cannot store. A GUID must be `hex` by then."""
    try:
        text = orjson.dumps(values, default=_adapted, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:  # half a character, a number of more than 64 bits, or what json refuses, too
        return json.dumps(_storable(values), default=_adapted)
    return json.dumps(_storable(values), default=_adapted) if NUL in text else text


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot store, NUL and lone surrogates: ERPs do answer garbage."""
    return text.encode(errors="replace").decode().replace("\0", "")


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case dict():
            return {key: _storable(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_storable(inner) for inner in value]
    return value


def _adapted(value: Any) -> str:
    """What JSON does not carry, as both databases read it: datetimes, and nothing else."""
    if not isinstance(value, datetime):
        raise TypeError(f"{type(value).__name__} is not written as JSON.")
    return str(connection.ops.adapt_datetimefield_value(value))
