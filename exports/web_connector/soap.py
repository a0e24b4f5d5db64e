"""The SOAP envelope of the Web Connector: liberal in what it reads, strict in what it answers.

Source: Intuit's Web Connector Programmer's Guide and WSDL. Document/literal wrapped, SOAP 1.1; the namespace is part of
the contract, down to its last slash. Elements are found by their local names, since clients differ in their prefixes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from erp_integrations.xml import FORBIDDEN, BadXML, parse, parse_mended

NAMESPACE = "http://developer.intuit.com/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
DEFAULT: dict[Any, str] = {None: NAMESPACE}  # the namespace without a prefix
CONTENT_TYPE = "text/xml; charset=utf-8"
ADDRESS = "https://web-connector.invalid/"  # in the WSDL, where our own belongs

# Each operation with its arguments, in the order of the contract.
OPERATIONS: dict[str, tuple[str, ...]] = {
    "serverVersion": (),
    "clientVersion": ("strVersion",),
    "authenticate": ("strUserName", "strPassword"),
    "sendRequestXML": (
        "ticket",
        "strHCPResponse",
        "strCompanyFileName",
        "qbXMLCountry",
        "qbXMLMajorVers",
        "qbXMLMinorVers",
    ),
    "receiveResponseXML": ("ticket", "response", "hresult", "message"),
    "connectionError": ("ticket", "hresult", "message"),
    "getLastError": ("ticket",),
    "closeConnection": ("ticket",),
    "getInteractiveURL": ("wcTicket", "sessionID"),
    "interactiveDone": ("wcTicket",),
    "interactiveRejected": ("wcTicket", "reason"),
}
DOCUMENTS = {"strHCPResponse", "response"}  # of QuickBooks; all other arguments are short
BEGINNING = etree.XPath("substring(text(), 1, 1000)", smart_strings=False)


class BadCall(ValueError):
    """It is no call of the Web Connector; the text says why."""


class Arguments(Mapping[str, str]):
    """All arguments of an operation; what was left out is empty.

    Each is decoded when it is asked for, so a document of a stranger never is: in memory it may be four times as large.
    """

    def __init__(self, operation: etree._Element) -> None:
        self._names = OPERATIONS[etree.QName(operation).localname]
        self._given = {etree.QName(child).localname: child for child in operation}

    def __getitem__(self, name: str) -> str:
        if name not in self._names:
            raise KeyError(name)
        if (element := self._given.get(name)) is None:
            return ""
        return (element.text or "") if name in DOCUMENTS else str(BEGINNING(element))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Call:
    operation: str
    arguments: Arguments


def read_call(body: bytes) -> Call:
    """Raises BadCall. The caller has capped the size.

    In a document of QuickBooks characters that XML forbids are read as U+FFFD: the connector passes on what it gets.
    """
    try:
        return _call(parse(body))
    except BadXML as error:
        why = BadCall(f"This is not readable XML: {error}")
    try:
        call = _call(parse_mended(body))
    except BadXML:
        raise why from None
    if DOCUMENTS.isdisjoint(OPERATIONS[call.operation]):
        raise why
    return call


def _call(envelope: etree._Element) -> Call:
    if envelope.tag != f"{{{ENVELOPE}}}Envelope":
        raise BadCall("This is no SOAP 1.1 envelope.")
    soap_body = envelope.find(f"{{{ENVELOPE}}}Body")
    operation = next(iter(soap_body), None) if soap_body is not None else None
    if operation is None:
        raise BadCall("The envelope is empty.")
    name = etree.QName(operation)
    if name.localname not in OPERATIONS or name.namespace not in (NAMESPACE, None):
        raise BadCall("There is no such operation.")
    return Call(name.localname, Arguments(operation))


def answer(operation: str, result: str | int | Sequence[str]) -> bytes:
    envelope, body = _envelope()
    response = etree.SubElement(body, f"{{{NAMESPACE}}}{operation}Response", nsmap=DEFAULT)
    told = etree.SubElement(response, f"{{{NAMESPACE}}}{operation}Result")
    if isinstance(result, str | int):
        told.text = _writable(str(result))
    else:
        for text in result:
            etree.SubElement(told, f"{{{NAMESPACE}}}string").text = _writable(text)
    return _written(envelope)


def fault(why: str, *, of: str = "Client") -> bytes:
    """In SOAP's words: the sender's fault (Client), or ours (Server)."""
    envelope, body = _envelope()
    element = etree.SubElement(body, f"{{{ENVELOPE}}}Fault")
    etree.SubElement(element, "faultcode").text = f"soap:{of}"
    etree.SubElement(element, "faultstring").text = _writable(why)
    return _written(envelope)


def wsdl(address: str) -> bytes:
    """Our description of the service, with the address at which this connection is served."""
    return _wsdl().replace(ADDRESS.encode(), address.encode())


@cache
def _wsdl() -> bytes:
    return Path(__file__).with_name("web_connector.wsdl").read_bytes()


def _envelope() -> tuple[etree._Element, etree._Element]:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    return envelope, etree.SubElement(envelope, f"{{{ENVELOPE}}}Body")


def _writable(text: str) -> str:
    return FORBIDDEN.sub(" ", text)


def _written(envelope: etree._Element) -> bytes:
    return etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
