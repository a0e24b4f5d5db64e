"""A scripted SOAP service, to try the Web Connector and its transports on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lxml import etree

from tests.quickbooks.cases import add, document
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import Faults, PollReport, WebConnector
from tests.quickbooks.transports import NAMESPACE, OPERATIONS, RawTransport, Reply, ZeepTransport

URL = "http://testserver/qbwc"
TRANSPORTS = {
    "raw": RawTransport,
    "raw with BOM": partial(RawTransport, has_bom=True),
    "raw without SOAPAction": partial(RawTransport, has_soap_action=False),
    "raw as RPC": partial(RawTransport, is_rpc_encoded=True),
    "zeep": ZeepTransport,
}
SCHEMA = "http://www.w3.org/2001/XMLSchema"


@dataclass
class Service:
    """A few lines of SOAP that answer what a test wrote down; a list is answered one by one, its last for ever."""

    script: dict[str, Any]
    asked: list[tuple[str, list[str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    operations: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=lambda: OPERATIONS)

    def __call__(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        if method == "GET":
            assert url.endswith("?wsdl")
            return Reply(200, "text/xml; charset=utf-8", wsdl(self.operations).encode())
        operation = etree.fromstring(body)[-1][0]
        name = etree.QName(operation).localname
        self.asked.append((name, [each.text or "" for each in operation]))
        self.bodies.append(body)
        self.headers.append(headers)
        answer = self.next(name)
        if isinstance(answer, Reply):
            return answer
        return Reply(200, "text/xml; charset=utf-8", envelope(name, answer).encode())

    def next(self, name: str) -> Any:
        answer = self.script[name]
        if isinstance(answer, list) and name != "authenticate":
            return answer.pop(0) if len(answer) > 1 else answer[0]
        return answer

    def arguments(self, name: str) -> list[list[str]]:
        return [arguments for operation, arguments in self.asked if operation == name]


def envelope(name: str, answer: Any, namespace: str = NAMESPACE, prolog: str = '<?xml version="1.0"?>') -> str:
    response = etree.Element(f"{{{namespace}}}{name}Response", nsmap={None: namespace})
    result = etree.SubElement(response, f"{{{namespace}}}{name}Result")
    if isinstance(answer, list):
        for each in answer:
            etree.SubElement(result, f"{{{namespace}}}string").text = each
    else:
        result.text = str(answer)
    inner = etree.tostring(response, encoding="unicode")
    return (
        f'{prolog}<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{inner}</s:Body></s:Envelope>'
    )


def wsdl(operations: dict[str, tuple[tuple[str, str], ...]]) -> str:
    """Small, and as a stock SOAP client needs it."""
    kinds = {"authenticate": "t:ArrayOfString", "receiveResponseXML": "x:int"}
    elements, messages, ports, bindings = "", "", "", ""
    for name, arguments in operations.items():
        fields = "".join(f'<x:element name="{each}" type="x:{kind}" minOccurs="0"/>' for each, kind in arguments)
        result = f'<x:element name="{name}Result" type="{kinds.get(name, "x:string")}" minOccurs="0"/>'
        for element, content in ((name, fields), (f"{name}Response", result)):
            sequence = f"<x:sequence>{content}</x:sequence>"
            elements += f'<x:element name="{element}"><x:complexType>{sequence}</x:complexType></x:element>'
            messages += f'<message name="{element}"><part name="parameters" element="t:{element}"/></message>'
        ports += f'<operation name="{name}"><input message="t:{name}"/><output message="t:{name}Response"/></operation>'
        literal = '<s:body use="literal"/>'
        bindings += (
            f'<operation name="{name}"><s:operation soapAction="{NAMESPACE}{name}"/>'
            f"<input>{literal}</input><output>{literal}</output></operation>"
        )
    strings = '<x:element name="string" type="x:string" nillable="true" minOccurs="0" maxOccurs="unbounded"/>'
    array = f'<x:complexType name="ArrayOfString"><x:sequence>{strings}</x:sequence></x:complexType>'
    return (
        f'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"'
        f' xmlns:t="{NAMESPACE}" xmlns:x="{SCHEMA}" targetNamespace="{NAMESPACE}">'
        f'<types><x:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">{elements}{array}</x:schema>'
        f'</types>{messages}<portType name="P">{ports}</portType><binding name="B" type="t:P">'
        f'<s:binding transport="http://schemas.xmlsoap.org/soap/http"/>{bindings}</binding>'
        f'<service name="S"><port name="P" binding="t:B"><s:address location="http://elsewhere/"/></port></service>'
        "</definitions>"
    )


def service(**changes: Any) -> Service:
    """One message, and done."""
    script = {
        "serverVersion": "1.0",
        "clientVersion": "",
        "authenticate": ["ticket-1", ""],
        "sendRequestXML": document(add("03-100"), newMessageSetID="x"),
        "receiveResponseXML": 100,
        "connectionError": "done",
        "getLastError": "Nothing to do.",
        "closeConnection": "OK",
    }
    return Service({**script, **changes})


def connector(told: Service, transport: Callable[..., Any] = RawTransport, **faults: Any) -> WebConnector:
    return WebConnector(
        URL, "alice", "secret & word", QuickBooks(), send=told, transport=transport, faults=Faults(**faults)
    )


def poll(told: Service, **faults: Any) -> PollReport:
    return connector(told, **faults).poll()
