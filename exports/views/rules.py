"""What would not export, and why: every active code that breaks a rule of the connection's ERP."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from companies.access import MemberRequest, member_required
from companies.models import Level, Tool
from erp_integrations.errors import ConfigurationError
from exports.views.answers import connection_of
from wbs.rules import Breach, breaches

ROWS = 100


@require_GET
@member_required(Tool.ERP, Level.READ_ONLY)
def rules(request: MemberRequest, connection: str) -> HttpResponse:
    erp = connection_of(request, connection)
    found: list[Breach] = []
    trouble = ""
    try:
        found = list(breaches(erp))
    except ConfigurationError as error:
        trouble = error.message
    page = Paginator(found, ROWS).get_page(request.GET.get("page"))
    return render(request, "exports/rules.html", {"connection": erp, "tab": "rules", "page": page, "trouble": trouble})
