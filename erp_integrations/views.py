"""The pages of a connection's ERP tool that need no code: Supported ERPs, GL Accounts, Settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import BigIntegerField, Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from companies.access import MemberRequest, erp_admin, erp_reader
from companies.templatetags.ui import clock
from core.statements import Given, Rows
from erp_integrations import questions
from erp_integrations.base import Adapter, Delivery
from erp_integrations.forms import ConnectionForms, SettingsForms
from erp_integrations.models import Connection, GLAccount, Question
from erp_integrations.registry import adapter_classes
from erp_integrations.supported import entries, entry_of

ACCOUNTS_PER_PAGE = 250


@Rows
def _connections() -> QuerySet[Connection]:
    unseen = Question.objects.unseen_by(Given("user", BigIntegerField())).filter(connection=OuterRef("pk"))
    found = Connection.objects.filter(company=Given("company", BigIntegerField()))
    return found.for_pages().annotate(has_unseen=Exists(unseen))  # type: ignore[no-redef]


def connection_of(request: MemberRequest, slug: str) -> Connection:
    """The connection that an address names, with its `siblings`; 404 if it is not this company's. Loads no secret."""
    siblings = _connections.all(user=request.user.pk, company=request.member.company_id)
    for connection in siblings:
        if connection.slug == slug:
            connection.company, connection.siblings = request.member.company, siblings
            return connection
    raise Http404("There is no such connection.")


@require_GET
@erp_reader
def connections(request: MemberRequest) -> HttpResponse:
    company = request.member.company
    connection = company.connections.order_by("pk").first()
    if connection is None:
        return redirect("erp_integrations:supported", company.slug)
    return redirect("exports:standard_cost_codes", company.slug, connection.slug)


@require_GET
@erp_reader
def supported(request: MemberRequest) -> HttpResponse:
    context = {"entries": entries(), "connections": request.member.company.connections.all()}
    return render(request, "erp_integrations/supported.html", context)


@require_GET
def public_supported(request: HttpRequest) -> HttpResponse:
    return render(request, "erp_integrations/supported.html", {"entries": entries()})


@require_http_methods(["GET", "POST"])
@erp_admin
def new_connection(request: MemberRequest, erp: str) -> HttpResponse:
    adapter, company = _adapter_of(erp), request.member.company
    forms = ConnectionForms(company, adapter, request.POST if request.method == "POST" else None)
    if request.method == "POST" and forms.are_valid():
        if adapter.delivery is not Delivery.PULL:
            question = questions.ask(forms.question(request.user))
            return redirect("erp_integrations:connecting", company.slug, erp, question.guid)
        if connection := forms.connect(request.user):
            messages.success(request, "Connected. Now download the .qwc file and make the password.")
            return redirect("erp_integrations:settings", company.slug, connection.slug)
    return _new_connection_page(request, adapter, forms)


@require_GET
@erp_admin
def connecting(request: MemberRequest, erp: str, guid: UUID) -> HttpResponse:
    """Follow a connection that is being made: on to its Settings, or back to the form with what was typed."""
    adapter, question = _adapter_of(erp), _question_of(request, guid)
    if question.connection and not question.is_pending:
        tell(request, question)
        return redirect("erp_integrations:settings", request.member.company.slug, question.connection.slug)
    forms = ConnectionForms(request.member.company, adapter, typed=question)
    return _new_connection_page(request, adapter, forms, question)


def _new_connection_page(
    request: MemberRequest, adapter: type[Adapter], forms: ConnectionForms, question: Question | None = None
) -> HttpResponse:
    context = {"entry": entry_of(adapter), "forms": forms, "question": question}
    return render(request, "erp_integrations/new_connection.html", context)


def _adapter_of(erp: str) -> type[Adapter]:
    adapter = adapter_classes().get(erp)
    if adapter is None:
        raise Http404("There is no such integration.")
    return adapter


@require_GET
@erp_reader
def question(request: MemberRequest, guid: UUID) -> HttpResponse:
    """What a page that waits for an answer polls: 204 while there is none. Without htmx a page of its own.

    A page that shows more by now than the answer is loaded anew; one that says `stay` gets the answer alone.
    """
    asked = _question_of(request, guid)
    if not request.htmx:
        return _question_page(request, asked)
    if asked.is_pending:
        return HttpResponse(status=204)
    if "stay" not in request.GET:
        return HttpResponse(headers={"HX-Refresh": "true"})
    asked.tell()
    also = []
    if asked.connection and asked.kind == Question.Kind.LINK:  # one banner may have taken another's place
        others = asked_before(request, asked.connection, Question.Kind.LINK)
        also = [other for other in others if not other.is_pending and other.tell()]
    response = render(request, "erp_integrations/_answer.html", {"question": asked, "also": also})
    return trigger_client_event(response, "answered")


def _question_page(request: MemberRequest, asked: Question) -> HttpResponse:
    company = request.member.company.slug
    if asked.kind == Question.Kind.CONNECT:
        return redirect("erp_integrations:connecting", company, asked.erp, asked.guid)
    if asked.kind == Question.Kind.SYNC and asked.connection:
        return redirect("erp_integrations:gl_accounts", company, asked.connection.slug)
    if not asked.is_pending:
        asked.tell()
    connection = connection_of(request, asked.connection.slug) if asked.connection else None
    context = {"connection": connection, "tab": "settings", "question": asked}
    return render(request, "erp_integrations/question.html", context)


def _question_of(request: MemberRequest, guid: UUID) -> Question:
    """The company's question; one that nobody will answer any more is answered so."""
    asked = get_object_or_404(request.member.company.questions.select_related("connection"), guid=guid)
    if asked.is_pending:
        questions.give_up(asked)
        asked.refresh_from_db()
    return asked


