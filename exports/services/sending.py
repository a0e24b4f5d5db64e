"""What the admin side does: send codes to an ERP's review list, and recall them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce, Now

from companies.each import insert_each, own_fields
from companies.models import Member
from erp_integrations.base import CodeData
from erp_integrations.models import Connection
from exports.defaults import Defaults
from exports.models import (
    ACCOUNT_FIELDS,
    Attempt,
    Batch,
    Cause,
    CodeExport,
    CodeExportQuerySet,
    Status,
    picked_of,
    source_of,
)
from exports.services.moves import arrive, click, hold_versions, lock_items, move
from exports.services.results import Problem, Result
from wbs.models import SegmentItem

PROVEN_ABSENT = (Attempt.Outcome.REFUSED, Attempt.Outcome.NOT_SENT, Attempt.Outcome.ABSENT)


def send_codes(member: Member, connection: Connection, item_ids: Sequence[int] | None) -> Result:
    """Send codes to review. None: all active codes that were never sent or were edited since their rejection.

    What breaks a rule of the ERP, or is on its way already, stays and is told in `problems`.
    """
    problems: list[Problem] = []
    with click(member, connection, Batch.Kind.SEND) as batch:
        items = _sendable(_candidates(member, connection, item_ids), connection, problems)
        defaults = Defaults(connection)
        _send_again(items, batch, defaults)
        _send_new(items, batch, defaults)
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


def _candidates(member: Member, connection: Connection, item_ids: Sequence[int] | None) -> list[SegmentItem]:
    """What is meant, as it is now: the rows are locked, since an edit must not pass between check and sending."""
    items = SegmentItem.objects.cost_codes().filter(company=member.company_id)
    if item_ids is not None:
        return lock_items(items.filter(pk__in=item_ids))
    sent = CodeExport.objects.filter(connection=connection, item=OuterRef("pk"))
    edited = sent.filter(status=Status.REJECTED, item_version__lt=OuterRef("version"))
    if not connection.capabilities.has_tiers:
        items = items.filter(~Exists(SegmentItem.objects.filter(parent=OuterRef("pk"))))
    return lock_items(items.filter(~Exists(sent) | Exists(edited), is_active=True))


def _sendable(items: list[SegmentItem], connection: Connection, problems: list[Problem]) -> list[SegmentItem]:
    """Items that keep all rules; why the others do not goes to `problems`."""
    exports = CodeExport.objects.filter(connection=connection).exclude(status=Status.REJECTED)
    sent = {row.item_id: row for row in exports.filter(item__in=items).only("item_id", "status")}
    rivals = dict(
        exports.filter(code_key__in=[item.full_code_key for item in items])
        .exclude(item__in=items)
        .values_list("code_key", "code")
    )
    divisions = set(SegmentItem.objects.filter(parent__in=items).order_by().values_list("parent_id", flat=True))
    able, adapter, sendable = connection.capabilities, connection.adapter(), []
    there = _divisions_there(items, exports) if able.has_tiers else set()
    for item in sorted(items, key=lambda item: item.tier):  # divisions first: what stays keeps those below it
        if not item.is_active:
            sentences = ["It is inactive. Reactivate it first."]
        elif item.pk in divisions and not able.has_tiers:
            sentences = ["It is a division: it groups codes and is not exported."]
        elif item.pk in sent:
            sentences = [f"It is sent already: {sent[item.pk].get_status_display()}."]
        else:
            sentences = adapter.validate(_as_data(item, connection))
            if rival := rivals.get(item.full_code_key):
                sentences.append(f"{rival} is sent already and differs at most by case. Rename one of them.")
            if able.has_tiers and item.parent_id and item.parent_id not in there:
                sentences.append("It goes below its division, which is not sent. Send the division too.")
        if sentences:
            problems.append(Problem(item.full_code, " ".join(sentences), item.pk))
        else:
            sendable.append(item)
            there.add(item.pk)
    return sendable


def _divisions_there(items: list[SegmentItem], exports: CodeExportQuerySet) -> set[int]:
    """The divisions above these items that are sent already or are in the ERP."""
    above = exports.filter(item__in={item.parent_id for item in items if item.parent_id})
    return set(above.order_by().values_list("item_id", flat=True))


def reference_of(item: SegmentItem, connection: Connection) -> str:
    """The external id of an item in this connection's ERP: random, so that no other code ever gets it.

    A code that was sent keeps the reference of its row, which may be one of an older make.
    """
    return f"{connection.guid.hex}-{item.guid.hex}"


def _as_data(item: SegmentItem, connection: Connection) -> CodeData:
    return CodeData(reference_of(item, connection), item.full_code, item.description, item.tiers)


def _send_again(items: list[SegmentItem], batch: Batch, defaults: Defaults) -> None:
    """REJECTED -> READY in a new generation. One that may have reached the ERP in an earlier life is asked about."""
    unproven = Attempt.objects.filter(export=OuterRef("pk")).exclude(outcome__in=PROVEN_ABSENT)
    rejected = CodeExport.objects.filter(
        connection=batch.connection_id, item__in=[item.pk for item in items], status=Status.REJECTED
    )
    item = SegmentItem.objects.filter(pk=OuterRef("item_id"))
    as_now = {
        "code": "full_code",
        "code_key": "full_code_key",
        "description": "description",
        "description_key": "description_key",
        "sort_key": "sort_key",
        "item_version": "version",
    }
    keys = [(item.pk, item.full_code_key) for item in items]
    filled = {field: defaults.expression(field, keys, "item", None) for field in ACCOUNT_FIELDS}
    moved = move(
        rejected,
        Status.READY,
        batch,
        "export.sent",
        generation=F("generation") + 1,
        request_key="",
        look_first=Exists(unproven),
        sent_by=batch.actor_id,
        sent_at=Now(),
        detail="",
        receipt=None,
        **{field: Subquery(item.values(source)) for field, source in as_now.items()},
        **{field: Coalesce(F(f"{field}_id"), default) for field, default in filled.items() if default},
        **{
            name: told
            for field, default in filled.items()
            if default
            for name, told in _if_empty(field, keys, defaults)
        },
    )
    if moved:
        hold_versions(batch)


def _if_empty(field: str, keys: list[tuple[int, str]], defaults: Defaults) -> Iterator[tuple[str, Case]]:
    """Whose default it is, and how it reads, for rows that had no account."""
    for name, told in ((source_of(field), defaults.sources), (picked_of(field), defaults.picked)):
        yield name, Case(When(**{field: None}, then=told(field, keys, "item", Value(""))), default=F(name))


def _filled_in(item: SegmentItem, defaults: Defaults) -> dict[str, Any]:
    """The accounts that a new code gets, and from whom."""
    filled: dict[str, Any] = {}
    for field in ACCOUNT_FIELDS:
        if default := defaults.of(field, item.full_code_key):
            account = default.account
            filled |= {field: account, source_of(field): default.source, picked_of(field): account.identity}
    return filled


def _send_new(items: list[SegmentItem], batch: Batch, defaults: Defaults) -> None:
    known = set(batch.connection.code_exports.filter(item__in=items).values_list("item_id", flat=True))
    rows = [
        CodeExport(
            company_id=batch.company_id,
            connection_id=batch.connection_id,
            item=item,
            code=item.full_code,
            code_key=item.full_code_key,
            description=item.description,
            description_key=item.description_key,
            sort_key=item.sort_key,
            item_version=item.version,
            sent_by_id=batch.actor_id,
            changed_by_id=batch.actor_id,
            reference=reference_of(item, batch.connection),
            batch=batch,
            **_filled_in(item, defaults),
        )
        for item in items
        if item.pk not in known
    ]
    insert_each(rows, own_fields(CodeExport), ignore_conflicts=True)  # someone else may send it at the same moment
    arrive(batch)
