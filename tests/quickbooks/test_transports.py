"""What goes over the wire, and that answers which are none are noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import WebConnector
from tests.quickbooks.scripted import URL, Service, connector, envelope, poll, service
from tests.quickbooks.transports import (
    OPERATIONS,
    ProtocolError,
    RawTransport,
    Reply,
    ServiceFault,
    ZeepTransport,
    over_http,
    through_django,
)

pytestmark = pytest.mark.once


# The bytes


def test_raw_bytes_are_those_that_were_recorded() -> None:
    told = service()
    raw = RawTransport(URL, told)

    raw.call("receiveResponseXML", "t", '<?xml version="1.0" ?>\r\n<A b="&quot;"/>', "", "")
    raw.call("serverVersion")

    assert told.bodies[0] == (
        b'<?xml version="1.0" encoding="utf-8"?>'
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
        b'<soap:Body><receiveResponseXML xmlns="http://developer.intuit.com/"><ticket>t</ticket>'
        b'<response>&lt;?xml version="1.0" ?&gt;&#xD;\n&lt;A b="&amp;quot;"/&gt;</response>'
        b"<hresult /><message /></receiveResponseXML></soap:Body></soap:Envelope>"
    )
    assert b'<serverVersion xmlns="http://developer.intuit.com/" />' in told.bodies[1]
    assert told.headers[0]["SOAPAction"] == '"http://developer.intuit.com/receiveResponseXML"'
    assert told.headers[0]["Content-Type"] == "text/xml; charset=utf-8"


def test_options_change_the_bytes() -> None:
    told = service()

    RawTransport(URL, told, has_bom=True).call("serverVersion")
    RawTransport(URL, told, has_soap_action=False).call("serverVersion")
    RawTransport(URL, told, is_rpc_encoded=True).call("sendRequestXML", "t", "", "", "US", 13, 0)

    assert told.bodies[0].startswith(b"\xef\xbb\xbf<?xml")
    assert "SOAPAction" not in told.headers[1]
    assert b"soap:encodingStyle=" in told.bodies[2]
    assert b'<ticket xsi:type="xsd:string">t</ticket>' in told.bodies[2]
    assert b'<qbXMLMajorVers xsi:type="xsd:int">13</qbXMLMajorVers>' in told.bodies[2]


def test_zeep_speaks_otherwise_than_the_recorded_bytes() -> None:
    told = service()

    ZeepTransport(URL, told).call("authenticate", "alice", "secret")

    assert b":authenticate" in told.bodies[0]


# Answers that are none


def as_text(name: str, answer: Any, **words: str) -> Reply:
    return Reply(200, "text/xml", envelope(name, answer, **words).encode())


BROKEN = {
    "one string": ("authenticate", ["ticket-1"]),
    "five strings": ("authenticate", ["ticket-1", "", "", "", ""]),
    "no ticket": ("authenticate", ["", ""]),
    "None written large": ("authenticate", ["ticket-1", "None"]),
    "words for seconds": ("authenticate", ["ticket-1", "", "soon"]),
    "101 percent": ("receiveResponseXML", 101),
    "no number": ("receiveResponseXML", "all"),
    "an empty percent": ("receiveResponseXML", ""),
    "half a percent": ("receiveResponseXML", "99.5"),
    "a client version that is no word": ("clientVersion", "fine"),
    "interactive mode": ("getLastError", "Interactive mode"),
    "another namespace": ("serverVersion", as_text("serverVersion", "1", namespace="urn:other/")),
    "another operation": ("serverVersion", as_text("clientVersion", "")),
    "no XML": ("serverVersion", Reply(200, "text/xml", b"OK")),
    "blanks before the declaration": ("serverVersion", as_text("serverVersion", "1", prolog=' <?xml version="1.0"?>')),
    "a document type": ("serverVersion", as_text("serverVersion", "1", prolog="<!DOCTYPE x>")),
    "a page": ("serverVersion", Reply(200, "text/html", envelope("serverVersion", "1").encode())),
    "strings of another namespace": (
        "authenticate",
        Reply(
            200, "text/xml", envelope("authenticate", ["t", ""]).replace("<string", '<string xmlns="urn:x"').encode()
        ),
    ),
    "XML that is not escaped": (
        "sendRequestXML",
        Reply(200, "text/xml", envelope("sendRequestXML", "-").replace(">-<", "><QBXML/><").encode()),
    ),
}


@pytest.mark.parametrize(("operation", "answer"), BROKEN.values(), ids=BROKEN)
def test_it_notices_what_breaks_the_contract(operation: str, answer: Any) -> None:
    told = service(**{operation: answer}, **({"sendRequestXML": ""} if operation == "getLastError" else {}))

    with pytest.raises(ProtocolError):
        poll(told)


@pytest.mark.parametrize("name", ["five strings", "101 percent", "no number", "an empty percent", "no XML"])
def test_zeep_notices_it_too(name: str) -> None:
    operation, answer = BROKEN[name]

    with pytest.raises(ProtocolError):
        connector(service(**{operation: answer}), ZeepTransport).poll()


FAULT = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Server</faultcode>'
    b"<faultstring>Broken</faultstring></s:Fault></s:Body></s:Envelope>"
)


@pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])
@pytest.mark.parametrize(
    ("operation", "code"),
    [("clientVersion", "QBWC1036"), ("authenticate", "QBWC1012"), ("sendRequestXML", "QBWC1041"), ("getLastError", "")],
)
def test_a_fault_is_told(operation: str, code: str, transport: Callable[..., Any]) -> None:
    told = service(receiveResponseXML=-1, **{operation: Reply(500, "text/xml", FAULT)})

    with pytest.raises(ServiceFault, match="Broken") as caught:
        connector(told, transport).poll()

    assert (caught.value.operation, caught.value.code) == (operation, code)


@pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])
def test_a_page_instead_of_soap_is_a_fault(transport: Callable[..., Any]) -> None:
    told = service(authenticate=Reply(403, "text/html", b"<h1>Forbidden</h1>"))

    with pytest.raises(ServiceFault) as caught:
        connector(told, transport).poll()

    assert caught.value.status == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"authenticate": (("strPassword", "string"), ("strUserName", "string"))},
        {"getLastError": (("Ticket", "string"),)},
        {"serverVersion": (("strVersion", "string"),)},
    ],
)
def test_a_wsdl_with_other_arguments_is_noticed(changed: dict[str, Any]) -> None:
    told = service()
    told.operations = {**OPERATIONS, **changed}

    with pytest.raises(ProtocolError, match="in the WSDL"):
        ZeepTransport(URL, told)


def test_a_wsdl_that_lacks_an_operation_is_noticed() -> None:
    told = service()
    told.operations = {name: each for name, each in OPERATIONS.items() if name != "connectionError"}

    with pytest.raises(ProtocolError, match="connectionError"):
        ZeepTransport(URL, told)


# The ways to send


@pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])
def test_over_http(httpserver: HTTPServer, transport: Callable[..., Any]) -> None:
    told = service()

    def handle(request: Request) -> Response:
        reply = told(request.method, request.url, request.get_data(), dict(request.headers))
        return Response(reply.content, reply.status, content_type=reply.content_type)

    httpserver.expect_request("/qbwc").respond_with_handler(handle)
    played = WebConnector(
        httpserver.url_for("/qbwc"), "alice", "secret", QuickBooks(), send=over_http, transport=transport
    )

    assert played.poll().percents == [100]


DJANGO_SERVICE: list[Service] = []


def view(request: HttpRequest) -> HttpResponse:
    assert request.method is not None
    reply = DJANGO_SERVICE[-1](request.method, request.build_absolute_uri(), request.body, dict(request.headers))
    return HttpResponse(reply.content, status=reply.status, content_type=reply.content_type)


urlpatterns = [path("qbwc", view)]


@pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])
def test_through_django(settings: LazySettings, transport: Callable[..., Any]) -> None:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    DJANGO_SERVICE.append(told := service())

    played = WebConnector(URL, "alice", "secret", QuickBooks(), send=through_django(Client()), transport=transport)

    assert played.poll().percents == [100]
    assert told.headers[-1]["Soapaction"] == '"http://developer.intuit.com/closeConnection"'
