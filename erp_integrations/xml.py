"""Reading XML that may be hostile: entities, document types, depth and swarms of tiny parts are refused.

What is merely broken by a character is read where that is asked for (`parse_mended`).
"""

from __future__ import annotations

import re

from lxml import etree

BLANKS_BEFORE = "\ufeff \t\r\n"  # a byte order mark or a line break before `<?xml`: some servers send them
# A tree takes some 120 bytes for each element or attribute, which may be four bytes of text. A chart of accounts of
# 10,000 accounts has 140,000 of these signs.
MOST_SIGNS = 200_000
# Encodings in which `<` and `=` are the bytes of these signs; a byte order mark of UTF-16 goes before what is declared.
ENCODINGS = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252"}
DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"']([^\"'>]*)")


FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot carry
REFERENCE = re.compile("&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")  # &#x1A; or &#26;
REPLACED = "\ufffd"  # stands where a character could not be


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


def parse_mended(document: str | bytes) -> etree._Element:
    """As `parse`; but characters that XML 1.0 forbids, raw or as numeric references, are read as U+FFFD.

    Some programs write whatever someone pasted into them. Bytes are mended if they are UTF-8.
    """
    try:
        return parse(document)
    except BadXML as error:
        mended = _mended(document)
        if mended == document:
            raise
        try:
            return parse(mended)
        except BadXML:
            raise error from None


def _mended(document: str | bytes) -> str | bytes:
    try:
        text = document if isinstance(document, str) else document.decode()
    except UnicodeDecodeError:
        return document
    mended = REFERENCE.sub(_allowed, FORBIDDEN.sub(REPLACED, text))
    return document if mended == text else mended


def _allowed(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    is_one = code < 0x110000 and not FORBIDDEN.match(chr(code))
    return reference[0] if is_one else REPLACED


def _bytes(document: str | bytes) -> bytes:
    if isinstance(document, str):
        content = document.lstrip(BLANKS_BEFORE).encode()
    else:
        content = document.lstrip(b" \t\r\n")
        declared = DECLARED.match(content)
        if declared and declared[1].decode("ascii", "replace").lower() not in ENCODINGS:
            raise BadXML("It declares an encoding that is not read here. Send UTF-8.")
    if content.count(b"<") + content.count(b"=") > MOST_SIGNS:
        raise BadXML("It has too many elements or attributes.")
    return content
