"""Two ways to speak to the SOAP service: as a stock SOAP library does, and byte for byte as the Web Connector does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import httpx2
import requests
import zeep
from lxml import etree
from zeep.transports import Transport as ZeepBase

PATIENCE_S = 120.0  # as all tests have; this package knows nothing of the others

NAMESPACE = "http://developer.intuit.com/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TICKET = ("ticket", "string")
# Names and order are part of the contract.
OPERATIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "serverVersion": (),
    "clientVersion": (("strVersion", "string"),),
    "authenticate": (("strUserName", "string"), ("strPassword", "string")),
    "sendRequestXML": (
        TICKET,
        ("strHCPResponse", "string"),
        ("strCompanyFileName", "string"),
        ("qbXMLCountry", "string"),
        ("qbXMLMajorVers", "int"),
        ("qbXMLMinorVers", "int"),
    ),
    "receiveResponseXML": (TICKET, ("response", "string"), ("hresult", "string"), ("message", "string")),
    "connectionError": (TICKET, ("hresult", "string"), ("message", "string")),
    "getLastError": (TICKET,),
    "closeConnection": (TICKET,),
    "getInteractiveURL": (("wcTicket", "string"), ("sessionID", "string")),
    "interactiveDone": (("wcTicket", "string"),),
    "interactiveRejected": (("wcTicket", "string"), ("reason", "string")),
}
WHOLE_NUMBER = re.compile(r"\s*[+-]?\d+\s*")

Result = str | int | list[str]


class ProtocolError(AssertionError):
    """The service answered what the Web Connector would not understand."""


class ServiceFault(Exception):
    """The service answered a fault, or no SOAP at all; the Web Connector would show this as QBWC1012 or another."""

    CODES = {"authenticate": "QBWC1012", "clientVersion": "QBWC1036", "sendRequestXML": "QBWC1041"}

    def __init__(self, operation: str, status: int, text: str) -> None:
        self.code = self.CODES.get(operation, "")
        super().__init__(f"{self.code} {operation}: HTTP {status} {text}".strip())
        self.operation, self.status, self.text = operation, status, text


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    content: bytes


# method, url, body, headers
Send = Callable[[str, str, bytes, dict[str, str]], Reply]


def over_http(method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
    reply = httpx2.request(method, url, content=body, headers=headers, timeout=PATIENCE_S)
    return Reply(reply.status_code, reply.headers.get("Content-Type", ""), reply.content)


def through_django(client: Any) -> Send:
    """`client` is Django's test client; a name of the url's host is passed on."""

    def send(method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        target = httpx2.URL(url)
        given = {key: value for key, value in headers.items() if key.lower() != "content-type"}
        reply = client.generic(
            method,
            target.raw_path.decode(),
            body,
            content_type=headers.get("Content-Type", "text/xml; charset=utf-8"),
            secure=target.scheme == "https",
            headers={"Host": target.netloc.decode(), **given},
        )
        return Reply(reply.status_code, reply.headers.get("Content-Type", ""), reply.content)

    return send


class RawTransport:
    """The recorded style: prefix `soap`, a default namespace on the operation, absent values as empty elements."""

    def __init__(
        self,
        url: str,
        send: Send = over_http,
        *,
        has_bom: bool = False,
        has_soap_action: bool = True,
        is_rpc_encoded: bool = False,
    ) -> None:
        self.url = url
        self.send = send
        self.has_bom = has_bom
        self.has_soap_action = has_soap_action
        self.is_rpc_encoded = is_rpc_encoded

    def call(self, operation: str, *values: str | int) -> Result:
        headers = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "Mozilla/4.0 (compatible; MSIE 6.0)"}
        if self.has_soap_action:
            headers["SOAPAction"] = f'"{NAMESPACE}{operation}"'
        reply = self.send("POST", self.url, self.envelope(operation, values), headers)
        return read(operation, reply)

    def envelope(self, operation: str, values: tuple[str | int, ...]) -> bytes:
        arguments = OPERATIONS[operation]
        assert len(arguments) == len(values), f"{operation} takes {len(arguments)} values"
        content = "".join(self.argument(*each, value) for each, value in zip(arguments, values, strict=True))
        tag = f'{operation} xmlns="{NAMESPACE}"'
        body = f"<{tag}>{content}</{operation}>" if content else f"<{tag} />"
        style = ' soap:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"' if self.is_rpc_encoded else ""
        text = (
            '<?xml version="1.0" encoding="utf-8"?>'
            f'<soap:Envelope xmlns:soap="{SOAP}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema">'
            f"<soap:Body{style}>{body}</soap:Body></soap:Envelope>"
        )
        return text.encode("utf-8-sig" if self.has_bom else "utf-8")

    def argument(self, name: str, kind: str, value: str | int) -> str:
        attribute = f' xsi:type="xsd:{kind}"' if self.is_rpc_encoded else ""
        if value == "":
            return f"<{name}{attribute} />"
        text = escape(str(value), {"\r": "&#xD;"})
        return f"<{name}{attribute}>{text}</{name}>"


def read(operation: str, reply: Reply) -> Result:
    """The result, if the answer is to the letter what the contract says."""
    if reply.status != 200 or b"Fault>" in reply.content:
        raise ServiceFault(operation, reply.status, reply.content[:500].decode(errors="replace"))
    expect("text/xml" in reply.content_type, operation, f"is {reply.content_type!r}, not text/xml")
    try:
        root = etree.fromstring(reply.content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise ProtocolError(f"The answer to {operation} is no XML: {error}") from error
    expect(not root.getroottree().docinfo.doctype, operation, "has a document type")
    wrapper = the_only(the_only(root, f"{{{SOAP}}}Envelope", f"{{{SOAP}}}Body"), None, named(f"{operation}Response"))
    return value(operation, the_only(wrapper, None, named(f"{operation}Result")))


def named(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def the_only(parent: etree._Element, tag: str | None, child: str) -> etree._Element:
    expect(tag in (None, parent.tag), parent.tag, f"is not {tag}")
    found = [each for each in parent if each.tag != f"{{{SOAP}}}Header"]
    expect(len(found) == 1 and found[0].tag == child, parent.tag, f"holds {[each.tag for each in found]}, not {child}")
    return found[0]


def value(operation: str, result: etree._Element) -> Result:
    if operation == "authenticate":
        expect(all(each.tag == named("string") for each in result), operation, "holds strings of another namespace")
        return [text_of(each) for each in result]
    text = text_of(result)
    if operation != "receiveResponseXML":
        return text
    expect(WHOLE_NUMBER.fullmatch(text) is not None, operation, f"is {text!r}, not a whole number")
    return int(text)


def text_of(element: etree._Element) -> str:
    expect(len(element) == 0, element.tag, "holds elements where a text belongs")
    return element.text or ""


def expect(holds: bool, what: object, otherwise: str) -> None:
    if not holds:
        raise ProtocolError(f"{what} {otherwise}")


class ZeepTransport:
    """A stock SOAP client, strict, that knows of the service only what its WSDL says."""

    def __init__(self, url: str, send: Send = over_http) -> None:
        self.carrier = Carrier(send)
        self.client = zeep.Client(
            f"{url}?wsdl", transport=self.carrier, settings=zeep.Settings(strict=True, xml_huge_tree=False)
        )
        binding = next(
            port.binding
            for service in self.client.wsdl.services.values()
            for port in service.ports.values()
            if type(port.binding).__name__ == "Soap11Binding"
        )
        self.check_names(binding)
        self.service = self.client.create_service(str(binding.name), url)

    def check_names(self, binding: Any) -> None:
        for operation, arguments in OPERATIONS.items():
            expect(operation in binding.all(), "the WSDL", f"has no {operation}")
            body = binding.get(operation).input.body
            found = [name for name, _ in body.type.elements]
            expect(found == [name for name, _ in arguments], operation, f"takes {found} in the WSDL")

    def call(self, operation: str, *values: str | int) -> Result:
        try:
            result = getattr(self.service, operation)(*values)
        except zeep.exceptions.Fault as fault:
            raise ServiceFault(operation, self.carrier.status, fault.message or "") from fault
        except zeep.exceptions.Error as error:
            if self.carrier.status != 200:
                raise ServiceFault(operation, self.carrier.status, str(error)) from error
            raise ProtocolError(f"zeep does not understand the answer to {operation}: {error}") from error
        return self.checked(operation, result)

    def checked(self, operation: str, result: Any) -> Result:
        """zeep gives None for an empty string, and for a number that is none."""
        if operation == "authenticate":
            strings = getattr(result, "string", result)
            return [each or "" for each in strings or []]
        kind = int if operation == "receiveResponseXML" else str
        result = "" if result is None and kind is str else result
        expect(type(result) is kind, operation, f"is {result!r}")
        return result


class Carrier(ZeepBase):
    """Carries zeep's messages by our own sender."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self.send = send
        self.status = 0  # of the last answer

    def load(self, url: str) -> bytes:
        reply = self.send("GET", url, b"", {})
        expect(reply.status == 200, url, f"answered HTTP {reply.status}")
        return reply.content

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        reply = self.send("POST", address, message, headers)
        response = requests.Response()
        response.status_code = self.status = reply.status
        response.headers["Content-Type"] = reply.content_type
        response._content = reply.content
        return response
