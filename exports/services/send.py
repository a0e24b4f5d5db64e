"""What the admin side does: send codes to an ERP's review list, and recall them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Case, Exists, Expression, F, OuterRef, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Now

from companies.models import Member
from core.bulk import insert_from, listed, own_values
from erp_integrations.base import ACCOUNT_FIELDS
from erp_integrations.models import Connection
from exports.defaults import Defaults, of_item
from exports.models import (
    Attempt,
    Batch,
    Cause,
    CodeExport,
    Status,
    picked_of,
    source_of,
)
from exports.services.clicks import arrive, click, hold_versions, in_parts, lock_items, move, tell, write
from exports.services.results import Problem, Result
from exports.services.sendable import Sendable, reference_sql
from wbs.models import SegmentItem, SegmentItemQuerySet

AS_NOW = {  # what a row tells of its item, and the item's field
    "code": "full_code",
    "code_key": "full_code_key",
    "description": "description",
    "description_key": "description_key",
    "sort_key": "sort_key",
    "item_version": "version",
}
PROVEN_ABSENT = (Attempt.Outcome.REFUSED, Attempt.Outcome.NOT_SENT, Attempt.Outcome.ABSENT)


def send_codes(member: Member, connection: Connection, item_ids: Sequence[int] | None) -> Result:
    """Send codes to review. None: all active codes that were never sent or were edited since their rejection.

    What breaks a rule of the ERP, or is on its way already, stays and is told in `problems`.
    """
    problems: list[Problem] = []
    with click(member, connection, Batch.Kind.SEND) as batch:
        meant = lock_items(_candidates(member, connection, item_ids))
        sendable, defaults = Sendable(connection), Defaults(connection)
        for ids in _in_order(meant, batch):
            going = listed(sendable.among(ids))
            _send_again(going, batch, defaults)
            _send_new(going, batch, defaults)
        if batch.count:
            tell(CodeExport.objects.filter(batch=batch, moves__gt=0), batch, Status.READY, "export.sent")
            hold_versions(batch)
        arrive(batch)
        if batch.count < len(meant):
            went = CodeExport.objects.filter(batch=batch).values("item")
            stay = SegmentItem.objects.filter(pk__in=listed([pk for pk, _ in meant])).exclude(pk__in=went)
            problems = list(sendable.why_they_stay(stay))
    return Result(batch if batch.count else None, batch.count, problems=problems)


def recall_codes(member: Member, item_ids: Sequence[int]) -> Result:
    """Take READY codes back from review, on every connection."""
    message = f"Recalled by {member.user.get_full_name() or member.user.get_username()}"
    ready = CodeExport.objects.filter(company=member.company_id, item__in=item_ids, status=Status.READY)
    count, last = 0, None
    for connection in Connection.objects.filter(pk__in=ready.order_by().values("connection")):
        with click(member, connection, Batch.Kind.RECALL) as batch:
            rows = ready.filter(connection=connection)
            move(rows, Status.REJECTED, batch, "export.recalled", message, cause=Cause.RECALLED)
        if batch.count:
            count, last = count + batch.count, batch
    others = CodeExport.objects.filter(company=member.company_id, item__in=item_ids).exclude(
        status__in=(Status.READY, Status.REJECTED)
    )
    problems = [
        Problem(code, f"{code} can no longer be recalled: it is {Status(status).label.lower()}.", item_id)
        for code, status, item_id in others.values_list("code", "status", "item_id")
    ]
    return Result(last, count, problems=problems)


def _candidates(member: Member, connection: Connection, item_ids: Sequence[int] | None) -> SegmentItemQuerySet:
    """What is meant."""
    items = SegmentItem.objects.cost_codes().filter(company=member.company_id)
    if item_ids is not None:
        return items.filter(pk__in=listed(item_ids))
    sent = CodeExport.objects.filter(connection=connection, item=OuterRef("pk"))
    edited = sent.filter(status=Status.REJECTED, item_version__lt=OuterRef("version"))
    if not connection.capabilities.has_tiers:
        items = items.without_items_below()
    return items.filter(~Exists(sent) | Exists(edited), is_active=True)


def _in_order(meant: list[tuple[int, int]], batch: Batch) -> Iterator[Sequence[int]]:
    """Their ids in parts; where divisions go, too, they are first: what stays keeps those below it."""
    together: dict[int, list[int]] = {}
    for pk, tier in meant:
        together.setdefault(tier if batch.connection.capabilities.has_tiers else 0, []).append(pk)
    for _, ids in sorted(together.items()):
        yield from in_parts(ids, batch)


def _send_again(ids: RawSQL, batch: Batch, defaults: Defaults) -> None:
    """REJECTED -> READY in a new generation. One that may have reached the ERP in an earlier life is asked about."""
    unproven = Attempt.objects.filter(export=OuterRef("pk")).exclude(outcome__in=PROVEN_ABSENT)
    rejected = CodeExport.objects.filter(connection=batch.connection_id, item__in=ids, status=Status.REJECTED)
    inherited = {
        name: Case(When(**{field: None}, then=of_item(value)), default=F(name), output_field=value.output_field)
        for field, name, value in _inherited(defaults)
    }
    write(
        rejected,
        Status.READY,
        batch,
        generation=F("generation") + 1,
        request_key="",
        ask_first=Exists(unproven),
        sent_by=batch.actor_id,
        sent_at=Now(),
        detail="",
        receipt=None,
        **{name: of_item(F(source)) for name, source in AS_NOW.items()},
        **inherited,
    )


def _send_new(ids: RawSQL, batch: Batch, defaults: Defaults) -> None:
    """Make the rows of those that this connection never had."""
    row = CodeExport(
        company_id=batch.company_id,
        connection_id=batch.connection_id,
        sent_by_id=batch.actor_id,
        changed_by_id=batch.actor_id,
        batch=batch,
    )
    of_each: dict[str, Any] = {
        "item_id": F("pk"),
        "reference": reference_sql(batch.connection),
        **{name: F(source) for name, source in AS_NOW.items()},
        **{name: value for _, name, value in _inherited(defaults)},
    }
    items = SegmentItem.objects.filter(pk__in=ids)
    insert_from(CodeExport, items, {**own_values(row), **of_each}, ignore_conflicts=True)


def _inherited(defaults: Defaults) -> Iterator[tuple[str, str, Expression]]:
    """Each account field that sending fills in: a column of it, and what the column gets, in SQL over items."""
    for field in ACCOUNT_FIELDS:
        if inherited := defaults.inherited(field):
            yield field, f"{field}_id", inherited.account
            yield field, source_of(field), Coalesce(inherited.source, Value(""))
            yield field, picked_of(field), Coalesce(inherited.picked, Value(""))
