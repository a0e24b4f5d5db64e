"""What the request processor reads before it executes anything: bytes, prolog, and the schema of the whole message."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

COULD_NOT_PARSE = "0x80040400"
UNKNOWN_VERSION = "0x80040423"  # from memory; no source at hand names it
VERSIONS = tuple(f"{number}.0" for number in range(1, 17))
XSD = Path(__file__).with_name("qbxml.xsd").read_text()

_compiled: dict[str, etree.XMLSchema] = {}


class QBError(Exception):
    """The request processor threw: nothing was executed, there is no response."""

    def __init__(self, hresult: str, message: str) -> None:
        super().__init__(f"{hresult} {message}")
        self.hresult = hresult
        self.message = message


def could_not_parse(why: object) -> QBError:
    return QBError(COULD_NOT_PARSE, f"QuickBooks found an error when parsing the provided XML text stream. {why}")


def read(qbxml: str, newest_version: str) -> etree._Element:
    """The `QBXMLMsgsRq` of a document that is fit to be executed."""
    check_bytes(qbxml)
    root = parse(qbxml)
    check_version(root, newest_version)
    check_schema(root)
    return root.find("QBXMLMsgsRq")


def check_bytes(qbxml: str) -> None:
    """Some releases read the stream as Windows-1252, so that only ASCII arrives as it was meant."""
    if not qbxml.isascii():
        raise could_not_parse("A character outside ASCII.")


def parse(qbxml: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(qbxml.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise could_not_parse(error) from error
    check_start(qbxml, root)
    return root


def check_start(qbxml: str, root: etree._Element) -> None:
    if not qbxml.startswith("<?xml "):
        raise could_not_parse("The document has to start with its declaration.")
    if root.getroottree().docinfo.doctype:
        raise could_not_parse("A document type.")


def check_version(root: etree._Element, newest_version: str) -> None:
    """The instruction is what selects the schema."""
    found = [each for each in root.itersiblings(preceding=True) if getattr(each, "target", "") == "qbxml"]
    if len(found) != 1 or not found[0].get("version"):
        raise could_not_parse("The instruction with the version of qbXML is missing.")
    if found[0].get("version") not in VERSIONS[: VERSIONS.index(newest_version) + 1]:
        raise QBError(UNKNOWN_VERSION, "The version of qbXML that was requested is not supported or is unknown.")


def check_schema(root: etree._Element) -> None:
    if XSD not in _compiled:
        _compiled[XSD] = etree.XMLSchema(etree.fromstring(XSD.encode()))
    schema = _compiled[XSD]
    if not schema.validate(root):
        raise could_not_parse(schema.error_log.last_error)
