"""Default accounts of divisions and codes: the list, and the form of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from companies.access import MemberRequest, erp_admin
from erp_integrations.base import ACCOUNT_FIELDS
from exports.defaults import Default, Defaults, set_defaults
from exports.forms import ItemDefaultsForm
from exports.views.responses import connection_of
from wbs.models import SegmentItem, has_items_below

ROWS = 100


@dataclass(frozen=True)
class Line:
    """One division or code, with what it gets and whether that is its own choice."""

    item: SegmentItem
    accounts: list[tuple[Default | None, bool]]  # income, expense


@require_GET
@erp_admin
def default_accounts(request: MemberRequest, slug: str) -> HttpResponse:
    """Divisions, and codes that have a default of their own; with a search whatever it finds."""
    connection = connection_of(request, slug)
    defaults, search = Defaults(connection), request.GET.get("q", "").strip()[:200]
    items = SegmentItem.objects.cost_codes().filter(company=connection.company, is_active=True).with_is_division()
    shown = items.matching(search) if search else items.filter(has_items_below() | Q(pk__in=defaults.own))
    page = Paginator(shown.order_by("sort_key", "id"), ROWS).get_page(request.GET.get("page"))
    context = {
        "connection": connection,
        "tab": "settings",
        "lines": [_line(item, defaults) for item in page],
        "page": page,
        "search": search,
        "has_expense": connection.capabilities.has_expense_account,
    }
    return render(request, "exports/default_accounts.html", context)


def _line(item: SegmentItem, defaults: Defaults) -> Line:
    found = [defaults.of(field, item.full_code_key) for field in ACCOUNT_FIELDS]
    return Line(item, [(default, bool(default and default.source == item.full_code)) for default in found])


@require_http_methods(["GET", "POST"])
@erp_admin
def default_accounts_of(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    item = get_object_or_404(SegmentItem.objects.cost_codes().with_is_division(), pk=pk, company=connection.company)
    form = ItemDefaultsForm(connection, item, request.POST if request.method == "POST" else None)
    if form.is_valid():
        income, expense = form.cleaned_data["income"], form.cleaned_data.get("expense")
        if set_defaults(request.member, connection, item, income, expense):
            messages.success(request, f"Saved the default accounts of {item}.")
        return redirect("exports:default_accounts", connection.company.slug, connection.slug)
    context: dict[str, Any] = {"connection": connection, "tab": "settings", "item": item, "form": form}
    return render(request, "exports/default_accounts_of.html", context, status=422 if form.errors else 200)
