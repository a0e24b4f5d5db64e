"""The service that a Web Connector calls, its public pages, and what Settings offers for it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from companies.access import MemberRequest, erp_admin
from companies.sign_in import network_of
from core.bodies import reads_body_itself
from erp_integrations.models import Connection
from erp_integrations.views import connection_of
from exports.web_connector import operations, qwc, sessions, soap
from exports.web_connector.models import Access, username_of

BODY_LIMIT = 8 * 2**20  # bytes; a chart of a thousand accounts is below one MiB


def _pulled(guid: UUID) -> Connection:
    connection = Connection.objects.select_related("company").defer("credentials").filter(guid=guid).first()
    if connection is None or not connection.is_pulled:
        raise Http404("There is no such connection.")
    return connection


@csrf_exempt
@reads_body_itself
@require_http_methods(["GET", "POST"])
@never_cache
def endpoint(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """POST: one call of the Web Connector. GET: our WSDL, or a page for a person who looks at the address."""
    connection = _pulled(connection_id)
    if request.method == "POST":
        return _called(request, connection)
    if "wsdl" in {name.casefold() for name in request.GET}:
        return HttpResponse(soap.wsdl(qwc.address_of(connection)), content_type=soap.CONTENT_TYPE)
    return render(request, "web_connector/endpoint.html", {"guid": connection.guid})


def _called(request: HttpRequest, connection: Connection) -> HttpResponse:
    # Heard out before anything is refused: gunicorn waits two seconds for a caller whom it answered in mid-sentence.
    body = request.read(BODY_LIMIT + 1)
    if request.headers.get("Content-Encoding", "identity").casefold() != "identity":
        sessions.note_unreadable(connection)
        return _fault("Send the envelope uncompressed.", status=415)
    if len(body) > BODY_LIMIT:
        sessions.note_unreadable(connection)
        return _fault(f"An envelope may have {BODY_LIMIT:,} bytes.", status=413)
    try:
        call = soap.read_call(body)
    except soap.BadCall as error:
        sessions.note_unreadable(connection)
        return _fault(str(error), status=400)
    answer = operations.perform(call, connection, network_of(request))
    return HttpResponse(soap.answer(call.operation, answer), content_type=soap.CONTENT_TYPE)


def _fault(why: str, status: int) -> HttpResponse:
    return HttpResponse(soap.fault(why), status=status, content_type=soap.CONTENT_TYPE)


@require_GET
def support(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """How to install the connector; the Web Connector asks for it itself and wants a plain 200."""
    return render(request, "web_connector/support.html", {"username": username_of(_pulled(connection_id))})


def _pulled_connection_of(request: MemberRequest, slug: str) -> Connection:
    connection = connection_of(request, slug)
    if not connection.is_pulled:
        raise Http404("This ERP has no Web Connector.")
    return connection


@require_GET
@erp_admin
def download_qwc(request: MemberRequest, slug: str) -> HttpResponse:
    connection = _pulled_connection_of(request, slug)
    if problem := qwc.address_problem():
        messages.error(request, problem)
        return redirect("erp_integrations:settings", request.member.company.slug, slug)
    response = HttpResponse(qwc.file_for(connection), content_type="application/xml")
    response["Content-Disposition"] = f'attachment; filename="{request.member.company.slug}-{connection.slug}.qwc"'
    return response


@require_POST
@erp_admin
def new_password(request: MemberRequest, slug: str) -> HttpResponse:
    """Shown once, here; only its hash is kept."""
    connection = _pulled_connection_of(request, slug)
    context = {
        "connection": connection,
        "tab": "settings",
        "username": username_of(connection),
        "password": Access.renew(connection, request.user),
    }
    template = "web_connector/_password.html" if request.htmx else "web_connector/password.html"
    return render(request, template, context)
