"""One code: its accounts as two plain drop-downs, the auto-save, and everything that happened to it."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import reswap, retarget, trigger_client_event

from companies.access import MemberRequest, approver, erp_reader
from companies.models import AuditEvent
from core.numbers import number
from exports import queue, services
from exports.defaults import Defaults
from exports.forms import read_account
from exports.models import CodeExport, Conflict, Invalid, Status
from exports.pages import words
from exports.pages.accounts import Choices
from exports.pages.comparison import Update, comparison
from exports.pages.rows import Row
from exports.views.responses import Banner, answer, answers_about_items, connection_of, list_url

KEPT = {"income_kept": "income_account", "expense_kept": "expense_account"}  # how the page shows what is kept
NEWER = "Someone else changed or exported this code meanwhile; this is how it is now. Your choice was not saved."


@require_GET
@erp_reader
def code(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    banner = Banner(**request.session.pop("review_banner")) if "review_banner" in request.session else None
    return _page(request, slug, pk, banner)


def _page(
    request: MemberRequest, slug: str, pk: int, banner: Banner | None = None, *, error: str = "", status: int = 200
) -> HttpResponse:
    connection = connection_of(request, slug)
    question = answers_about_items(request, connection) if request.member.can_review else None
    export = get_object_or_404(connection.code_exports.for_review().select_related("item", "sent_by"), pk=pk)
    post, defaults, is_synced = request.POST, Defaults(connection), export.status == Status.SUCCESS
    row = Row.of(export, request.member)
    update = Update.of(export) if is_synced and request.member.can_review else None
    income, expense = (update or row).income, (update or row).expense
    inherited = [(kind, defaults.of(f"{kind}_account", export.code_key)) for kind in ("income", "expense")]
    if banner and banner.question:  # the page waits for the answer, or has it as its message
        banner = None
    events = AuditEvent.objects.filter(company=connection.company, subject="export", subject_id=export.pk)
    context = {
        "connection": connection,
        "question": question,
        "tab": "standard-cost-codes",
        "base": list_url(connection),
        "row": row,
        "may_keep": request.member.can_review and row.asks_to_keep,
        "inherited": [(kind, default) for kind, default in inherited if default],
        "banner": banner,
        "error": error,
        "error_id": error and ("update-error" if update else "accounts-error"),
        "income": number(post.get("income")) or (income and income.account.pk),
        "expense": number(post.get("expense")) or (expense and expense.account.pk),
        "choices": Choices.read(connection),
        "update": update,
        "why_not_updated": services.why_not_updated(export) if is_synced else "",
        "comparison": comparison(export),
        "claim": queue.why_anothers_of(export) if request.member.can_review else "",
        "attempts": export.attempts.all()[:20],
        "events": events.select_related("actor")[:100],
    }
    return render(request, "exports/code.html", context, status=status)


@require_POST
@approver
def assign(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """Save both accounts of one code, if it still is the version that the page shows."""
    post = request.POST
    try:
        income, expense = read_account(post.get("income", "")), read_account(post.get("expense", ""))
        kept = {field: text for name, field in KEPT.items() if (text := post.get(name))}
        row = services.assign(pk, request.member, slug, number(post.get("version")), income, expense, kept)
    except CodeExport.DoesNotExist:
        raise Http404("There is no such cost code here.") from None
    except Conflict as conflict:
        return _newer(request, slug, conflict.row)
    except Invalid as invalid:
        return _not_saved(request, slug, pk, invalid.message)
    if not request.htmx:
        request.session["review_banner"] = {"level": "success", "text": f"Saved {row.code}."}
        return redirect(reverse("exports:code", args=[request.member.company.slug, slug, pk]))
    response = render(request, "exports/_status.html", _cell(request, row, saved=True), using="parts")
    return trigger_client_event(response, "say", {"value": f"Saved {row.code}"})


@require_POST
@approver
def export_update(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """Accept that the ERP's item gets the values that the page shows."""
    connection, post = connection_of(request, slug), request.POST
    row = get_object_or_404(connection.code_exports.select_related("item"), pk=pk)
    versions = number(post.get("version")), number(post.get("item_version"))
    try:
        income, expense = read_account(post.get("income", "")), read_account(post.get("expense", ""))
        result = services.queue_update(request.member, row, *versions, income, expense)
    except Invalid as invalid:
        return _page(request, slug, pk, error=invalid.message, status=422)
    queue.wake([connection.pk])
    return answer(request, connection, Banner("success" if result.count else "error", words.did("Accepted", result)))


def _newer(request: MemberRequest, slug: str, export: CodeExport) -> HttpResponse:
    """409: the whole row as it is now, and a sentence."""
    if not request.htmx:
        return _page(request, slug, export.pk, error=NEWER, status=409)
    response = render(request, "exports/_row.html", _cell(request, export, NEWER), status=409, using="parts")
    return reswap(retarget(response, f"#export-{export.pk}"), "outerHTML")


def _not_saved(request: MemberRequest, slug: str, pk: int, sentence: str) -> HttpResponse:
    """422: the choice stays on the screen, with a sentence beside it."""
    if not request.htmx:
        return _page(request, slug, pk, error=sentence, status=422)
    export = get_object_or_404(connection_of(request, slug).code_exports.for_review(), pk=pk)
    return render(request, "exports/_status.html", _cell(request, export, sentence), status=422, using="parts")


def _cell(request: MemberRequest, export: CodeExport, problem: str = "", *, saved: bool = False) -> dict[str, object]:
    return {"row": Row.of(export, request.member, problem), "saved": saved, "may": request.member.can_review}
