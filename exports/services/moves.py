"""A click moves rows: one guarded UPDATE, one audit event per row, what the WBS says of them.

A move is only ever done inside a transaction; its guard (the states it may start from) is in the rows it is given.
What was decided for each row apart is written by `transitions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Now

from companies import audit
from companies.each import insert_each, own_fields
from companies.models import Member
from erp_integrations.models import Connection
from exports.models import Batch, CodeExport, CodeExportQuerySet, Status
from exports.services.transitions import LOCKS
from wbs.models import Hold, SegmentItem, SegmentItemQuerySet

BEFORE = Case(*(When(previous_status=status, then=Value(status.label)) for status in Status))
# What a click that accepts a code starts with.
TRIES_ANEW = {"due_at": Now(), "tries": 0, "waits": 0, "doubts": 0, "link_to": "", "link_despite": ""}


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
