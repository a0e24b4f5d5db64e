"""Every change of state passes through here: one guarded UPDATE, one audit event per row, the words in the WBS.

A move is only ever done inside a transaction; its guard (the states it may start from) is in the rows it is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from wbs.models import Hold, SegmentItem, SegmentItemQuerySet

BEFORE = Case(*(When(previous_status=status, then=Value(status.label)) for status in Status))
LOCKS = {Status.SUCCESS: Hold.Lock.CODE, Status.REJECTED: Hold.Lock.NONE}  # all others: Lock.ALL


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
    changes = {**_step(), "status": to, "message": message, "batch": batch, "changed_by": batch.actor_id, **changes}
    moved = rows.update(**changes)
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
            word=Status.READY.label,
        )
        for item_id, version in new.order_by().values_list("item_id", "item_version")
    ]
    insert_each(holds, own_fields(Hold))
    batch.count += len(holds)


def hold_versions(batch: Batch) -> None:
    """Codes that this click sent again: the hold is on the item as it is now."""
    again = CodeExport.objects.filter(batch=batch).values("item")
    Hold.objects.filter(connection=batch.connection_id, item__in=again).update(item_version=_of_export("item_version"))


def move_claimed(rows: Sequence[CodeExport], fields: Sequence[str], *, was: Status) -> None:
    """Move rows that the holder of the lease read in this transaction: each to its `status`, with these fields.

    A code that is tried again and again has events for its first try and for what it comes to at last; its attempts
    tell of the others. Raises RuntimeError, which undoes the transaction, if one was not in the state `was` after all.
    """
    for row in rows:
        row.message = storable(row.message)
    between = [row for row in rows if _is_between(row, was)]
    _write(between, fields, was, **_stay())
    moved = [row for row in rows if not _is_between(row, was)]
    if was == Status.SENDING:
        _own_up([row for row in moved if row.previous_status == Status.SENDING])
    _write(moved, fields, was, **_step())
    for group, holds in (*_groups(between), *_groups(moved)):
        to, messages = Status(group[0].status), {row.message for row in group}
        message = messages.pop() if len(messages) == 1 else F("message")
        if not _is_between(group[0], was):
            mine = CodeExport.objects.filter(pk__in=[row.pk for row in group])
            _record(mine, to, message, was.label, actor_id=None, action=f"export.{to.lower()}")
        _speak(holds, to, message)


def _is_between(row: CodeExport, was: Status) -> bool:
    """Whether a row that came back from SENDING goes there again, or comes back once more: that is no news.

    `previous_status` stays what it was the first time, and so tells of a row in SENDING that its event is owed.
    """
    to_and_fro = {(Status.QUEUED, Status.SENDING), (Status.SENDING, Status.QUEUED)}
    return row.previous_status == Status.SENDING and (was, row.status) in to_and_fro


def _own_up(rows: Sequence[CodeExport]) -> None:
    """Record the move to SENDING that was no news while the rows came back from it."""
    if rows:
        mine = CodeExport.objects.filter(pk__in=[row.pk for row in rows])
        mine.update(previous_status=Status.QUEUED, moves=F("moves") + 1)
        _record(mine, Status.SENDING, "", Status.QUEUED.label, actor_id=None, action="export.sending")


def _write(rows: Sequence[CodeExport], fields: Sequence[str], was: Status, **steps: Any) -> None:
    written = update_each(rows, ["status", "message", *fields], {"status": was}, **steps, changed_by=Value(None))
    if written != len(rows):
        raise RuntimeError(f"{len(rows) - written} of {len(rows)} rows left the state {was} under a lease.")


def _groups(rows: Sequence[CodeExport]) -> Iterator[tuple[list[CodeExport], QuerySet[Hold]]]:
    """The rows by their new state, with their holds."""
    for to in sorted({row.status for row in rows}):
        group = [row for row in rows if row.status == to]
        yield group, Hold.objects.filter(connection=group[0].connection_id, item__in=[row.item_id for row in group])


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
    holds.update(lock=LOCKS.get(to, Hold.Lock.ALL), word=to.label, note=note)


def _of_export(field: str) -> Subquery:
    """A value of the export that belongs to the hold which is being updated."""
    return Subquery(CodeExport.objects.filter(connection=OuterRef("connection"), item=OuterRef("item")).values(field))
