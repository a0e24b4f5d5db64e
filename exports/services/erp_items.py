"""Reading all items of an ERP: for linking codes to them, and to see which synced codes are gone or changed there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from companies import audit
from companies.models import Member
from core.bulk import insert_each, own_fields, update_each
from core.clock import in_seconds
from erp_integrations import questions
from erp_integrations.base import Receipt
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection, Question
from exports.matching import lost_items
from exports.models import CodeExport, Reading, RemoteItem, Status
from exports.queue import erp_calls
from exports.queue.decisions import drift_of

EVERY_S = 24 * 3600
AFTER_FAILURE_S = 3600


def read_items(connection: Connection, member: Member | None = None) -> str:
    """Read all items of the ERP, keep them, mark synced codes that differ from them. What went wrong, for people.

    Not inside a transaction: the ERP is called.
    """
    reading, _ = Reading.objects.get_or_create(connection=connection)
    began = Connection.objects.filter(pk=connection.pk).clock()
    listed, error = erp_calls.fetch_items(connection)
    wait_s = AFTER_FAILURE_S if error else EVERY_S
    due = {"due_at": in_seconds(wait_s), "problem": error.message if error else ""}
    if error:
        Reading.objects.filter(pk=reading.pk).update(**due)
        return error.message
    items = {item.remote_id: item for item in listed}
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).values_list("pk").get(pk=connection.pk)
        _keep(connection, items.values())
        rows = CodeExport.objects.filter(connection=connection, status=Status.SUCCESS, moved_at__lt=began)
        compared = rows.only("remote_id", "reference", "receipt", "drift", "erp_values")
        update_each(CodeExport, _news(compared, items), {"status": Status.SUCCESS}, version=F("version") + 1)
        drifted = rows.exclude(drift="").count()
        Reading.objects.filter(pk=reading.pk).update(read_at=Now(), **due)
        lost = lost_items(connection).count()
        told = f"{len(items)} items; {drifted} codes orphaned or changed in the ERP"
        told += f"; {lost} under references that no cost code here has" if lost else ""
        audit.record(connection.company, member.user if member else None, "items.read", connection, new=told)
    return ""


def read_due_items() -> None:
    """Have the items of each connection read once a day: each by a worker of its own, as if a person had asked."""
    today = Reading.objects.filter(due_at__gt=Now())
    for connection in Connection.objects.filter(state=Connection.State.ACTIVE).exclude(reading__in=today):
        if not _lists_items(connection):
            continue
        Reading.objects.get_or_create(connection=connection)
        if Reading.objects.filter(connection=connection, due_at__lte=Now()).update(due_at=in_seconds(AFTER_FAILURE_S)):
            questions.ask(Question.about(connection, Question.Kind.COMPARE, asker=None))


def _lists_items(connection: Connection) -> bool:
    try:
        return connection.capabilities.lists_items
    except ConfigurationError:  # the integration is no longer installed
        return False


def _keep(connection: Connection, items: Iterable[Receipt]) -> None:
    connection.remote_items.all().delete()
    rows = [
        RemoteItem(
            connection=connection,
            remote_id=item.remote_id,
            code=item.code[:255],
            description=item.description or "",
            is_ours=item.is_ours,
            is_active=item.is_active,
            obstacle=item.obstacle,
            owner=item.owner,
        )
        for item in items
    ]
    insert_each(rows, own_fields(RemoteItem))


def _news(rows: Iterable[CodeExport], items: Mapping[str, Receipt]) -> list[dict[str, Any]]:
    """Of rows whose item is otherwise than when all were read last: their id, and what is so now."""
    news = []
    for row in rows:
        held = items.get(row.remote_id or "")
        if held and held.owner:
            held = replace(held, is_ours=held.owner == row.reference)
        drift = drift_of(row, held)
        if drift != {"drift": row.drift, "erp_values": row.erp_values}:
            news.append({"id": row.pk, **drift})
    return news
