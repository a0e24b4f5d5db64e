"""The pages of a connection's ERP tool that need no code: Supported ERPs, GL Accounts, Settings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from companies.access import MemberRequest, member_required
from companies.models import Level, Tool
from companies.templatetags.ui import clock
from erp_integrations import catalogue
from erp_integrations.base import Adapter, Delivery
from erp_integrations.errors import ERPError
from erp_integrations.forms import ConnectionForms, SettingsForms
from erp_integrations.models import Connection, GLAccount
from erp_integrations.registry import adapter_classes

ACCOUNTS_PER_PAGE = 250


def connection_of(request: MemberRequest, slug: str) -> Connection:
    """The connection that an address names, with its `siblings`; 404 if it is not this company's. Loads no secret."""
    siblings = list(request.member.company.connections.for_pages())
    for connection in siblings:
        if connection.slug == slug:
            connection.company, connection.siblings = request.member.company, siblings
            return connection
    raise Http404("There is no such connection.")


@require_GET
@member_required(Tool.ERP, Level.READ_ONLY)
def connections(request: MemberRequest) -> HttpResponse:
    company = request.member.company
    connection = company.connections.order_by("pk").first()
    if connection is None:
        return redirect("erp_integrations:supported", company.slug)
    return redirect("exports:standard_cost_codes", company.slug, connection.slug)


@require_GET
@member_required(Tool.ERP, Level.READ_ONLY)
def supported(request: MemberRequest) -> HttpResponse:
    context = {"entries": catalogue.entries(), "connections": request.member.company.connections.all()}
    return render(request, "erp_integrations/supported.html", context)


@require_GET
def public_supported(request: HttpRequest) -> HttpResponse:
    return render(request, "erp_integrations/supported.html", {"entries": catalogue.entries()})


@require_http_methods(["GET", "POST"])
@member_required(Tool.ERP, Level.ADMIN)
def new_connection(request: MemberRequest, erp: str) -> HttpResponse:
    adapter = adapter_classes().get(erp)
    if adapter is None:
        raise Http404("There is no such integration.")
    forms = ConnectionForms(request.member.company, adapter, request.POST if request.method == "POST" else None)
    answer = None
    if request.method == "POST" and forms.are_valid():
        is_pulled = adapter.delivery is Delivery.PULL
        answer = {"is_good": True} if is_pulled else ask(forms.made_adapter())
        if answer["is_good"]:
            connection = forms.connect(request.user)
            if is_pulled:
                messages.success(request, "Connected. Now download the .qwc file and make the password.")
            else:
                sync_and_tell(request, connection)
            return redirect("erp_integrations:settings", request.member.company.slug, connection.slug)
    context = {"entry": catalogue.entry_of(adapter), "forms": forms, "answer": answer}
    return render(request, "erp_integrations/new_connection.html", context)


@require_GET
@member_required(Tool.ERP, Level.READ_ONLY)
def gl_accounts(request: MemberRequest, connection: str) -> HttpResponse:
    erp = connection_of(request, connection)
    search = request.GET.get("q", "").strip()
    found = matching(list(erp.gl_accounts.all()), search)
    page = Paginator(found, ACCOUNTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"connection": erp, "tab": "gl-accounts", "page": page, "search": search}
    template = "erp_integrations/_gl_accounts.html" if request.htmx else "erp_integrations/gl_accounts.html"
    return render(request, template, context)


@require_POST
@member_required(Tool.ERP, Level.ADMIN)
def sync_gl_accounts(request: MemberRequest, connection: str) -> HttpResponse:
    erp = connection_of(request, connection)
    if erp.is_pulled:
        erp.ask_for_gl_accounts()
        messages.success(request, "The GL accounts are read when the Web Connector calls next.")
    else:
        sync_and_tell(request, erp)
    return redirect("erp_integrations:gl_accounts", request.member.company.slug, connection)


@require_http_methods(["GET", "POST"])
@member_required(Tool.ERP, Level.ADMIN)
def edit_settings(request: MemberRequest, connection: str) -> HttpResponse:
    erp = connection_of(request, connection)
    forms = SettingsForms(erp, request.POST if request.method == "POST" else None)
    if request.method == "POST" and forms.are_valid():
        forms.save(request.user)
        messages.success(request, "Saved.")
        return redirect("erp_integrations:settings", request.member.company.slug, connection)
    return render(request, "erp_integrations/settings.html", {"connection": erp, "tab": "settings", "forms": forms})


@require_POST
@member_required(Tool.ERP, Level.ADMIN)
def test_connection(request: MemberRequest, connection: str) -> HttpResponse:
    """Ask the ERP with what stands in the form, saved or not; of a pulled ERP tell what it said when it last called."""
    erp = connection_of(request, connection)
    forms = SettingsForms(erp, request.POST)
    if erp.is_pulled:
        answer = heard(erp)
    elif forms.are_valid():
        answer = ask(forms.made_adapter())
        if answer["is_good"] and not forms.have_changed():
            erp.note_contact()
    else:
        answer = {"is_good": False, "message": " ".join(forms.faults())}
    template = "erp_integrations/_answer.html" if request.htmx else "erp_integrations/settings.html"
    return render(request, template, {"connection": erp, "tab": "settings", "forms": forms, "answer": answer})


@require_POST
@member_required(Tool.ERP, Level.ADMIN)
def pause(request: MemberRequest, connection: str) -> HttpResponse:
    connection_of(request, connection).pause(request.user)
    messages.success(request, "Paused. Nothing is sent until someone resumes it.")
    return redirect("erp_integrations:settings", request.member.company.slug, connection)


@require_POST
@member_required(Tool.ERP, Level.ADMIN)
def resume(request: MemberRequest, connection: str) -> HttpResponse:
    connection_of(request, connection).resume(request.user)
    messages.success(request, "Resumed. Accepted codes go on by themselves.")
    return redirect("erp_integrations:settings", request.member.company.slug, connection)


def ask(adapter: Adapter) -> dict[str, Any]:
    """What `check` found, or the sentence that says why not."""
    try:
        return {"is_good": True, "message": str(adapter.check())}
    except ERPError as error:
        return {"is_good": False, "message": error.message, "detail": error.detail}


def heard(connection: Connection) -> dict[str, Any]:
    """What the connector of a pulled ERP said when it last called."""
    if not connection.books:
        return {"is_good": False, "message": "The Web Connector has not told yet which company file is open."}
    when = clock(connection.last_contact_at, connection.company)
    if connection.state_message:
        return {"is_good": False, "message": connection.state_message}
    return {"is_good": True, "message": f"Connected to {connection.books}; the Web Connector last called {when}."}


def sync_and_tell(request: MemberRequest, connection: Connection) -> None:
    try:
        number = connection.sync_gl_accounts(request.user)
    except ERPError as error:
        messages.error(request, f"The GL accounts could not be read. {error.message}")
    else:
        messages.success(request, f"{number:,} GL accounts read from {connection}.")


def matching(accounts: list[GLAccount], search: str) -> list[GLAccount]:
    """Accounts whose number or name contains the text. In Python, since SQLite folds the case of ASCII only."""
    key = search.casefold()
    return [account for account in accounts if key in str(account).casefold()]
