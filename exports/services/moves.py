"""Every change of state passes through here: one guarded UPDATE, one audit event per row, the words in the WBS.

A move is only ever done inside a transaction; its guard (the states it may start from) is in the rows it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Now

from companies import audit
from companies.each import insert_each, own_fields, storable, update_each
from companies.models import Member
from erp_integrations.models import Connection
from exports.models import Batch, CodeExport, CodeExportQuerySet, Status
from exports.services.decisions import Next
from wbs.models import Hold, SegmentItem, SegmentItemQuerySet

BEFORE = Case(*(When(previous_status=status, then=Value(status.label)) for status in Status))
# What a click that accepts a code starts with.
TRIES_ANEW = {"due_at": Now(), "tries": 0, "waits": 0, "doubts": 0, "link_to": "", "link_despite": ""}
LOCKS = {Status.SUCCESS: Hold.Lock.CODE, Status.REJECTED: Hold.Lock.NONE}  # all others: Lock.ALL
Decided = tuple[CodeExport, Next]


@contextmanager
def click(member: Member, connection: Connection, kind: Batch.Kind, reason: str = "") -> Iterator[Batch]:
    """One click: its batch and all that it moves, in one transaction. A click that moves nothing leaves nothing.

    The body counts into `batch.count`. The connection's row is locked first, by all who move many rows, so that two of
    them never wait for each other's rows (deadlock); no guard depends on it, and SQLite has one writer anyway.
    """
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).values_list("pk").get(pk=connection.pk)
        batch = Batch.objects.create(
            company_id=member.company_id, connection=connection, kind=kind, actor_id=member.user_id, reason=reason
        )
        yield batch
        if batch.count:
            batch.save(update_fields=["count"])
        else:
            transaction.set_rollback(True)


def lock_items(items: SegmentItemQuerySet) -> list[SegmentItem]:
    """The items as they are now, and nobody edits them before the transaction ends (`wbs` locks in the same order)."""
    return list(items.select_related("segment").select_for_update(of=("self",), no_key=True).order_by("pk"))


def move(rows: CodeExportQuerySet, to: Status, batch: Batch, action: str, message: Any = "", **changes: Any) -> int:
    """Move rows by a click and return how many it was. `message` is a text, or an expression for one of each row."""
    step = {**_step(), "status": to, "cause": "", "message": message, "batch": batch, "changed_by": batch.actor_id}
    moved = rows.update(**{**step, **changes})
    if moved:
        mine = CodeExport.objects.filter(batch=batch, status=to)
        holds = Hold.objects.filter(connection=batch.connection_id, item__in=mine.values("item"))
        told = message if isinstance(message, str) else F("message")
        _tell(mine, holds, to, told, BEFORE, actor_id=batch.actor_id, action=action, batch_id=batch.pk)
        batch.count += moved
    return moved


def arrive(batch: Batch) -> None:
    """Codes that this click sent for the first time: their audit events, their words and locks in the WBS."""
    new = CodeExport.objects.filter(batch=batch, moves=0)
    words = {"kind": "export", "label": "code", "new": Status.READY.label}
    audit.record_each(new, batch.actor_id, "export.sent", **words, batch_id=batch.pk)
    holds = [
        Hold(
            company_id=batch.company_id,
            connection_id=batch.connection_id,
            item_id=item_id,
            item_version=version,
            status=Status.READY,
        )
        for item_id, version in new.order_by().values_list("item_id", "item_version")
    ]
    insert_each(holds, own_fields(Hold))
    batch.count += len(holds)


def hold_versions(batch: Batch) -> None:
    """Codes that this click sent again: the hold is on the item as it is now."""
    again = CodeExport.objects.filter(batch=batch).values("item")
    Hold.objects.filter(connection=batch.connection_id, item__in=again).update(item_version=_of_export("item_version"))


def follow(decided: Sequence[Decided]) -> list[CodeExport]:
    """Give each row what was decided for it, and return the rows as they are then. The one writer beside clicks.

    The rows are as they were read in this transaction, under the lease or a lock of the connection's row. A code that
    is tried again and again has events for its first try and for what it comes to at last; its attempts tell of the
    others. Raises RuntimeError, which undoes the transaction, if one left its state after all.
    """
    decided = [(row, replace(then, message=storable(then.message))) for row, then in decided]
    for was in sorted({row.status for row, _ in decided}):
        mine = [(row, then) for row, then in decided if row.status == was]
        _write([one for one in mine if one[1].status == was], version=F("version") + 1)  # open pages tell why it waits
        between = [one for one in mine if _is_between(*one)]
        _write(between, **_stay(), changed_by=Value(None))
        _speak_of_each(between)
        moved = [(row, then) for row, then in mine if then.status != was and not _is_between(row, then)]
        _own_up([row for row, _ in moved if row.status == row.previous_status == Status.SENDING])
        _write(moved, **_step(), changed_by=Value(None))
        for to, group, message in _by_state(moved):
            _record(_those(group), to, message, Status(was).label, actor_id=None, action=f"export.{to.lower()}")
        _speak_of_each(moved)
    return [_as_it_is(row, then) for row, then in decided]


def _is_between(row: CodeExport, then: Next) -> bool:
    """Whether a row that came back from SENDING goes there again, or comes back once more: that is no news.

    `previous_status` stays what it was the first time, and so tells of a row in SENDING that its event is owed.
    """
    to_and_fro = {(Status.QUEUED, Status.SENDING), (Status.SENDING, Status.QUEUED)}
    return row.previous_status == Status.SENDING and (row.status, then.status) in to_and_fro


def _own_up(rows: Sequence[CodeExport]) -> None:
    """Record the move to SENDING that was no news while the rows came back from it."""
    if rows:
        mine = CodeExport.objects.filter(pk__in=[row.pk for row in rows])
        mine.update(previous_status=Status.QUEUED, moves=F("moves") + 1)
        _record(mine, Status.SENDING, "", Status.QUEUED.label, actor_id=None, action="export.sending")


def _write(decided: Sequence[Decided], **steps: Any) -> None:
    """Save what was decided for rows of one state: of each all columns that change in any of them."""
    if not decided:
        return
    names, was = sorted({name for _, then in decided for name in then.changes}), decided[0][0].status
    values = [
        {"id": row.pk, "status": then.status, "message": then.message, **_changed(row, then, names)}
        for row, then in decided
    ]
    written = update_each(CodeExport, values, {"status": was}, **steps)
    if written != len(values):
        raise RuntimeError(f"{len(values) - written} of {len(values)} rows left the state {was} under a lease.")


def _changed(row: CodeExport, then: Next, names: Iterable[str]) -> dict[str, Any]:
    return {name: then.changes[name] if name in then.changes else row.__dict__[name] for name in names}


def _as_it_is(row: CodeExport, then: Next) -> CodeExport:
    """A row of its own, with what was decided."""
    new = copy(row)
    if then.status != row.status and not _is_between(row, then):
        new.previous_status = row.status
    for name, value in {"status": then.status, "message": then.message, **then.changes}.items():
        setattr(new, name, value)
    return new


def _by_state(decided: Sequence[Decided]) -> Iterator[tuple[Status, list[CodeExport], str | F]]:
    """The rows by their new state, with its sentence: one for all, or each its own."""
    for to in sorted({then.status for _, then in decided}):
        messages = {then.message for _, then in decided if then.status == to}
        message = messages.pop() if len(messages) == 1 else F("message")
        yield to, [row for row, then in decided if then.status == to], message


def _speak_of_each(decided: Sequence[Decided]) -> None:
    for to, rows, message in _by_state(decided):
        items = [row.item_id for row in rows]
        _speak(Hold.objects.filter(connection=rows[0].connection_id, item__in=items), to, message)


def _those(rows: Sequence[CodeExport]) -> CodeExportQuerySet:
    return CodeExport.objects.filter(pk__in=[row.pk for row in rows])


def set_apart_doubles(decided: Sequence[Decided]) -> list[Decided]:
    """An ERP's id belongs to one code: a second one that was given the same needs review."""
    fresh = [(row, then) for row, then in decided if then.status == Status.SUCCESS]
    if not fresh:
        return list(decided)
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
    return replace(
        then, status=Status.ATTENTION, message=message, changes={**then.changes, "remote_id": None}, attempt=None
    )


