"""As `hostile`, for the kinds of workbooks that are not XLSX. Built from harmless parts."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.wbs import binary_books as of
from wbs.lists.bounds import MAX_ROWS
from wbs.lists.kinds.binary import MAX_RECORDS, MAX_STRINGS

LONG = "\U0001f3d7" + "x" * 30_000
ODS_HEADING = of.table_row("code", "description")


def _new_rows(count: int) -> bytes:
    return b"".join(of.new_row(at) + of.new_cell(7, 1, bytes(4)) for at in range(2, count + 2))


def _new_numbers() -> bytes:
    """Many cells of numbers, of which each has to be kept as three texts."""
    row = b"".join(of.new_cell(2, column, struct.pack("<I", 4_000_002), 1) for column in range(1, 101))
    return of.new_heading() + b"".join(of.new_row(at) + row for at in range(2, 4_000))


def _old_numbers() -> bytes:
    packed = struct.pack("<HI", 1, 4_000_002) * 100
    rows = (of.record(0xBD, struct.pack("<HH", at, 0) + packed + struct.pack("<H", 99)) for at in range(1, 4_000))
    return of.label(1, 1, "code") + of.label(1, 2, "description") + b"".join(rows)


def _old_text_named_often() -> bytes:
    return b"".join(of.cell(0xFD, at, 1, bytes(4)) for at in range(1, 10_000))


def _circle() -> bytes:
    """A file in which a sector follows itself."""
    content = bytearray(of.xls(of.label(1, 1, "code")))
    content[512 + 4 * 2 : 512 + 4 * 3] = struct.pack("<I", 2)
    return bytes(content)


def _ods_columns() -> bytes:
    cell = f'<table:table-cell table:number-columns-repeated="100"><text:p>{"x" * 200}</text:p></table:table-cell>'
    return of.ods(of.table(of.table_row(cell, repeated=MAX_ROWS - 1)))


def _ods_many(inside: bytes, count: int = 1_100_000) -> bytes:
    return of.ods(of.table(ODS_HEADING + b"<table:table-row>" + inside * count + b"</table:table-row>"))


# What is too much: refused. The names say of what.
REFUSED: dict[str, Callable[[], bytes]] = {
    "records of an XLSB": lambda: of.xlsb(of.new_heading() + of.new_record(37) * (MAX_RECORDS + 1)),
    "records of its texts": lambda: of.xlsb(strings=of.new_record(20) * (MAX_RECORDS + 1)),
    "strings of an XLSB": lambda: of.xlsb(strings=of.new_record(19, bytes(5)) * (MAX_STRINGS + 1)),
    "text of an XLSB": lambda: of.xlsb(strings=of.new_record(19, b"\0" + of.new_text(LONG)) * 700),
    "text of its cells that name one string": lambda: of.xlsb(
        _new_rows(15_000), of.new_record(19, b"\0" + of.new_text("x" * 8_000))
    ),
    "rows of an XLSB": lambda: of.xlsb(_new_rows(MAX_ROWS + 2), of.new_record(19, b"\0" + of.new_text("x"))),
    "sheets of an XLSB": lambda: of.xlsb(sheets=[("S", 0)] * 100_000),
    "styles of an XLSB": lambda: of.xlsb(styles=of.new_record(617) + of.new_record(47, bytes(16)) * 400_000),
    "number formats of an XLSB": lambda: of.xlsb(styles=of.new_styles(*"0" * 50_000)),
    "numbers of an XLSB": lambda: of.xlsb(_new_numbers(), styles=of.new_styles("000-0000")),
    "one record of an XLSB": lambda: of.xlsb(of.new_record(60, bytes(40_000_000))),
    "merged ranges of an XLSB": lambda: of.xlsb(
        after=b"".join(of.new_record(176, struct.pack("<4I", at, at, 0, 1)) for at in range(200_000))
    ),
    "records of an XLS": lambda: of.xls(of.record(1) * (MAX_RECORDS + 1)),
    "strings of an XLS": lambda: of.xls(
        b"", of.record(0xFC, bytes(8)) + of.record(0x3C, bytes(8_190)) * (3 * MAX_STRINGS // 8_190 + 1)
    ),
    "text of an XLS that is named often": lambda: of.xls(_old_text_named_often(), of.shared("x" * 8_000)),
    "sheets of an XLS": lambda: of.xls(b"", sheets=[("S", 0)] * 100_000),
    "styles of an XLS": lambda: of.xls(b"", of.record(0xE0, bytes(20)) * 200_000),
    "number formats of an XLS": lambda: of.xls(b"", of.styles(*"0" * 50_000)),
    "numbers of an XLS": lambda: of.xls(_old_numbers(), of.styles("000-0000")),
    "sectors in a circle": _circle,
    "rows that are repeated": lambda: of.ods(of.table(ODS_HEADING + of.table_row("01", "x", repeated=1_000_000))),
    "cells that are repeated": _ods_columns,
    "cells of an ODS": lambda: _ods_many(b"<table:table-cell/>", 2_100_000),
    "paragraphs of an ODS": lambda: _ods_many(b"<table:table-cell><text:p/><text:p/></table:table-cell>", 400_000),
    "sheets of an ODS": lambda: of.ods(of.table(ODS_HEADING) * 100_000),
    "depth of an ODS": lambda: _ods_many(b"<draw:g>", 300_000),
}

# What does no harm: read as if it were not there.
READ: dict[str, Callable[[], bytes]] = {
    "cells of an XLSB far away": lambda: of.xlsb(
        of.new_heading() + of.new_row(1_048_576) + of.new_cell(2, 16_384, bytes(4)) * 300_000
    ),
    "short cells without end": lambda: of.xlsb(of.new_heading() + of.new_row(2) + of.new_short_cell(1, b"") * 300_000),
    "merged ranges of an XLSB that are the same": lambda: of.xlsb(
        after=of.new_record(176, struct.pack("<4I", 9, 9, 0, 1)) * 300_000
    ),
    "cells of an XLS far away": lambda: of.xls(
        of.label(1, 1, "code") + of.label(1, 2, "description") + of.cell(0x27E, 65_536, 256, bytes(4)) * 300_000
    ),
    "merged ranges of an XLS": lambda: of.xls(
        of.label(1, 1, "code")
        + of.label(1, 2, "description")
        + of.record(0xE5, struct.pack("<H", 1_000) + struct.pack("<4H", 9, 9, 0, 255) * 1_000) * 300
    ),
    "empty rows that are repeated": lambda: of.ods(
        of.table(ODS_HEADING + of.table_row("<table:table-cell/>", repeated=1_048_575) * 100_000)
    ),
    "empty cells that are repeated": lambda: of.ods(
        of.table(ODS_HEADING + of.table_row('<table:table-cell table:number-columns-repeated="16384"/>') * 100_000)
    ),
    "styles of an ODS": lambda: of.ods(of.table(ODS_HEADING), before=b'<style:style style:name="x"/>' * 300_000),
}
