"""Doing what a checked list says, and taking it back as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from companies.audit import record_changes, record_each
from core.bulk import listed, update_each
from erp_integrations.models import Connection
from wbs.codes import MAX_TIERS, code_key, fold
from wbs.errors import Refused
from wbs.lists.checking import Change, Known, Plan
from wbs.lists.entries import Accounts
from wbs.models.default_accounts import hold_default_accounts, keep_default_accounts
from wbs.models.holds import Hold
from wbs.models.items import SegmentItem, SegmentItemQuerySet
from wbs.models.segments import Segment, pk_of

CHANGED = "The list or a choice changed since the check: this is what would happen now."


@dataclass(frozen=True)
class Undo:
    """What an import did, as far as it must be known to take it back."""

    after: int  # ids of the items that it added lie behind this one,
    last: int  # and end with this
    delimiter: str  # that the segment had before
    changed: list[dict[str, Any]] = field(default_factory=list)  # id, new version, and what was there before
    accounts: list[list[Any]] = field(default_factory=list)  # [connection, item, income, expense] of before

    as_data = asdict

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Undo:
        return cls(**data)


@transaction.atomic
def make(segment: Segment, plan: Plan, delimiter: str, actor: AbstractBaseUser | None) -> Undo:
    """Add and change what the plan says, or nothing. The caller has locked the segment. Raises Refused."""
    newest, before = segment.newest_item(), segment.delimiter
    segment.add_codes(plan.new, delimiter, actor)
    last = segment.newest_item()
    changed = _change(segment, plan.changes, actor)
    accounts = _keep_accounts(segment, plan, newest, actor)
    return Undo(newest, last, before, changed, accounts)


def hold_connections(plan: Plan, segment: Segment) -> list[Connection]:
    """Lock the connections whose default accounts the plan sets; before anything else, as sending does."""
    ids = sorted({connection for accounts in _all_accounts(plan) for connection, *_ in accounts})
    connections = list(segment.company.connections.filter(pk__in=ids).order_by("pk")) if ids else []
    for connection in connections:
        hold_default_accounts(connection)
    return connections


def why_outdated(plan: Plan, segment: Segment, delimiter: str, connections: Iterable[Connection]) -> str:
    """Why the plan cannot be made as it was shown; empty when it can. The segment is locked."""
    known = segment.known_codes()
    if why := segment.why_not_joined(delimiter):
        return why
    if known and any(code_key(plan.code(new)) in known for new in plan.new):
        return CHANGED
    for tiers in {new.tiers[:-1] for new in plan.new} - {new.tiers for new in plan.new} - {()}:
        parent = known.get(code_key(delimiter.join(tiers)))
        if parent is None or parent.closed:
            return CHANGED
    by_pk = {each.pk: each for each in known.values()} if plan.changes else {}
    if not all(_is_as_it_was(change, by_pk.get(change.pk)) for change in plan.changes):
        return CHANGED
    usable = {pk for each in connections for pk in each.gl_accounts.active().values_list("pk", flat=True)}
    return "" if _named_accounts(plan) <= usable else CHANGED


def _is_as_it_was(change: Change, known: Known | None) -> bool:
    if known is None or known.version != change.version or (known.locked and change.as_update()):
        return False
    return change.is_active is None or known.is_active == change.is_active[0]


def _named_accounts(plan: Plan) -> set[int]:
    return {account for accounts in _all_accounts(plan) for _, *pair in accounts for account in pair if account}


def _all_accounts(plan: Plan) -> Iterator[Accounts]:
    yield from (new.accounts for new in plan.new if new.accounts)
    yield from (change.accounts for change in plan.changes if change.accounts)


def _change(segment: Segment, changes: Iterable[Change], actor: AbstractBaseUser | None) -> list[dict[str, Any]]:
    """Give items their new descriptions and statuses. Raises Refused for one that is sent by now."""
    wanted = {change.pk: change for change in changes if change.as_update()}
    if not wanted:
        return []
    items = segment.items.filter(pk__in=listed(list(wanted))).hold_rows()
    old = [_state(item) for item in items]
    for item in items:
        if item.lock_state() >= Hold.Lock.ALL:
            raise Refused(CHANGED)
    _write(segment, items, {pk: change.as_update() for pk, change in wanted.items()}, actor)
    return [each | {"version": each["version"] + ("description" in wanted[each["id"]].as_update())} for each in old]


def _state(item: SegmentItem) -> dict[str, Any]:
    return {"id": item.pk, "version": item.version, "description": item.description, "is_active": item.is_active}


def _write(
    segment: Segment, items: list[SegmentItem], values: Mapping[int, Mapping[str, Any]], actor: AbstractBaseUser | None
) -> None:
    """Write descriptions and statuses, each change with its event; a description raises the version."""
    described = [item for item in items if values[item.pk].get("description", item.description) != item.description]
    turned = [item for item in items if values[item.pk].get("is_active", item.is_active) != item.is_active]
    texts = [(item, str(values[item.pk]["description"])) for item in described]
    update_each(
        SegmentItem,
        [{"id": item.pk, "description": text, "description_key": fold(text)} for item, text in texts],
        version=F("version") + 1,
    )
    events = ((item.pk, item.full_code, item.label, f"{item.full_code} {text}") for item, text in texts)
    record_changes(segment.company, actor, "code.changed", "code", events)
    for is_active, action in ((True, "code.reactivated"), (False, "code.deactivated")):
        rows = segment.items.filter(pk__in=listed([item.pk for item in turned if item.is_active != is_active]))
        record_each(rows, pk_of(actor), action, kind="code", label="full_code")
        rows.update(is_active=is_active)


def _keep_accounts(segment: Segment, plan: Plan, newest: int, actor: AbstractBaseUser | None) -> list[list[Any]]:
    """Give codes the default accounts that their rows name; those that items of before had, as a list."""
    wanted = _wanted_accounts(segment, plan, newest)
    before: list[list[Any]] = []
    for connection in segment.company.connections.filter(pk__in=list(wanted)):
        of_each = wanted[connection.pk]
        rows = connection.default_accounts.filter(item__in=listed([pk for pk in of_each if pk <= newest]))
        had = {pk: pair for pk, *pair in rows.values_list("item_id", "income_account_id", "expense_account_id")}
        before += [[connection.pk, pk, *had.get(pk, (None, None))] for pk in of_each if pk <= newest]
        keep_default_accounts(connection, of_each, actor)
    return before


def _wanted_accounts(segment: Segment, plan: Plan, newest: int) -> dict[int, dict[int, dict[str, int | None]]]:
    """By connection and item, the accounts that rows name."""
    wanted: dict[int, dict[int, dict[str, int | None]]] = {}
    if any(new.accounts for new in plan.new):
        ids = dict(segment.items.filter(pk__gt=newest).values_list("full_code_key", "pk"))
        for new in plan.new:
            for connection, income, expense in new.accounts:
                pk = ids[code_key(segment.delimiter.join(new.tiers))]
                wanted.setdefault(connection, {})[pk] = _named(income, expense)
    for change in plan.changes:
        for connection, income, expense in change.accounts:
            wanted.setdefault(connection, {})[change.pk] = _named(income, expense)
    return wanted


def _named(income: int | None, expense: int | None) -> dict[str, int | None]:
    found: dict[str, int | None] = {"income_account": income, "expense_account": expense}
    return {name: account for name, account in found.items() if account}


# Taking it back


@transaction.atomic
def take_back(segment: Segment, undo: Undo, actor: AbstractBaseUser | None) -> int:
    """Undo an import as one; how many codes went and changed back. Raises Refused when one of them is in use."""
    connections = {pk for pk, *_ in undo.accounts}
    for connection in segment.company.connections.filter(pk__in=connections).order_by("pk"):
        hold_default_accounts(connection)
    segment.lock()
    added = segment.items.filter(pk__gt=undo.after, pk__lte=undo.last)
    added.wait_for_rows()
    _refuse_used(segment, undo, added)
    gone = _delete(added, actor)
    items = segment.items.filter(pk__in=listed([each["id"] for each in undo.changed])).hold_rows()
    values = {each["id"]: {name: each[name] for name in ("description", "is_active")} for each in undo.changed}
    _write(segment, items, values, actor)
    for connection in segment.company.connections.filter(pk__in=connections):
        of_each = {
            item: {"income_account": income, "expense_account": expense}
            for pk, item, income, expense in undo.accounts
            if pk == connection.pk
        }
        keep_default_accounts(connection, of_each, actor)
    if undo.delimiter != segment.delimiter and not segment.why_not_joined(undo.delimiter):
        segment.join_with(undo.delimiter, actor)
    changed = {each["id"] for each in undo.changed} | {item for _, item, *_ in undo.accounts}
    return gone + len(changed)


def _refuse_used(segment: Segment, undo: Undo, added: SegmentItemQuerySet) -> None:
    """Raises Refused, naming the first code that somebody did something with since."""
    outside = segment.items.exclude(pk__gt=undo.after, pk__lte=undo.last)
    uses = (
        (added.filter(holds__isnull=False), "was sent"),
        (added.filter(project_codes__isnull=False), "is used on a project"),
        (added.filter(version__gt=1), "was edited"),
        (added.filter(pk__in=outside.filter(parent__isnull=False).values("parent")), "has other codes below it"),
    )
    for items, what in uses:
        if item := items.order_by("pk").first():
            raise Refused(f"{item} {what} since it was imported, so the import cannot be undone.")
    changed = {each["id"]: each for each in undo.changed}
    for item in segment.items.filter(pk__in=listed(list(changed))).hold_rows():
        if item.version != changed[item.pk]["version"] or item.lock_state() >= Hold.Lock.ALL:
            raise Refused(f"{item} was edited or sent since the import, so the import cannot be undone.")


def _delete(items: SegmentItemQuerySet, actor: AbstractBaseUser | None) -> int:
    record_each(items, pk_of(actor), "code.deleted", kind="code", label="full_code", old=F("description"))
    gone = items.count()
    for tier in range(MAX_TIERS, 0, -1):  # what lies below goes first
        items.filter(tier=tier).delete()
    return gone