def _step() -> dict[str, Any]:
    """What every move does to a row."""
    return {
        **_stay(),
        "previous_status": F("status"),
        "previous_message": F("message"),
        "moves": F("moves") + 1,
    }


def _stay() -> dict[str, Any]:
    """What also a move that is no news does to a row."""
    return {"version": F("version") + 1, "changed_at": Now(), "moved_at": Now()}


def _tell(
    moved: CodeExportQuerySet, holds: QuerySet[Hold], to: Status, message: str | F, old: str | Combinable, **event: Any
) -> None:
    """Tell the audit trail and the WBS of rows that moved to one state."""
    _record(moved, to, message, old, **event)
    _speak(holds, to, message)


def _record(moved: CodeExportQuerySet, to: Status, message: str | F, old: str | Combinable, **event: Any) -> None:
    new: str | Combinable = f"{to.label}: {message}" if message else to.label
    if isinstance(message, F):
        sentence = Case(
            When(message="", then=Value("", TextField())), default=Concat(Value(": ", TextField()), "message")
        )
        new = Concat(Value(to.label, TextField()), sentence)
    audit.record_each(moved, **event, kind="export", label="code", old=old, new=new, answer=F("detail"))


def _speak(holds: QuerySet[Hold], to: Status, message: str | F) -> None:
    note = _of_export("message") if isinstance(message, F) else message
    holds.update(lock=LOCKS.get(to, Hold.Lock.ALL), status=to, note=note)


def _of_export(field: str) -> Subquery:
    """A value of the export that belongs to the hold which is being updated."""
    return Subquery(CodeExport.objects.filter(connection=OuterRef("connection"), item=OuterRef("item")).values(field))
