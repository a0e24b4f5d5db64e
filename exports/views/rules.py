"""What would not export, and why: every active code that breaks a rule of the connection's ERP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from companies.access import MemberRequest, erp_reader
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection
from exports.models import LINKABLE, fits
from exports.views.responses import connection_of
from wbs.rules import Breach, breaches

ROWS = 100


@require_GET
@erp_reader
def rules(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    found: list[Breach] = []
    trouble = ""
    try:
        found = list(_with_accounts(breaches(connection), connection))
    except ConfigurationError as error:
        trouble = error.message
    page = Paginator(found, ROWS).get_page(request.GET.get("page"))
    context = {"connection": connection, "tab": "rules", "page": page, "trouble": trouble}
    return render(request, "exports/rules.html", context)


def _with_accounts(found: Iterable[Breach], connection: Connection) -> Iterator[Breach]:
    """And codes in review whose accounts are not what they were when they were picked."""
    waiting = connection.code_exports.filter(status__in=LINKABLE, income_account__isnull=False)
    troubled = {row.item_id: row for row in waiting.exclude(fits(connection.capabilities)).for_review()}
    for breach in found:
        row = troubled.pop(breach.item_id, None)
        yield replace(breach, sentences=[*breach.sentences, *row.troubles]) if row else breach
    yield from (Breach(row.item_id, row.code, row.description, row.troubles) for row in troubled.values())
