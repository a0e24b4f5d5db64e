"""Which rows a click means, and why the others stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Case, Count, Q, Value, When

from companies.models import Member
from erp_integrations.base import ACCOUNT_FIELDS, AccountKind
from erp_integrations.models import Connection, GLAccount
from exports.models import (
    FILTERS,
    UNFINISHED,
    Batch,
    CodeExport,
    CodeExportQuerySet,
    Invalid,
    Status,
    fits,
    picked_of,
    trouble,
)
from exports.services.results import INHERIT, KEEP, Selection


def rows_of(member: Member, connection: Connection) -> CodeExportQuerySet:
    return CodeExport.objects.filter(company=member.company_id, connection=connection)


def in_scope(member: Member, connection: Connection, selection: Selection) -> CodeExportQuerySet:
    """Rows of the ticks, or of the search; whatever their state is by now."""
    rows = rows_of(member, connection).matching(selection.search)
    return rows if selection.ids is None else rows.filter(pk__in=selection.ids)


def shown_states(selection: Selection) -> tuple[Status, ...]:
    """States that the list can have shown; ticked rows may be of any."""
    return tuple(Status) if selection.ids is not None else FILTERS[selection.filter][1]


def selected(
    member: Member, connection: Connection, selection: Selection, states: Collection[Status]
) -> CodeExportQuerySet:
    """Rows that the click may move: in one of these states, and still as the list showed them."""
    states = [state for state in shown_states(selection) if state in states]
    return in_scope(member, connection, selection).filter(_is_as_seen(member, selection), status__in=states)


def offered(connection: Connection, account_id: Any, kinds: frozenset[AccountKind]) -> Any:
    """The account, if the list offers it; KEEP and INHERIT as they are. Raises Invalid."""
    if account_id in (KEEP, INHERIT):
        return account_id
    account = GLAccount.objects.active().of_kinds(kinds).filter(connection=connection, pk=account_id).first()
    if account is None:
        raise Invalid("This account cannot be chosen any more. Choose one of the list.")
    return account


def is_own(member: Member) -> Q:
    """Whether four eyes, where the company asks for them, forbid this member to accept the row."""
    return Q(sent_by=member.user_id, sent_by__isnull=False) if member.company.four_eyes else Q(pk=None)


def count_left(
    member: Member, batch: Batch, selection: Selection, states: Collection[Status], accepting: bool = False
) -> dict[str, Any]:
    """How many rows a click from these states left where they are, by reason: the counts of a Result.

    Besides the rows that it passed over, these are the rows that someone else's click took off the list meanwhile.
    """
    shown = shown_states(selection)
    here = Q(status__in=[state for state in shown if state in states])
    flying = Q(status__in=UNFINISHED) & ~here
    # What the member took off the list needs no telling, but that it cannot be rejected while it is being sent.
    noteworthy = (
        ~Q(export_batch__actor=member.user_id) if accepting else ~Q(export_batch__actor=member.user_id) | flying
    )
    taken = Q(noteworthy, export_batch__gt=selection.seen_batch) | Q(
        ~Q(batch__actor=member.user_id),
        status=Status.REJECTED,
        previous_status__in=shown,
        batch__gt=selection.seen_batch,
    )
    reasons = [
        When(flying, then=Value("in_flight")),
        When(_arrived(selection), then=Value("arrived")),
        When(~_is_as_seen(member, selection), then=Value("changed")),
    ]
    if accepting:
        able = batch.connection.capabilities
        reasons += [When(is_own(member), then=Value("own")), When(~fits(able), then=Value("lacking"))]
    reasons.append(When(before_update__isnull=False, then=Value("updating")))
    left = (
        in_scope(member, batch.connection, selection)
        .exclude(batch=batch)
        .filter(here | flying & Q(status__in=shown) | taken & ~_arrived(selection))
    )
    by_reason = left.order_by().annotate(why=Case(*reasons, default=Value("")))
    numbers = by_reason.values_list("why").annotate(Count("pk"))
    counts: dict[str, Any] = {why: count for why, count in numbers if why}
    if "lacking" in counts:
        counts["accounts"] = _accounts_in_trouble(batch.connection, by_reason.filter(why="lacking"))
    return counts


def _accounts_in_trouble(connection: Connection, rows: Any) -> dict[str, int]:
    """How many of these rows stay because of which account, "5000 Labor is no longer active": of both, the income
    account's word is told."""
    kept = [name for field in ACCOUNT_FIELDS for name in (field, picked_of(field))]
    groups = list(rows.values_list(*kept).annotate(Count("pk")))
    accounts = connection.gl_accounts.in_bulk({pk for group in groups for pk in group[:4:2] if pk})
    counts: dict[str, int] = {}
    for income, income_picked, expense, expense_picked, count in groups:
        held = {"income_account": (income, income_picked), "expense_account": (expense, expense_picked)}
        if income and (why := next(_troubles(connection, accounts, held), "")):
            counts[why] = counts.get(why, 0) + count
    return counts


def _troubles(
    connection: Connection, accounts: dict[int, GLAccount], held: dict[str, tuple[int | None, str]]
) -> Iterator[str]:
    for field, (pk, picked) in held.items():
        account = accounts.get(pk) if pk else None
        if why := trouble(field, account, picked, connection.capabilities):
            yield f"{account} {why}"


def _is_as_seen(member: Member, selection: Selection) -> Q:
    unchanged = Q(changed_at__lte=selection.seen_at) | Q(changed_by=member.user_id, changed_by__isnull=False)
    if selection.ids is not None:  # what a worker did since (nobody's change) the page shows live, before the tick
        unchanged |= Q(changed_by__isnull=True)
    late = Batch.objects.filter(pk__gt=selection.seen_batch).exclude(actor=member.user_id)
    return ~_arrived(selection) & unchanged & ~Q(batch__in=late)


def _arrived(selection: Selection) -> Q:
    """Whether a row was sent after the list was read, by the clock or by the order in which clicks were committed.

    No joins: with one, Django would move the guards of an UPDATE into a subquery, which sees no newer rows.
    """
    late = Batch.objects.filter(pk__gt=selection.seen_batch, kind=Batch.Kind.SEND)
    return Q(sent_at__gt=selection.seen_at) | Q(batch__in=late)
