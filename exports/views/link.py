"""Link instead of create: the ERP's items beside the codes that look like them, linked in bulk; unlink."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from companies.access import MemberRequest
from erp_integrations import questions
from erp_integrations.models import Connection, Question
from exports import queue, services
from exports.forms import read_pairs
from exports.matching import find_lost, find_matches, lost_items
from exports.models import Reading
from exports.pages import words
from exports.views.actions import approver, ask_to_link
from exports.views.responses import Banner, answer, answers_about_items, connection_of, list_url

ROWS = 100


def lister(request: MemberRequest, slug: str) -> Connection:
    """The connection, if its ERP lists its items."""
    connection = connection_of(request, slug)
    if not connection.capabilities.lists_items:
        raise Http404(f"{connection.adapter_class.label} does not list its items.")
    return connection


@require_GET
@approver
def link_page(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    context = {
        "connection": connection,
        "tab": "standard-cost-codes",
        "base": list_url(connection),
        "question": answers_about_items(request, connection),
    }
    if connection.capabilities.lists_items:
        context |= {
            "reading": Reading.objects.filter(connection=connection).first(),
            "drifted": connection.code_exports.exclude(drift="").order_by("sort_key", "id")[:ROWS],
            "page": Paginator(find_matches(connection), ROWS).get_page(request.GET.get("page")),
            "lost": lost_items(connection).count(),
        }
    return render(request, "exports/link.html", context)


@require_GET
@approver
def lost_page(request: MemberRequest, slug: str) -> HttpResponse:
    """Items under references that no code here has, each beside the cost code that it was, or could be."""
    connection = lister(request, slug)
    question = answers_about_items(request, connection)
    page = Paginator(lost_items(connection), ROWS).get_page(request.GET.get("page"))
    lost = find_lost(connection, list(page.object_list))
    taking = {one.item.pk: (one.export, one.item.as_receipt()) for one in lost if one.export and one.can_link}
    claims = dict(zip(taking, queue.why_anothers(connection, list(taking.values())), strict=True))
    context = {
        "connection": connection,
        "tab": "standard-cost-codes",
        "question": question,
        "page": page,
        "rows": [(one, claims.get(one.item.pk, "")) for one in lost],
        "can_link": bool(taking),
    }
    return render(request, "exports/link_lost.html", context)


@require_POST
@approver
def read_items(request: MemberRequest, slug: str) -> HttpResponse:
    connection = lister(request, slug)
    questions.ask(Question.about(connection, Question.Kind.COMPARE, request.user))
    return redirect("exports:link_page", connection.company.slug, connection.slug)


@require_POST
@approver
def link_selected(request: MemberRequest, slug: str) -> HttpResponse:
    """Link the ticked codes, each to the item beside it; one that looks like another's only if that is confirmed."""
    connection = lister(request, slug)
    post = request.POST
    ticked = read_pairs(post.getlist("export"))[:ROWS]
    seen = dict(ticked)
    despite = {pk: post.get(f"despite-{item}", "") for pk, item in ticked} if post.get("confirm") else {}
    if not seen:
        messages.error(request, "Tick the cost codes to link.")
    elif len(seen) < len(ticked):
        messages.error(request, "Tick one item for each cost code.")
    else:
        ask_to_link(request, connection, seen, despite)
    page = "exports:lost_page" if post.get("back") == "lost" else "exports:link_page"
    return redirect(page, connection.company.slug, connection.slug)


@require_POST
@approver
def unlink(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    connection = connection_of(request, slug)
    row, reason = get_object_or_404(connection.code_exports, pk=pk), request.POST.get("reason", "").strip()[:500]
    if not reason:
        return answer(request, connection, Banner("error", f"Type why {row.code} is unlinked."), status=422)
    result = services.unlink_code(request.member, row, reason)
    return answer(request, connection, Banner("success" if result.count else "error", words.did("Unlinked", result)))


@require_POST
@approver
def accept_change(request: MemberRequest, slug: str, pk: int) -> HttpResponse:
    """Answers "Accept": the item as it is in the ERP by now is what the code is compared with from here on."""
    connection = connection_of(request, slug)
    row = get_object_or_404(connection.code_exports, pk=pk)
    result = services.accept_change(request.member, row, request.POST.get("despite", ""))
    if result.count:
        return answer(request, connection, Banner("success", f"{row.code} is taken as it is in the ERP."))
    moved_on = f"{row.code} has moved on meanwhile. Nothing was changed."
    return answer(request, connection, Banner("error", words.did("Accepted", result) if result.problems else moved_on))
