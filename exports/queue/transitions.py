"""The one writer of what was decided for rows that were read: the rows, their events, their holds, their attempts.

PostgreSQL does it in one statement, which is a transaction by itself and divides by zero when not all rows were as they
were read; SQLite does it in as many as there are tables. Both are put together once per process from the same parts,
and take all values as one JSON parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from psycopg.errors import DivisionByZero

from companies.models import AuditEvent
from core import statements
from core.bulk import as_json
from core.clock import clock_sql
from exports.models import Attempt, CodeExport, Status
from exports.queue.decisions import Next
from exports.queue.leases import Lease, Lost
from wbs.models import Hold

Decided = tuple[CodeExport, Next]
# What becomes of a row besides the columns that were decided. Who reads it finds the words beside `_step`.
STAYS, BETWEEN, MOVES, MOVES_TWICE = range(4)
LOCKS = {Status.SUCCESS: Hold.Lock.CODE, Status.REJECTED: Hold.Lock.NONE}  # all others: Lock.ALL
BEGINS = {"try_payload": "jsonb", "try_waits": "boolean"}
ENDS = {"try_token": "bigint", "try_outcome": "varchar(20)", "try_message": "text", "try_detail": "text"}
ROWS, ATTEMPTS, EVENTS, HOLDS = (model._meta.db_table for model in (CodeExport, Attempt, AuditEvent, Hold))
LEFT = "Rows left their state under a lease."
TOLD = ("id", "company_id", "connection_id", "item_id", "code", "status", "message", "detail", "generation")


def follow(
    decided: Sequence[Decided], tries: Sequence[Mapping[str, Any]] = (), renews: Lease | None = None
) -> list[CodeExport]:
    """Give each row what was decided for it, and return the rows as they are then.

    The rows are as they were read in this transaction, or claimed under this lease. `tries`: of each row what is noted
    of its attempt, either BEGINS (then it is made) or ENDS. A code that is tried again and again has events for its
    first try and for what it comes to at last; its attempts tell of the others. Raises Lost when the lease that it
    `renews` is lost, and RuntimeError if a row left its state after all; both undo the transaction.
    """
    if not decided:
        return []
    if renews:
        with renews.renewing():
            return _follow(decided, tries, *renews.renewal())
    return _follow(decided, tries)


def _follow(
    decided: Sequence[Decided], tries: Sequence[Mapping[str, Any]], holding: str = "", params: Sequence[Any] = ()
) -> list[CodeExport]:
    names = tuple(sorted({name for _, then in decided for name in then.changes}))
    noted = tuple(tries[0]) if tries else ()
    steps = [_step(row, then) for row, then in decided]
    values = [
        {
            "id": row.id,
            "was": row.status,
            "step": step,
            "status": then.status,
            "message": then.message,
            **{name: then.changes[name] if name in then.changes else row.__dict__[name] for name in names},
            **(tries[place] if tries else {}),
        }
        for place, ((row, then), step) in enumerate(zip(decided, steps, strict=True))
    ]
    _run(_statements(names, noted, MOVES_TWICE in steps, holding), params, values)
    return [_as_it_is(row, then, step) for (row, then), step in zip(decided, steps, strict=True)]


def _step(row: CodeExport, then: Next) -> int:
    """How a row changes its state.

    One that came back from EXPORTING and goes there again, or comes back once more, is BETWEEN: that is no news. Its
    `previous_status` stays EXPORTING, and so tells of a row in EXPORTING that the event of going there is owed; it has
    two when it goes on.
    """
    if then.status == row.status:
        return STAYS
    if row.previous_status != Status.EXPORTING:
        return MOVES
    if (row.status, then.status) in ((Status.QUEUED, Status.EXPORTING), (Status.EXPORTING, Status.QUEUED)):
        return BETWEEN
    return MOVES_TWICE if row.status == Status.EXPORTING else MOVES


def _as_it_is(row: CodeExport, then: Next, step: int) -> CodeExport:
    """A row of its own, with what was decided."""
    new = CodeExport.__new__(CodeExport)
    new.__dict__.update(row.__dict__, status=then.status, message=then.message, **then.changes)
    if step >= MOVES:
        new.previous_status = row.status
    return new


def _run(sql: Sequence[str], holding: Sequence[Any], values: Sequence[Mapping[str, Any]]) -> None:
    """Write the values; `holding` are the parameters of what renews the lease, if anything does."""
    first, *others = sql
    told = as_json(values)
    if connection.vendor == "postgresql":
        try:
            with statements.run(first, [*holding, told]) as cursor:
                held, _ = cursor.fetchone()
        except DataError as error:
            if isinstance(error.__cause__, DivisionByZero):
                raise RuntimeError(LEFT) from error
            raise
        if not held:
            raise Lost
        return
    if holding:
        with statements.run(first, holding) as cursor:
            if not cursor.rowcount:
                raise Lost
        first, *others = others
    with statements.run(first, [told]) as cursor:
        if cursor.rowcount != len(values):
            raise RuntimeError(LEFT)
    for one in others:
        statements.run(one, [told]).close()


@lru_cache(maxsize=200)
def _statements(names: tuple[str, ...], noted: tuple[str, ...], is_owed: bool, holding: str) -> tuple[str, ...]:
    """What writes these columns of rows, and what is noted of their attempts; `is_owed`: some move twice.

    `holding` renews a lease: then nothing is written when that is lost.
    """
    told = [*(f"e.{name}" for name in TOLD), "e.request_key", "e.lease_token", "new.was", "new.step"]
    told += [f"new.{name}" for name in noted]
    others = [_events(is_owed), _spoken()]
    if noted:
        others.append(_begun() if noted == tuple(BEGINS) else _ended())
    if connection.vendor == "postgresql":
        types = {"id": "bigint", "was": "varchar(10)", "step": "smallint"} | _types(names) | BEGINS | ENDS
        columns = ", ".join(f"{name} {types[name]}" for name in _given(names, noted))
        few = statements.takes_for_one("id")
        new = f"new AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(%s) AS new({columns}) WHERE {few})"
        held = f"held AS ({holding} RETURNING id)" if holding else "held AS (SELECT 1)"
        moved = f"moved AS ({_moved(names, 'new')} AND EXISTS (SELECT FROM held) RETURNING {', '.join(told)})"
        beside = ", ".join(f"part{place} AS ({part})" for place, part in enumerate(others))
        counts = ", ".join(f"(SELECT count(*) FROM {part}) AS {part}" for part in ("held", "new", "moved"))
        checked = f"SELECT held, moved / (held = 0 OR moved = new)::int FROM (SELECT {counts}) AS counted"
        return (f"WITH {held}, {new}, {moved}, {beside} {checked}",)
    picked = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _given(names, noted))
    new = f"(SELECT {picked} FROM json_each(%s)) AS new"
    moved = f"moved AS MATERIALIZED (SELECT {', '.join(told)} FROM {new} JOIN {ROWS} AS e ON e.id = new.id)"
    written = (_moved(names, new), *(f"WITH {moved} {part}" for part in others))  # sqlite3 counts no rows after a WITH
    return (holding, *written) if holding else written


def _given(names: Iterable[str], noted: Iterable[str]) -> list[str]:
    return ["id", "was", "step", "status", "message", *names, *noted]


def _types(names: Iterable[str]) -> dict[str, str]:
    fields = {field.attname: field for field in CodeExport._meta.concrete_fields}
    return {name: str(fields[name].db_type(connection)) for name in ("status", "message", *names)}


def _moved(names: Iterable[str], new: str) -> str:
    clock = clock_sql()
    sets = {
        **{name: f"new.{name}" for name in ("status", "message", *names)},
        "version": "e.version + 1",
        "changed_at": f"CASE WHEN new.step = {STAYS} THEN e.changed_at ELSE {clock} END",
        "moved_at": f"CASE WHEN new.step = {STAYS} THEN e.moved_at ELSE {clock} END",
        "changed_by_id": f"CASE WHEN new.step = {STAYS} THEN e.changed_by_id END",
        "previous_status": f"CASE WHEN new.step >= {MOVES} THEN e.status ELSE e.previous_status END",
        "previous_message": f"CASE WHEN new.step >= {MOVES} THEN e.message ELSE e.previous_message END",
        "moves": f"e.moves + CASE new.step WHEN {MOVES} THEN 1 WHEN {MOVES_TWICE} THEN 2 ELSE 0 END",
    }
    # The guard speaks of `new`, too: else the database goes through all rows in a state for the few that are meant.
    guard = "e.id = new.id AND (e.status = new.was) = (new.id IS NOT NULL)"
    listed = ", ".join(f"{name} = {value}" for name, value in sets.items())
    return f"UPDATE {ROWS} AS e SET {listed} FROM {new} WHERE {guard}"


def _events(is_owed: bool) -> str:
    """One of each move; before it, where it is owed, the one of having gone to EXPORTING."""
    new = f"{_label('status')} || CASE WHEN message = '' THEN '' ELSE ': ' || message END"
    whose = "company_id, id, code FROM moved WHERE step"
    told = f"SELECT 1 AS place, 'export.' || lower(status) AS action, {_label('was')} AS old, {new} AS new, detail"
    told = f"{told}, {whose} >= {MOVES}"
    if is_owed:
        queued, exporting = Status.QUEUED.label, Status.EXPORTING.label
        told += f" UNION ALL SELECT 0, 'export.exporting', '{queued}', '{exporting}', '', {whose} = {MOVES_TWICE}"
    columns = "company_id, action, subject, subject_id, label, old, new, answer"
    select = "company_id, action, 'export', id, code, old, new, detail"
    return f"INSERT INTO {EVENTS} ({columns}) SELECT {select} FROM ({told}) AS told ORDER BY place, id"


def _label(column: str) -> str:
    words = " ".join(f"WHEN '{status.value}' THEN '{status.label}'" for status in Status)
    return f"CASE {column} {words} END"


def _spoken() -> str:
    locks = " ".join(f"WHEN '{status.value}' THEN {lock.value}" for status, lock in LOCKS.items())
    lock = f"CASE moved.status {locks} ELSE {Hold.Lock.ALL.value} END"
    mine = "h.connection_id = moved.connection_id AND h.item_id = moved.item_id"
    sets = f"lock = {lock}, status = moved.status, note = moved.message"
    return f"UPDATE {HOLDS} AS h SET {sets} FROM moved WHERE {mine} AND moved.step > {STAYS}"


def _begun() -> str:
    columns = "export_id, generation, request_key, lease_token, payload, began_at, outcome, message, detail"
    began_at = f"CASE WHEN try_waits THEN NULL ELSE {clock_sql()} END"
    select = f"id, generation, request_key, lease_token, try_payload, {began_at}, '', '', ''"
    return f"INSERT INTO {ATTEMPTS} ({columns}) SELECT {select} FROM moved"


def _ended() -> str:
    """The last one, since each claim makes one; under one lease a code may be sent again."""
    sets = ", ".join(f"{name} = moved.try_{name}" for name in ("outcome", "message", "detail"))
    last = f"SELECT max(id) FROM {ATTEMPTS} WHERE export_id = moved.id"
    mine = f"a.id = ({last}) AND a.lease_token = moved.try_token"
    return f"UPDATE {ATTEMPTS} AS a SET {sets}, ended_at = {clock_sql()} FROM moved WHERE {mine}"


def settle(
    decided: Sequence[Decided], tries: Sequence[Mapping[str, Any]] = (), renews: Lease | None = None
) -> list[CodeExport]:
    """Follow what the ERP told. Its id belongs to one code: a second one that was given the same needs review."""
    is_one_statement = renews and connection.vendor == "postgresql"
    try:
        with nullcontext() if is_one_statement else transaction.atomic():
            return follow(decided, tries, renews)
    except IntegrityError as error:
        if "remote_id" not in str(error):
            raise
    with transaction.atomic():
        return follow(_set_apart_doubles(decided), tries, renews)


def _set_apart_doubles(decided: Sequence[Decided]) -> list[Decided]:
    fresh = [(row, then) for row, then in decided if then.status == Status.SUCCESS]
    given, own = {then.changes["remote_id"] for _, then in fresh}, [row.pk for row, _ in fresh]
    holders = CodeExport.objects.filter(connection=fresh[0][0].connection_id, remote_id__in=given).order_by()
    taken = dict(holders.exclude(pk__in=own).values_list("remote_id", "code"))
    return [(row, _apart(row, then, taken)) for row, then in decided]


def _apart(row: CodeExport, then: Next, taken: dict[str | None, str]) -> Next:
    """The decision about one code, when these ids are taken; notes its own in them."""
    if then.status != Status.SUCCESS:
        return then
    remote_id = then.changes["remote_id"]
    if remote_id not in taken:
        taken[remote_id] = row.code
        return then
    message = f"The ERP gave an id that belongs to {taken[remote_id]}."
    changes = {**then.changes, "remote_id": None}
    return replace(then, status=Status.ATTENTION, message=message, changes=changes, attempt=None)
