"""The tab "Export History": every click with its codes and their errors, and the audit trail."""

from __future__ import annotations

import csv
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from companies.access import MemberRequest, erp_reader
from companies.models import AuditEvent
from core.numbers import number
from erp_integrations.models import Connection
from exports.models import Batch, CodeExportQuerySet
from exports.pages.rows import Row
from exports.pages.words import status_words
from exports.views.responses import connection_of, list_url
from wbs.lists.csv_files import guard

ROWS = 100


@require_GET
@erp_reader
def history(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    batches = connection.batches.select_related("actor")
    context = {
        "batches": Paginator(batches, 50).get_page(request.GET.get("page")),
        "events": _older(_events(connection), request),
        "polls": connection.polls.all()[:10],
    }
    return render(request, "exports/history.html", {**_frame(connection), **context})


@require_GET
@erp_reader
def batch(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    click = get_object_or_404(connection.batches.select_related("actor"), pk=pk)
    page = Paginator(_codes(connection, click), ROWS).get_page(request.GET.get("page"))
    context = {
        "batch": click,
        "page": page,
        "rows": [Row.of(export, request.member) for export in page],
        "can_undo": request.member.can_review and click.kind == Batch.Kind.REJECT and not click.undone_at,
    }
    return render(request, "exports/batch.html", {**_frame(connection), **context})


@require_GET
@erp_reader
def batch_csv(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    click = get_object_or_404(connection.batches, pk=pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{connection.slug}-batch-{click.pk}.csv"'
    response.write("\ufeff")
    sheet = csv.writer(response)
    sheet.writerow(["Cost Code", "Description", "Income Account", "Expense Account", "Export Status", "Details"])
    for e in _codes(connection, click).iterator(chunk_size=1000):
        cells = [e.code, e.description, e.income_account or "", e.expense_account or "", status_words(e), e.detail]
        sheet.writerow([guard(str(cell)) for cell in cells])
    return response


def _frame(connection: Connection) -> dict[str, Any]:
    return {"connection": connection, "tab": "history", "base": list_url(connection)}


def _codes(connection: Connection, batch: Batch) -> CodeExportQuerySet:
    """The codes that a click moved: the audit trail knows, the rows themselves only know their last click."""
    events = AuditEvent.objects.filter(company=connection.company, batch_id=batch.pk, subject="export")
    return connection.code_exports.filter(pk__in=events.values("subject_id")).for_review().select_related("item")


def _events(connection: Connection) -> Any:
    """What happened to the codes of this connection and to the connection itself."""
    codes = Q(subject="export", subject_id__in=connection.code_exports.order_by().values("pk"))
    itself = Q(subject="connection", subject_id=connection.pk)
    return AuditEvent.objects.filter(codes | itself, company=connection.company).select_related("actor")


def _older(events: Any, request: MemberRequest) -> list[AuditEvent]:
    """One page of events, from `before` on (keyset: the trail only grows)."""
    before = number(request.GET.get("before"))
    return list((events.filter(pk__lt=before) if before else events)[:ROWS])
