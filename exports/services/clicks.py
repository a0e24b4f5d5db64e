"""A click moves rows: one guarded UPDATE for each 10,000, one audit event per row, what the WBS says of them.

A move is only ever done inside a transaction; its guard (the states it may start from) is in the rows it is given.
What was decided for each row apart is written by `transitions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection as database
from django.db import transaction
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat, Now

from companies import audit
from companies.models import Member
from core.bulk import insert_from, own_values
from erp_integrations.models import Connection
from exports.models import Batch, CodeExport, CodeExportQuerySet, Status
from exports.queue.transitions import LOCKS
from wbs.models import Hold, SegmentItemQuerySet

PART = 10_000  # rows of one statement: for 100,000 it would run for many seconds
BEFORE = Case(*(When(previous_status=status, then=Value(status.label)) for status in Status))
# What a click that accepts a code starts with.
TRIES_ANEW = {"due_at": Now(), "tries": 0, "waits": 0, "lost_answers": 0, "link_to": "", "link_despite": ""}


@contextmanager
def click(member: Member, connection: Connection, kind: Batch.Kind, reason: str = "") -> Iterator[Batch]:
    """One click: its batch and all that it moves, in one transaction. A click that moves nothing leaves nothing.

    The body counts into `batch.count`. The connection's row is locked first, by all who move many rows, so that two of
    them never wait for each other's rows (deadlock); no guard depends on it, and SQLite has one writer anyway.
    """
    many = CodeExport.objects.filter(connection=OuterRef("pk")).order_by("pk").values("pk")[PART : PART + 1]
    with transaction.atomic():
        locked = Connection.objects.select_for_update(no_key=True).annotate(last=Subquery(many))
        last = locked.values_list("last", flat=True).get(pk=connection.pk)
        batch = Batch.objects.create(
            company_id=member.company_id, connection=connection, kind=kind, actor_id=member.user_id, reason=reason
        )
        batch.is_long = last is not None
        yield batch
        if batch.count:
            batch.save(update_fields=["count"])
        else:
            transaction.set_rollback(True)


def lock_items(items: SegmentItemQuerySet) -> list[tuple[int, int]]:
    """Id and tier of each; nobody edits them before the transaction ends (`wbs` locks in the same order)."""
    return list(items.select_for_update(of=("self",), no_key=True).order_by("pk").values_list("pk", "tier"))


def move(rows: CodeExportQuerySet, to: Status, batch: Batch, action: str, message: Any = "", **changes: Any) -> int:
    """Move rows by a click and return how many it was. `message` is a text, or an expression for one of each row."""
    moved = write(rows, to, batch, message, **changes)
    if moved:
        tell(CodeExport.objects.filter(batch=batch, status=to), batch, to, action, message)
    return moved


def write(rows: CodeExportQuerySet, to: Status, batch: Batch, message: Any = "", **changes: Any) -> int:
    """The rows' part of a move; `tell` owes the rest."""
    step = {**_step(), "status": to, "cause": "", "message": message, "batch": batch, "changed_by": batch.actor_id}
    moved = sum(part.update(**{**step, **changes}) for part in parts(rows, batch))
    batch.count += moved
    return moved


def tell(moved: CodeExportQuerySet, batch: Batch, to: Status, action: str, message: Any = "") -> None:
    """Tell the audit trail and the WBS of rows that a click moved to one state, with the message that it gave them."""
    said = message if isinstance(message, str) else F("message")
    for part in parts(moved, batch):
        _record(part, to, said, BEFORE, actor_id=batch.actor_id, action=action, batch_id=batch.pk)
        _speak(Hold.objects.filter(connection=batch.connection_id, item__in=part.values("item")), to, said)


def arrive(batch: Batch) -> None:
    """Codes that this click sent for the first time: their audit events, their words and locks in the WBS."""
    words = {"kind": "export", "label": "code", "new": Status.READY.label}
    hold = own_values(Hold(company_id=batch.company_id, connection_id=batch.connection_id, status=Status.READY))
    of_each = {"item_id": F("item_id"), "item_version": F("item_version")}
    for part in parts(CodeExport.objects.filter(batch=batch, moves=0), batch):
        audit.record_each(part, batch.actor_id, "export.sent", **words, batch_id=batch.pk)
        batch.count += insert_from(Hold, part, {**hold, **of_each})


def in_parts(ids: Sequence[int], batch: Batch) -> Iterator[Sequence[int]]:
    """Ids in parts for one statement each."""
    batch.is_long |= len(ids) > PART
    _look_keys_up_at_once(batch)
    return (ids[start : start + PART] for start in range(0, len(ids), PART))


def parts(rows: CodeExportQuerySet, batch: Batch) -> Iterator[CodeExportQuerySet]:
    """The same of rows that are not read: whatever one finds there meanwhile is in the last."""
    _look_keys_up_at_once(batch)
    rest, rows = rows.order_by("pk"), rows.order_by()
    while batch.is_long and (last := rest.values_list("pk", flat=True)[PART - 1 : PART].first()) is not None:
        yield rows.filter(pk__lte=last)
        rest, rows = rest.filter(pk__gt=last), rows.filter(pk__gt=last)
    yield rows


def hold_versions(batch: Batch) -> None:
    """Codes that this click sent again: the hold is on the item as it is now."""
    for part in parts(CodeExport.objects.filter(batch=batch, moves__gt=0), batch):
        holds = Hold.objects.filter(connection=batch.connection_id, item__in=part.values("item"))
        holds.update(item_version=_of_export("item_version"))


def _look_keys_up_at_once(batch: Batch) -> None:
    """Foreign keys, by each statement for its rows: else the COMMIT does it for all, which takes long."""
    if batch.is_long and database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


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
