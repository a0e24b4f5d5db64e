"""The ways in which connectors speak: what is read liberally, and the answers that are the same to the letter."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import Client
from lxml import etree

from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.referee import check_all_arrived
from tests.quickbooks.transports import NAMESPACE, OPERATIONS, SOAP, RawTransport, ZeepTransport, through_django

pytestmark = [pytest.mark.django_db, pytest.mark.either]
STYLES = {
    "recorded": RawTransport,
    "with a byte order mark": partial(RawTransport, has_bom=True),
    "without SOAPAction": partial(RawTransport, has_soap_action=False),
    "RPC": partial(RawTransport, is_rpc_encoded=True),
    "all at once": partial(RawTransport, has_bom=True, has_soap_action=False, is_rpc_encoded=True),
    "a stock client": ZeepTransport,
}
OTHERS = {  # with what is said to a ticket that is unknown
    "serverVersion": ((), "Tieback"),
    "clientVersion": (("34.0.1001.20",), ""),
    "sendRequestXML": (("no ticket", "", "", "US", 16, 0), ""),
    "receiveResponseXML": (("no ticket", "", "", ""), -1),
    "connectionError": (("no ticket", "0x80040408", "No QuickBooks."), "done"),
    "getLastError": (("no ticket",), "This ticket is no longer good. Run the Web Connector again."),
    "closeConnection": (("no ticket",), "Nothing to do."),
    "getInteractiveURL": (("no ticket", "1"), ""),
    "interactiveDone": (("no ticket",), "Done"),
    "interactiveRejected": (("no ticket", "No."), ""),
}
in_each_style = pytest.mark.parametrize("transport", STYLES.values(), ids=STYLES)


@in_each_style
def test_a_poll_goes_well(office: Office, transport: Any) -> None:
    office.queue("01-100", "01-200")

    report = office.poll(transport)

    assert report.percents[-1] == 100
    check_all_arrived(office.quickbooks, 2)


@in_each_style
def test_every_operation_is_answered(office: Office, transport: Any) -> None:
    service = transport(office.url, through_django(Client()))

    assert {*OTHERS, "authenticate"} == set(OPERATIONS)
    assert {name: service.call(name, *values) for name, (values, _) in OTHERS.items()} == {
        name: answer for name, (_, answer) in OTHERS.items()
    }
    ticket, answer = service.call("authenticate", "nobody", "wrong")
    assert (bool(ticket), answer) == (True, "nvu")


CALL = '<{0}getLastError xmlns{1}="{2}"><{0}ticket>1</{0}ticket></{0}getLastError>'
ENVELOPES = {
    "prefixes": ("SOAP-ENV:", CALL.format("ns1:", ":ns1", NAMESPACE)),
    "no namespace": ("", CALL.format("", "", "")),
    "a header": ("s:", CALL.format("", "", NAMESPACE)),
    "a comment within": ("s:", CALL.format("", "", NAMESPACE).replace(">1<", "><!-- t -->1<")),
    "more than is asked for": ("s:", CALL.format("", "", NAMESPACE).replace("</getLast", "<more/></getLast")),
    "less than is asked for": ("s:", f'<getLastError xmlns="{NAMESPACE}" />'),
}


@pytest.mark.parametrize(("prefix", "call"), ENVELOPES.values(), ids=ENVELOPES)
def test_elements_are_found_by_their_names(office: Office, client: Client, prefix: str, call: str) -> None:
    declared = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    header = f"<{prefix}Header/>" if prefix == "s:" else ""
    body = f'<{prefix}Envelope {declared}="{SOAP}">{header}<{prefix}Body>{call}</{prefix}Body></{prefix}Envelope>'

    response = client.post(office.url, body, content_type="text/xml")

    assert response.status_code == 200
    assert "This ticket is no longer good." in response.content.decode()


def test_answers_are_written_to_the_letter(office: Office, client: Client) -> None:
    """Nothing before the declaration, the contract's namespace without a prefix, at most four strings."""
    raw = RawTransport(office.url)

    response = client.post(office.url, raw.envelope("authenticate", ("a", "b")), content_type="text/xml")

    envelope = etree.fromstring(response.content)
    ours = [each for each in envelope.iter() if etree.QName(each).namespace != SOAP]
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert response.content.startswith(b"<?xml ")
    assert {(each.prefix, etree.QName(each).namespace) for each in ours} == {(None, NAMESPACE)}
    assert [etree.QName(each).localname for each in ours] == [
        "authenticateResponse",
        "authenticateResult",
        "string",
        "string",
    ]


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "Wsdl=1", "singleWsdl&wsdl"])
def test_the_wsdl_is_there_with_our_address(office: Office, client: Client, query: str) -> None:
    response = client.get(f"{office.url}?{query}")

    root = etree.fromstring(response.content)
    addresses = [each.get("location") for each in root.iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")]
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert addresses == [office.url]


@pytest.mark.parametrize("page", ["", "support/"])
def test_the_public_pages_are_for_everybody(office: Office, client: Client, page: str) -> None:
    """The Web Connector looks at the support page itself, without signing in, and wants a plain 200."""
    response = client.get(office.url + page)

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    assert "sessionid" not in response.cookies
    assert "web-connector" in response.content.decode() or "Web Connector" in response.content.decode()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_refused(office: Office, client: Client, method: str) -> None:
    assert getattr(client, method)(office.url).status_code == 405


@pytest.mark.parametrize("page", ["", "support/", "?wsdl"])
def test_a_connection_that_calls_others_has_no_such_address(office: Office, client: Client, page: str) -> None:
    from tests.factories import make_connection

    assert client.get(f"/web-connector/{make_connection().guid}/{page}").status_code == 404
