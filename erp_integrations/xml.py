"""Reading XML that may be hostile: entities, document types and deep nesting are refused, nothing is fetched."""

from __future__ import annotations

from lxml import etree

BLANKS_BEFORE = "\ufeff \t\r\n"  # a byte order mark or a line break before `<?xml`: some servers send them


class BadXML(ValueError):
    """It is not XML, it is cut short, or it has what we refuse."""


def parse(document: str | bytes) -> etree._Element:
    """The root element. The caller has capped the size. Text is text: what its `<?xml ?>` says of an encoding is moot.

    Comments and processing instructions are dropped, so that `.text` is all text of an element without children.
    """
    is_text = isinstance(document, str)
    parser = etree.XMLParser(
        encoding="utf-8" if is_text else None,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,  # the parser's own limits: depth 256, 10 MB of text in one place
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_bytes(document), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError) as error:
        raise BadXML(str(error)) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadXML("It has a document type.")
    return root


def _bytes(document: str | bytes) -> bytes:
    if isinstance(document, str):
        return document.lstrip(BLANKS_BEFORE).encode()
    return document.lstrip(b" \t\r\n")
