"""Small writers of the kinds that nothing at hand writes: XLSB, XLS and ODS, whole or record by record."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def packed(parts: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


# XLSB


def new_record(kind: int, data: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    size = len(data)
    while size > 127:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + data


def new_text(text: str) -> bytes:
    return struct.pack("<I", len(text.encode("utf-16-le")) // 2) + text.encode("utf-16-le")


def new_row(number: int) -> bytes:
    return new_record(0, struct.pack("<II", number - 1, 0) + bytes(9))


def new_cell(kind: int, column: int, value: bytes, style: int = 0) -> bytes:
    return new_record(kind, struct.pack("<II", column - 1, style) + value)


def new_short_cell(kind: int, value: bytes, style: int = 0) -> bytes:
    return new_record(kind + 11, struct.pack("<I", style) + value)


def new_heading() -> bytes:
    return new_row(1) + new_cell(6, 1, new_text("code")) + new_cell(6, 2, new_text("description"))


def xlsb(
    rows: bytes = b"",
    strings: bytes = b"",
    styles: bytes = b"",
    sheets: Iterable[tuple[str, int]] = (("Codes", 0),),
    after: bytes = b"",
    properties: bytes = b"",
) -> bytes:
    """A workbook of records; all its sheets, each a name and whether it is hidden, are the same one."""
    named = b"".join(
        new_record(156, struct.pack("<II", state, at) + new_text("rId1") + new_text(name))
        for at, (name, state) in enumerate(sheets, 1)
    )
    kinds = ("worksheet", "worksheets/sheet1.bin"), ("sharedStrings", "sharedStrings.bin"), ("styles", "styles.bin")
    relations = "".join(
        f'<Relationship Id="rId{at}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(kinds, 1)
    )
    start = f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.bin"/>'
    return packed(
        {
            "_rels/.rels": f"<Relationships>{start}</Relationships>".encode(),
            "xl/_rels/workbook.bin.rels": f"<Relationships>{relations}</Relationships>".encode(),
            "xl/workbook.bin": properties + named,
            "xl/styles.bin": styles,
            "xl/sharedStrings.bin": strings,
            "xl/worksheets/sheet1.bin": new_record(145) + (rows or new_heading()) + new_record(146) + after,
        }
    )


def new_styles(*formats: str) -> bytes:
    """Style 0 is General, each format has the style after it."""
    own = b"".join(new_record(44, struct.pack("<H", 164 + at) + new_text(code)) for at, code in enumerate(formats))
    styles = b"".join(
        new_record(47, struct.pack("<HH", 0, id) + bytes(12)) for id in (0, *range(164, 164 + len(formats)))
    )
    return own + new_record(617) + styles + new_record(618)


# XLS


def record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def text(letters: str, width: int = 2) -> bytes:
    wide = not all(ord(letter) < 256 for letter in letters)
    signs = letters.encode("utf-16-le" if wide else "latin-1")
    return len(letters).to_bytes(width, "little") + bytes([wide]) + signs


def cell(kind: int, row: int, column: int, value: bytes, style: int = 0) -> bytes:
    return record(kind, struct.pack("<HHH", row - 1, column - 1, style) + value)


def label(row: int, column: int, letters: str) -> bytes:
    return cell(0x204, row, column, text(letters))


def shared(*texts: str) -> bytes:
    return record(0xFC, struct.pack("<II", len(texts), len(texts)) + b"".join(map(text, texts)))


def styles(*formats: str) -> bytes:
    own = b"".join(record(0x41E, struct.pack("<H", 164 + at) + text(code)) for at, code in enumerate(formats))
    return own + b"".join(
        record(0xE0, struct.pack("<HH", 0, id) + bytes(16)) for id in (0, *range(164, 164 + len(formats)))
    )


def stream(cells: bytes, before: bytes = b"", sheets: Iterable[tuple[str, int]] = (("Codes", 0),)) -> bytes:
    """The records of a workbook; all its sheets are the same one."""
    begin = record(0x809, struct.pack("<HHII", 0x600, 5, 0, 0) + bytes(4))
    names = [(text(name, 1), state) for name, state in sheets]
    start = len(begin) + len(before) + sum(4 + 6 + len(name) for name, _ in names) + 4
    listed = b"".join(record(0x85, struct.pack("<IBB", start, state, 0) + name) for name, state in names)
    sheet = record(0x809, struct.pack("<HHII", 0x600, 16, 0, 0) + bytes(4)) + cells + record(0x0A)
    return begin + before + listed + record(0x0A) + sheet


def compound(content: bytes, name: str = "Workbook") -> bytes:
    """A file of files with one in it."""
    content = content.ljust(4096, b"\0")
    sectors = -(-len(content) // 512)
    tables = 1
    while tables * 128 < sectors + 1 + tables:
        tables += 1
    first = tables + 1
    chain = [0xFFFFFFFD] * tables + [0xFFFFFFFE] + [*range(first + 1, first + sectors), 0xFFFFFFFE]
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * 512, b"\xff")
    listed = [*range(min(tables, 109))] + [0xFFFFFFFF] * max(109 - tables, 0)
    assert tables <= 109, "A larger file has a second table"
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, tables, tables, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", *listed)
    directory = _entry("Root Entry", 5, 0xFFFFFFFE, 0, child=1) + _entry(name, 2, first, len(content)) + bytes(256)
    return head + table + directory + content.ljust(sectors * 512, b"\0")


def _entry(name: str, type: int, start: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
    letters = name.encode("utf-16-le") + b"\0\0"
    return (
        letters.ljust(64, b"\0")
        + struct.pack("<HBB3I", len(letters), type, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def xls(cells: bytes, before: bytes = b"", sheets: Iterable[tuple[str, int]] = (("Codes", 0),)) -> bytes:
    return compound(stream(cells, before, sheets))


# ODS

_SPACES = ["office", "style", "table", "text", "calcext", "xlink", "draw"]


def ods(*tables: bytes, before: bytes = b"") -> bytes:
    names = " ".join(f'xmlns:{name}="urn:{name}"' for name in _SPACES).encode()
    content = b"<office:document-content %s>%s<office:body><office:spreadsheet>" % (names, before)
    content += b"".join(tables) + b"</office:spreadsheet></office:body></office:document-content>"
    return packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})


def table(rows: bytes, name: str = "Codes", style: str = "ta1") -> bytes:
    return f'<table:table table:name="{name}" table:style-name="{style}">'.encode() + rows + b"</table:table>"


def table_row(*cells: str, repeated: int = 1) -> bytes:
    """Of texts, or of cells as they are written."""
    inside = "".join(
        each
        if each.startswith("<table:")
        else f'<table:table-cell office:value-type="string"><text:p>{escape(each)}</text:p></table:table-cell>'
        for each in cells
    )
    times = f' table:number-rows-repeated="{repeated}"' if repeated > 1 else ""
    return f"<table:table-row{times}>{inside}</table:table-row>".encode()


def number_cell(value: float, shown: str) -> str:
    return (
        f'<table:table-cell table:style-name="ce1" office:value-type="float" office:value="{value}" '
        f'calcext:value-type="float"><text:p>{shown}</text:p></table:table-cell>'
    )
