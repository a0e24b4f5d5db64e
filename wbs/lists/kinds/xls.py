"""XLS: workbooks of Excel 95 to 2003, as records of two bytes for the kind, two for the length, and what they say."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from wbs.lists.bounds import MAX_ROWS, MAX_TEXT, UnreadableFile, no_workbook, too_long, too_much_text
from wbs.lists.cells import Cell
from wbs.lists.kinds.binary import MAX_RECORDS, error_cell, number_cell, packed_number, real, truth
from wbs.lists.kinds.books import (
    LAST_COLUMN,
    MAX_FORMATS,
    MAX_MERGED,
    MAX_SHEETS,
    MAX_STYLES,
    NUMBER_WEIGHT,
    PLACE_WEIGHT,
    Book,
    GridRow,
    Merged,
    Named,
    of_formula,
    place,
)
from wbs.lists.kinds.compound import Compound
from wbs.lists.kinds.shared_texts import shared_texts
from wbs.lists.kinds.values import Formats
from wbs.lists.number_formats import LONGEST_FORMAT
from wbs.lists.packages import too_much

PASSWORD = "This workbook has a password. Save it as .xlsx without one."  # noqa: S105 - it is a sentence
PORTION = 500

BEGIN, END, CONTINUED, PROTECTED, CODE_PAGE, BASE_1904 = 0x809, 0x0A, 0x3C, 0x2F, 0x42, 0x22
SHEET, FORMAT, STYLE, SHARED_TEXTS, MERGED = 0x85, 0x41E, 0xE0, 0xFC, 0xE5
NAMED_TEXT, TEXT, RICH_TEXT, REAL, PACKED, ALL_PACKED = 0xFD, 0x204, 0xD6, 0x203, 0x27E, 0xBD
FORMULA, ITS_TEXT, TRUTH_OR_ERROR = 0x06, 0x207, 0x205
NEWEST = 0x600  # Excel 97 to 2003: texts are UTF-16
CODE_PAGES = {1200: "utf-16-le", 10000: "mac_roman", 32768: "mac_roman", 32769: "cp1252", 367: "ascii"}
ROW_RECORD = b"\x08\x02\x10\x00"

_head = struct.Struct("<2H").unpack_from
_place = struct.Struct("<3H").unpack_from

Record = tuple[int, bytes]


def count_rows(content: bytes) -> int:
    return content.count(ROW_RECORD)


def book(content: bytes) -> Book:
    return XlsBook(content)


class XlsBook(Book):
    def __init__(self, content: bytes) -> None:
        super().__init__()
        compound = Compound(content)
        if "encryptedpackage" in compound.entries:
            raise UnreadableFile(PASSWORD)
        name = next((name for name in ("workbook", "book") if name in compound.entries), "")
        if not name:
            raise no_workbook()
        self.stream = compound.stream(name)
        self.formats = Formats()
        self.records = 0
        self.is_newest = True
        self.encoding = "cp1252"
        self.starts: list[int] = []
        self.strings: list[str] = []
        self._merged: Merged = set()
        self._read_globals()
        if not self.sheets:
            raise ValueError("It has no sheet.")

    def portions(self, sheet: int) -> Iterator[list[GridRow]]:
        cells = _Cells(self)
        self._merged = cells.merged
        for kind, data in self._records(self.starts[sheet]):
            cells.take(kind, data)
        self.has_more_columns = cells.has_more_columns
        rows = [row for _, row in sorted(cells.rows.items())]
        for at in range(0, len(rows), PORTION):
            yield rows[at : at + PORTION]

    def merged(self, sheet: int) -> Merged:
        return self._merged

    def _read_globals(self) -> None:
        texts: list[bytes] = []
        before = 0
        formats = self.formats
        for kind, data in self._records(0):
            if kind == BEGIN:
                self.is_newest = _head(data)[0] == NEWEST
            elif kind == PROTECTED:
                raise UnreadableFile(PASSWORD)
            elif kind == CODE_PAGE:
                page = _head(data + b"\0\0")[0]
                self.encoding = CODE_PAGES.get(page, f"cp{page}")
            elif kind == BASE_1904:
                formats.is_1904 = bool(data[0])
            elif kind == SHEET:
                self._add_sheet(data)
            elif kind == FORMAT:
                text = self.text(data, 2, 2 if self.is_newest else 1)
                formats.own[_head(data)[0]] = text[: LONGEST_FORMAT + 1]
            elif kind == STYLE:
                formats.styles.append(_head(data)[1])
            elif kind == SHARED_TEXTS or (kind == CONTINUED and before == SHARED_TEXTS):
                texts.append(data[8:] if kind == SHARED_TEXTS else data)
                kind = SHARED_TEXTS
            before = kind
            if len(formats.styles) > MAX_STYLES or len(formats.own) > MAX_FORMATS or len(self.sheets) > MAX_SHEETS:
                raise too_much()
        self.strings = shared_texts(texts)

    def _add_sheet(self, data: bytes) -> None:
        start, state, type = struct.unpack_from("<I2B", data)
        if type == 0:  # else a chart, or a sheet of macros
            self.sheets.append(Named(self.text(data, 6, 1)[:100], state & 3 == 0))
            self.starts.append(start)

    def text(self, data: bytes, at: int, width: int) -> str:
        """A text whose length stands before it in so many bytes."""
        length = int.from_bytes(data[at : at + width], "little")
        at += width
        if not self.is_newest:
            return data[at : at + length].decode(self.encoding, "replace")
        flags = data[at]
        at += 1 + (2 if flags & 8 else 0) + (4 if flags & 4 else 0)
        if flags & 1:
            return data[at : at + 2 * length].decode("utf-16-le", "replace")
        return data[at : at + length].decode("latin-1")

    def _records(self, at: int) -> Iterator[Record]:
        """Those from the beginning of a sheet, or of what holds for all, to its end. Charts within are passed over."""
        stream, end, depth = self.stream, len(self.stream) - 4, 0
        if at > end or _head(stream, at)[0] != BEGIN:
            raise ValueError("No sheet begins here.")
        while at <= end:
            kind, size = _head(stream, at)
            at += 4
            self.records += 1
            if self.records > MAX_RECORDS:
                raise too_much()
            if kind == BEGIN:
                depth += 1
            elif kind == END:
                depth -= 1
                if not depth:
                    return
            if depth == 1:
                yield kind, stream[at : at + size]
            at += size


class _Cells:
    """The cells of one sheet, which the records give in any order."""

    def __init__(self, book: XlsBook) -> None:
        self.book, self.formats = book, book.formats
        self.rows: dict[int, GridRow] = {}
        self.merged: Merged = set()
        self.has_more_columns = False
        self.held = 0
        self.awaited: tuple[int, int, int] | None = None  # the place of a formula whose text follows

    def take(self, kind: int, data: bytes) -> None:
        if kind == NAMED_TEXT:
            row, column, style = _place(data)
            text = self.book.strings[int.from_bytes(data[6:10], "little")]
            self._put(row, column, self.formats.text(text, style))
        elif kind == PACKED:
            row, column, style = _place(data)
            self._put_packed(row, column, style, data[6:10])
        elif kind == ALL_PACKED:
            row, column = _head(data)
            for at in range(4, len(data) - 6, 6):
                self._put_packed(row, column, int.from_bytes(data[at : at + 2], "little"), data[at + 2 : at + 6])
                column += 1
        elif kind == REAL:
            row, column, style = _place(data)
            self._put(row, column, number_cell(self.formats, real(data[6:14]), style))
        elif kind in (TEXT, RICH_TEXT):
            row, column, style = _place(data)
            self._put(row, column, self.formats.text(self.book.text(data, 6, 2), style))
        elif kind == TRUTH_OR_ERROR:
            row, column, _ = _place(data)
            self._put(row, column, error_cell(data[6]) if data[7] else truth(data[6]))
        elif kind == FORMULA:
            self._take_formula(data)
        elif kind == ITS_TEXT and self.awaited:
            row, column, style = self.awaited
            if text := self.formats.text(self.book.text(data, 0, 2), style):
                self._put(row, column, of_formula(text))
            self.awaited = None
        elif kind == MERGED:
            self._merge(data)

    def _take_formula(self, data: bytes) -> None:
        row, column, style = _place(data)
        self.awaited = None
        if data[12:14] != b"\xff\xff":
            self._put(row, column, of_formula(number_cell(self.formats, real(data[6:14]), style)))
        elif data[6] == 0:
            self.awaited = row, column, style
        elif data[6] == 1:
            self._put(row, column, of_formula(truth(data[8])))
        elif data[6] == 2:
            self._put(row, column, error_cell(data[8]))

    def _put_packed(self, row: int, column: int, style: int, four: bytes) -> None:
        self._put(row, column, number_cell(self.formats, packed_number(int.from_bytes(four, "little")), style))

    def _put(self, row: int, column: int, cell: Cell) -> None:
        if not cell:
            return
        if column >= LAST_COLUMN:
            self.has_more_columns = True
            return
        if row not in self.rows:
            if len(self.rows) > MAX_ROWS:
                raise too_long(MAX_ROWS)
            self.rows[row] = [row + 1]
        place(self.rows[row], column + 1, cell)
        self.held += len(cell) if isinstance(cell, str) else NUMBER_WEIGHT + PLACE_WEIGHT
        if self.held > MAX_TEXT:
            raise too_much_text()

    def _merge(self, data: bytes) -> None:
        for at in range(2, len(data) - 7, 8):
            row, _, column, last = struct.unpack_from("<4H", data, at)
            if column < last and column < LAST_COLUMN and len(self.merged) < MAX_MERGED:
                self.merged.add((row + 1, column + 1))