def asked_before(request: MemberRequest, connection: Connection, *kinds: Question.Kind) -> list[Question]:
    """What this person asked of the connection, newest first, as far as the answer is to come, or was not seen."""
    unseen = Question.objects.unseen_by(request.user).filter(connection=connection, kind__in=kinds)
    return [_question_of(request, asked.guid) if asked.is_pending else asked for asked in unseen]


def tell_answers(request: MemberRequest, connection: Connection, *kinds: Question.Kind) -> Question | None:
    """Tell what was answered, as the page's messages; the last question whose answer is still to come.

    The connection is read anew then, and the rest of the page is to be read after this: a page is never older than the
    answer that it tells.
    """
    if not connection.has_unseen:
        return None
    unseen = asked_before(request, connection, *kinds)
    answered = [asked for asked in unseen if not asked.is_pending]
    for asked in answered:
        tell(request, asked)
    if answered:
        _read_anew(request, connection)
    return next((asked for asked in unseen if asked.is_pending), None)


def _read_anew(request: MemberRequest, connection: Connection) -> None:
    connection.refresh_from_db()
    connection.company = request.member.company


def tell(request: MemberRequest, asked: Question) -> None:
    """The answer as the next page's message, once."""
    if asked.tell():
        messages.add_message(request, messages.SUCCESS if asked.is_good else messages.ERROR, asked.message)


@require_GET
@erp_reader
def context(request: MemberRequest, slug: str) -> HttpResponse:
    """The head of an open page, asked for now and then: 204 while it still says what is so."""
    connection = connection_of(request, slug)
    if request.GET.get("mark") == connection.mark:
        return HttpResponse(status=204)
    return render(request, "erp_integrations/_context.html", {"connection": connection})


@require_GET
@erp_reader
def gl_accounts(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    may_ask = request.member.can_configure_erp and not request.htmx
    asked = tell_answers(request, connection, Question.Kind.SYNC) if may_ask else None
    search = request.GET.get("q", "").strip()
    found = matching(list(connection.gl_accounts.all()), search)
    page = Paginator(found, ACCOUNTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"connection": connection, "tab": "gl-accounts", "page": page, "search": search, "question": asked}
    template = "erp_integrations/_gl_accounts.html" if request.htmx else "erp_integrations/gl_accounts.html"
    return render(request, template, context)


@require_POST
@erp_admin
def sync_gl_accounts(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    if connection.is_pulled:
        connection.ask_for_gl_accounts()
        messages.success(request, "The GL accounts are read when the Web Connector calls next.")
    else:
        questions.ask(Question.about(connection, Question.Kind.SYNC, request.user))
    return redirect("erp_integrations:gl_accounts", request.member.company.slug, slug)


@require_http_methods(["GET", "POST"])
@erp_admin
def edit_settings(request: MemberRequest, slug: str) -> HttpResponse:
    connection = connection_of(request, slug)
    forms = SettingsForms(connection, request.POST if request.method == "POST" else None)
    if request.method == "POST" and forms.are_valid() and forms.save(request.user):
        if connection.state == Connection.State.BROKEN and not connection.is_pulled:
            # What works now is Connected again.
            questions.ask(Question.about(connection, Question.Kind.CHECK, request.user))
        messages.success(request, "Saved.")
        return redirect("erp_integrations:settings", request.member.company.slug, slug)
    asked = next(iter(asked_before(request, connection, Question.Kind.CHECK)), None)
    if asked and not asked.is_pending:
        asked.tell()
        _read_anew(request, connection)
    context = {"connection": connection, "tab": "settings", "forms": forms, "question": asked}
    return render(request, "erp_integrations/settings.html", context)


@require_POST
@erp_admin
def test_connection(request: MemberRequest, slug: str) -> HttpResponse:
    """Ask the ERP with what stands in the form, saved or not; of a pulled ERP tell what it said when it last called."""
    connection = connection_of(request, slug)
    forms, context = SettingsForms(connection, request.POST), {"connection": connection, "tab": "settings"}
    if connection.is_pulled:
        context["answer"] = heard(connection)
    elif forms.are_valid():
        context["question"] = questions.ask(forms.question(request.user))
    else:
        context["answer"] = {"is_good": False, "message": " ".join(forms.faults())}
    template = "erp_integrations/_answer.html" if request.htmx else "erp_integrations/settings.html"
    return render(request, template, {**context, "forms": forms})


@require_POST
@erp_admin
def pause(request: MemberRequest, slug: str) -> HttpResponse:
    connection_of(request, slug).pause(request.user)
    messages.success(request, "Paused. Nothing is sent until someone resumes it.")
    return redirect("erp_integrations:settings", request.member.company.slug, slug)


@require_POST
@erp_admin
def resume(request: MemberRequest, slug: str) -> HttpResponse:
    connection_of(request, slug).resume(request.user)
    messages.success(request, "Resumed. Accepted codes go on by themselves.")
    return redirect("erp_integrations:settings", request.member.company.slug, slug)


def heard(connection: Connection) -> dict[str, Any]:
    """What the connector of a pulled ERP said when it last called."""
    if not connection.books:
        return {"is_good": False, "message": "The Web Connector has not told yet which company file is open."}
    when = clock(connection.last_contact_at, connection.company)
    if connection.state_message:
        return {"is_good": False, "message": connection.state_message}
    return {"is_good": True, "message": f"Connected to {connection.books}; the Web Connector last called {when}."}


def matching(accounts: list[GLAccount], search: str) -> list[GLAccount]:
    """Accounts whose number or name contains the text. In Python, since SQLite folds the case of ASCII only."""
    key = search.casefold()
    return [account for account in accounts if key in str(account).casefold()]
