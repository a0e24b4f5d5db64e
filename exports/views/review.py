"""The tab "Standard Cost Codes": the list, and the poll that keeps it current."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from companies.access import MemberRequest, erp_reader
from exports.pages.accounts import Choices
from exports.pages.counts import CAP
from exports.pages.listing import PAGE_SIZES, Listing, Page
from exports.pages.rows import Row
from exports.views.responses import Banner, answers_about_items, connection_of, frame, has_new_head, moved_rows, problem


@require_GET
@erp_reader
def standard_cost_codes(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    question = answers_about_items(request, connection) if request.member.can_review else None
    context = frame(request, connection, Listing.read(request.GET))
    banner = Banner(**request.session.pop("review_banner")) if "review_banner" in request.session else None
    if banner is None or banner.question:
        banner = Banner("info", "Asking the ERP.", question=str(question.guid)) if question else None
    context |= _page(request, context, explain=bool(banner and banner.explain))
    context |= {
        "banner": banner,
        "all_matching": request.GET.get("select") == "all",
        "choices": Choices.read(connection) if request.member.can_review else None,
        "has_expense": connection.capabilities.has_expense_account,
        "sizes": [(size, context["base"] + context["listing"].query(rows=size, page=1)) for size in PAGE_SIZES],
    }
    return render(request, "exports/standard_cost_codes.html", context)


def _page(request: MemberRequest, context: dict[str, Any], *, explain: bool) -> dict[str, Any]:
    """The rows of one page, read after the clock: what arrives in between counts as arrived since."""
    listing, total, base = context["listing"], context["counts"].of(context["listing"].states), context["base"]
    last = max(1, -(-total // listing.rows)) if total <= CAP else None
    page = Page.read(listing, context["connection"], last)
    return {
        "rows": [Row.of(export, request.member, problem(export) if explain else "") for export in page.rows],
        "page": page.number,
        "pages": f"{last:,}" if last else "many",
        "before": base + page.before if page.before else "",
        "after": base + page.after if page.after else "",
    }


@require_POST
@erp_reader
def poll(request: MemberRequest, slug: str) -> HttpResponse:
    """204 when nothing changed, else the summary and each row whose state did."""
    connection = connection_of(request, slug)
    context, before = frame(request, connection, Listing.read(request.POST)), request.POST.get("mark", "")
    new_head = has_new_head(before, context["mark"])
    rows = moved_rows(request, connection, and_waiting=new_head and connection.is_pulled)
    if not rows and context["mark"] == before:
        return HttpResponse(status=204)
    return render(request, "exports/_changes.html", {**context, "rows": rows, "new_head": new_head})
