"""How every click on the review page is answered: with htmx the changed parts, without it a redirect to the page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django_htmx.http import trigger_client_event

from companies.access import MemberRequest
from core.numbers import number
from erp_integrations.models import Connection, Question
from erp_integrations.views import connection_of as connection_of
from erp_integrations.views import tell_answers
from exports.models import FILTERS, UNFINISHED, CodeExport, Status, fits
from exports.pages.counts import Counts, Progress, shown
from exports.pages.listing import Listing
from exports.pages.rows import Row, Seen, read_seen


@dataclass(frozen=True)
class Banner:
    """What a click tells at the top of the page; with `batch` it offers Undo and Reason."""

    level: str  # warning, error, success, info
    text: str
    batch: int | None = None
    reason: str = ""
    explain: bool = False  # say at the rows which of them lack an account
    quiet: bool = False  # the page shows it by itself; only said, where the page stays
    question: str = ""  # whose answer is to take its place


def answers_about_items(request: MemberRequest, connection: Connection) -> Question | None:
    """Tell what this person asked about items and has not seen answered; what is still to come, if anything."""
    return tell_answers(request, connection, Question.Kind.COMPARE, Question.Kind.LINK)


def list_url(connection: Connection) -> str:
    return reverse("exports:standard_cost_codes", args=[connection.company.slug, connection.slug])


def frame(request: MemberRequest, connection: Connection, listing: Listing) -> dict[str, Any]:
    """Everything but the rows: counts, filters, progress. Two queries."""
    base, counts = list_url(connection), Counts.read(connection, listing.search)
    progress = Progress.read(connection, [number(pk) for pk in request.POST.getlist("batch")])
    return {
        "connection": connection,
        "tab": "standard-cost-codes",
        "base": base,
        "listing": listing,
        "counts": counts,
        "progress": progress,
        "time_left": progress.time_left(counts.now),
        "polling": bool(progress.left or counts.of(UNFINISHED)),
        "mark": mark_of(connection, [*counts.by_status.values(), progress.done, progress.total]),
        "filters": [
            (name, label, counts.shown(states), base + listing.query(filter=name, page=1))
            for name, (label, states) in FILTERS.items()
        ],
        "matching": shown(counts.of(listing.states)),
        "to_export": shown(counts.of({Status.READY} & set(listing.states))),
        "to_reject": shown(counts.rejectable(listing.states)),
    }


def mark_of(connection: Connection, numbers: list[int]) -> str:
    """What a poll compares: the numbers on the page and what its head says of the connection."""
    return f"{'.'.join(map(str, numbers))}~{connection.mark}"


def has_new_head(before: str, now: str) -> bool:
    """Whether the head says something else: the connector called, or the ERP refuses us by now."""
    return bool(before) and before.partition("~")[2] != now.partition("~")[2]


def problem(export: CodeExport) -> str:
    """Why a code would stay when everything is exported."""
    if export.status != Status.READY:
        return ""
    if export.income_account is None:
        return "Choose an income account"
    return "See to the account first" if export.troubles else ""


def moved_rows(request: MemberRequest, connection: Connection, *, and_waiting: bool) -> list[Row]:
    """The rows whose state is not the one on the page; others are left alone, a drop-down may be open there.

    `and_waiting`: also those that wait for a connector, since they tell when it was last seen.
    """
    seen = read_seen(request.POST.getlist("seen"))
    moved = set()
    for pk, moves, version, status in connection.code_exports.filter(pk__in=seen).values_list(
        "pk", "moves", "version", "status"
    ):
        is_tried_anew = status in UNFINISHED and version != seen[pk].version
        if moves != seen[pk].moves or is_tried_anew or (and_waiting and status == Status.QUEUED):
            moved.add(pk)
    return _rows(request, connection, seen, moved)


def changed_rows(
    request: MemberRequest, connection: Connection, touched: Q | None, asked: Collection[int] | None
) -> list[Row]:
    """The rows that are not what the page shows, those `touched` names, those asked for that an account holds back."""
    seen = read_seen(request.POST.getlist("seen"))
    on_page = connection.code_exports.filter(pk__in=seen)
    is_fit = ExpressionWrapper(fits(connection.capabilities), BooleanField())
    ids, lacking = set(), set()
    for pk, moves, version, status, may_go in on_page.values_list("pk", "moves", "version", "status", is_fit):
        if (moves, version) != (seen[pk].moves, seen[pk].version):
            ids.add(pk)
        if status == Status.READY and not may_go and (asked is None or pk in asked):
            lacking.add(pk)
    if touched is not None:
        ids.update(on_page.filter(touched).values_list("pk", flat=True))
    return _rows(request, connection, seen, ids | lacking, lacking)


def _rows(
    request: MemberRequest,
    connection: Connection,
    seen: Mapping[int, Seen],
    ids: Collection[int],
    lacking: Collection[int] = (),
) -> list[Row]:
    exports = connection.code_exports.filter(pk__in=ids).for_review() if ids else []
    return [
        Row.of(export, request.member, problem(export) if export.pk in lacking else "", seen[export.pk])
        for export in exports
    ]


def answer(
    request: MemberRequest,
    connection: Connection,
    banner: Banner,
    *,
    touched: Q | None = None,
    asked: Collection[int] | None = (),
    status: int = 200,
) -> HttpResponse:
    """Tell what a click did. `asked`: ids that were to be exported (None: all of the list)."""
    if not request.htmx:
        request.session["review_banner"] = asdict(banner)
        return redirect(page_behind(request, connection))
    listing = Listing.read(request.POST)
    context = {
        **frame(request, connection, listing),
        "rows": changed_rows(request, connection, touched, asked),
        "banner": None if banner.quiet else banner,
        "acted": True,
    }
    response = render(request, "exports/_changes.html", context, status=status)
    if banner.quiet:
        trigger_client_event(response, "say", {"value": banner.text})
    return trigger_client_event(response, "acted")


def page_behind(request: MemberRequest, connection: Connection) -> str:
    """The page that the form was on: the one of a code, or the list as it was filtered."""
    if pk := number(request.POST.get("back")):
        return reverse("exports:code", args=[connection.company.slug, connection.slug, pk])
    return list_url(connection) + Listing.read(request.POST).query()
