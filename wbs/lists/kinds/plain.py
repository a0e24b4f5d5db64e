"""Rows and texts of XLSX and ODS as nearly every program writes them, found by one expression instead of tag by tag.

A portion counts as plain when the expression covers it without a gap, so that nothing in it can be missed: no comment,
no other element, no element that is not closed. Everything else is for the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_ROW = re.compile(
    r'<c r="([A-Z]+)[0-9]+"([^<>&]*)'
    r'(?:><v>|><is><t>|><is><t xml:space="preserve">|>(<f[^<>]*>(?:[^<]*</f>)?)<v>)([^<]*)(?:</v></c>|</t></is></c>)'
    r'|(?:</row>\s*)?<row r="([0-9]+)"[^<>]*>'
    r'|<c r="[A-Z]+[0-9]+"[^<>&]*(?:/>|></c>)'
    r"|</row>"
)
_OPEN_ROW = re.compile(
    r"(?:<table:table-row([^<>]*)>)?"
    r"<table:(?:covered-)?table-cell([^<>]*?)"
    r"(?:/>|>(?:<text:p>([^<]*)</text:p>|<text:p/>)?</table:(?:covered-)?table-cell>)"
    r"(?:</table:table-row>)?"
)
_BLANKS = " \t\r\n"
_ATTRIBUTES = re.compile(r'(?: [a-z:-]+="[^"]*")*')
_TEXT = re.compile(r'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')
_ATTRIBUTE = re.compile(r' ([a-z:-]+)="([^"]*)"')
_REFERENCE = re.compile(r"&(?:([^;&]{1,10});)?")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class Tokens(NamedTuple):
    cells: int
    each: Iterator[
        tuple[str, ...]
    ]  # column, attributes, formula and value; or, behind nothing else, a new row's number


def row_tokens(portion: bytes) -> Tokens | None:
    """The cells of whole rows, in their order; None when the portion is not plain."""
    text = portion.decode()
    parts = _ROW.split(text)
    if not _is_gapless(parts[::6]):
        return None
    written, values = parts[2::6], parts[4::6]
    if not all(each is None or _ATTRIBUTES.fullmatch(each) for each in set(written)):
        return None
    if "&" in text:
        values = _resolved(values)
    if "\r" in text:
        values = _with_line_ends(values)
    return Tokens(len(written), zip(parts[1::6], written, parts[3::6], values, parts[5::6], strict=True))


class OpenTokens(NamedTuple):
    cells: int
    each: Iterator[tuple[str, ...]]  # attributes of the row that it begins, those of the cell, and its text


def open_tokens(portion: bytes) -> OpenTokens | None:
    """The same for OpenDocument."""
    text = portion.decode()
    parts = _OPEN_ROW.split(text)
    if not _is_gapless(parts[::4]):
        return None
    rows, written, texts = parts[1::4], parts[2::4], parts[3::4]
    if not all(each is None or _ATTRIBUTES.fullmatch(each) for each in {*rows, *written}):
        return None
    if "&" in text:
        texts = _resolved(texts)
    if "\r" in text or "\n" in text or "\t" in text or "  " in text:
        return None  # blanks count once there
    return OpenTokens(len(written), zip(rows, written, texts, strict=True))


def texts(portion: bytes) -> list[str] | None:
    """Whole texts that cells name by number; None when the portion is not plain."""
    text = portion.decode()
    parts = _TEXT.split(text)
    if not _is_gapless(parts[::2]):
        return None
    found = parts[1::2]
    if "&" in text:
        found = _resolved(found)
    return _with_line_ends(found) if "\r" in text else found


def attributes(written: str) -> dict[str, str]:
    found = dict(_ATTRIBUTE.findall(written))
    return dict(zip(found, _resolved(list(found.values())), strict=True)) if "&" in written else found


def _is_gapless(gaps: list[str]) -> bool:
    """Only blanks may stand between what was found."""
    return not "".join(gaps).strip(_BLANKS)


def _with_line_ends(texts: list[str]) -> list[str]:
    return [text and text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]


def _resolved(texts: list[str]) -> list[str]:
    return [_REFERENCE.sub(_character, text) if text and "&" in text else text for text in texts]


def _character(reference: re.Match[str]) -> str:
    name = reference[1] or ""
    if name.startswith("#"):
        code = int(name[2:], 16) if name[1:2] == "x" else int(name[1:])
        if code == 0 or 0xD800 <= code < 0xE000:
            raise ValueError("There is no such character.")
        return chr(code)
    return _NAMED[name]
