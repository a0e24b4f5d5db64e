"""XLSB: the parts of an XLSX as binary records. A record is its kind and its length, each up to seven bits a byte."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from wbs.lists.bounds import MAX_TEXT, too_much_text
from wbs.lists.cells import Cell
from wbs.lists.kinds.binary import (
    MAX_RECORDS,
    MAX_STRINGS,
    error_cell,
    number_cell,
    packed_number,
    real,
    truth,
)
from wbs.lists.kinds.books import (
    LAST_COLUMN,
    LAST_ROW,
    MAX_FORMATS,
    MAX_MERGED,
    MAX_SHEETS,
    MAX_STYLES,
    Book,
    GridRow,
    Merged,
    Named,
    of_formula,
    place,
)
from wbs.lists.kinds.ooxml import relations, workbook_path
from wbs.lists.kinds.values import Formats
from wbs.lists.number_formats import LONGEST_FORMAT
from wbs.lists.packages import MAX_TAG, Package, too_much

ROW, PACKED, ERROR, TRUTH, REAL, TEXT, NAMED_TEXT = 0, 2, 3, 4, 5, 6, 7
FORMULA_TEXT, FORMULA_NUMBER, FORMULA_TRUTH, FORMULA_ERROR = 8, 9, 10, 11
SHORT = range(12, 19)  # as 1 to 7, but in the column after the one before
SHARED_TEXT, FORMAT, STYLE, RICH_TEXT = 19, 44, 47, 62
END_ROWS, PROPERTIES, SHEET, MERGED, BEGIN_STYLES, END_STYLES = 146, 153, 156, 176, 617, 618
LAST_CELL = 18
ROW_BYTES = 80  # about, of a row with four cells

_four = struct.Struct("<I").unpack_from
_place = struct.Struct("<II").unpack_from

Record = tuple[int, bytes]


def count_rows(package: Package) -> int:
    sheets = (part.file_size for name, part in package.parts.items() if "/worksheets/" in name)
    return sum(sheets) // ROW_BYTES


def book(package: Package) -> Book:
    return XlsbBook(package, workbook_path(package))


class XlsbBook(Book):
    def __init__(self, package: Package, path: str) -> None:
        super().__init__()
        self.package = package
        self.records = 0
        self.formats = Formats()
        self.relations = relations(package, path)
        paths = {each.id: each.target for each in self.relations if each.kind == "worksheet"}
        self.paths: list[str] = []
        for kind, data in self._records(path):
            if kind == PROPERTIES:
                self.formats.is_1904 = bool(data[0] & 1)
            elif kind == SHEET:
                id, at = _text(data, 8)
                title, _ = _text(data, at)
                if paths.get(id, "") in package:
                    self.sheets.append(Named(title[:100], _four(data)[0] == 0))
                    self.paths.append(paths[id])
                if len(self.sheets) > MAX_SHEETS:
                    raise too_much()
        if not self.sheets:
            raise ValueError("It has no sheet.")
        self.strings: list[str] | None = None
        self._merged: Merged = set()

    def portions(self, sheet: int) -> Iterator[list[GridRow]]:
        if self.strings is None:
            self.strings = self._strings()
            self._read_styles()
        self._merged = set()
        self.has_more_columns = False
        rows: list[GridRow] = []
        row: GridRow = [0]
        column = 0
        records = self._records(self.paths[sheet])
        for kind, data in records:
            if kind == ROW:
                if len(row) > 1:
                    rows.append(row)
                row = [_row_number(data)]
                if len(rows) == 500:
                    yield rows
                    rows = []
            elif kind <= LAST_CELL or kind == RICH_TEXT:
                if kind in SHORT:
                    kind, column, style, at = kind - 11, column + 1, _four(data)[0], 4
                else:
                    column, style = _place(data)
                    at = 8
                cell = self._cell(kind, data, at, style & 0xFFFFFF)
                if cell and column < LAST_COLUMN:
                    place(row, column + 1, cell)
                elif cell:
                    self.has_more_columns = True
            elif kind == END_ROWS:
                break
        if len(row) > 1:
            rows.append(row)
        yield rows
        self._read_merged(records)

    def merged(self, sheet: int) -> Merged:
        return self._merged

    def _cell(self, kind: int, data: bytes, at: int, style: int) -> Cell:
        formats = self.formats
        if kind == NAMED_TEXT:
            return formats.text((self.strings or [])[_four(data, at)[0]], style)
        if kind == PACKED:
            return number_cell(formats, packed_number(_four(data, at)[0]), style)
        if kind == REAL:
            return number_cell(formats, real(data[at : at + 8]), style)
        if kind in (TEXT, FORMULA_TEXT):
            text = formats.text(_text(data, at)[0], style)
            return of_formula(text) if kind == FORMULA_TEXT and text else text
        if kind == RICH_TEXT:
            return formats.text(_text(data, at + 1)[0], style)
        if kind == FORMULA_NUMBER:
            return of_formula(number_cell(formats, real(data[at : at + 8]), style))
        if kind in (TRUTH, FORMULA_TRUTH):
            return truth(data[at]) if kind == TRUTH else of_formula(truth(data[at]))
        return error_cell(data[at]) if kind in (ERROR, FORMULA_ERROR) else ""

    def _read_merged(self, records: Iterator[Record]) -> None:
        for kind, data in records:
            if kind == MERGED:
                row, _, column, last = struct.unpack_from("<4I", data)
                if column < last and column < LAST_COLUMN:
                    self._merged.add((row + 1, column + 1))
                    if len(self._merged) > MAX_MERGED:
                        raise too_much()

    def _part(self, kind: str) -> str:
        part = next((each.target for each in self.relations if each.kind == kind), "")
        return part if part in self.package else ""

    def _strings(self) -> list[str]:
        strings: list[str] = []
        length = 0
        if part := self._part("sharedStrings"):
            for kind, data in self._records(part):
                if kind == SHARED_TEXT:
                    strings.append(_text(data, 1)[0])
                    length += len(strings[-1])
                    if length > MAX_TEXT:
                        raise too_much_text()
                    if len(strings) > MAX_STRINGS:
                        raise too_much()
        return strings

    def _read_styles(self) -> None:
        is_within = False
        formats = self.formats
        for kind, data in self._records(part) if (part := self._part("styles")) else ():
            if kind == FORMAT:
                formats.own[int.from_bytes(data[:2], "little")] = _text(data, 2)[0][: LONGEST_FORMAT + 1]
            elif kind in (BEGIN_STYLES, END_STYLES):
                is_within = kind == BEGIN_STYLES
            elif kind == STYLE and is_within:
                formats.styles.append(int.from_bytes(data[2:4], "little"))
            if len(formats.styles) > MAX_STYLES or len(formats.own) > MAX_FORMATS:
                raise too_much()

    def _records(self, path: str) -> Iterator[Record]:
        held = b""
        for chunk in self.package.unpack(path):
            held += chunk
            at, end = 0, len(held)
            while at < end:
                start = at
                kind = held[at]
                at += 1
                if kind & 0x80:
                    if at == end:
                        at = start
                        break
                    kind = kind & 0x7F | (held[at] & 0x7F) << 7
                    at += 1
                size, shift = 0, 0
                while at < end:
                    byte = held[at]
                    at += 1
                    size |= (byte & 0x7F) << shift
                    shift += 7
                    if byte < 0x80 or shift == 28:
                        break
                else:
                    at = start
                    break
                if at + size > end:
                    if size > MAX_TAG:
                        raise too_much()
                    at = start
                    break
                self.records += 1
                if self.records > MAX_RECORDS:
                    raise too_much()
                yield kind, held[at : at + size]
                at += size
            held = held[at:]
        if held:
            raise ValueError("A record is cut off.")


def _row_number(data: bytes) -> int:
    number: int = _four(data)[0] + 1
    if number > LAST_ROW:
        raise ValueError("There is no such row.")
    return number


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends; a length of only ones stands for none."""
    length = _four(data, at)[0]
    if length == 0xFFFFFFFF:
        return "", at + 4
    end = at + 4 + 2 * length
    if end > len(data):
        raise ValueError("A text is cut off.")
    return data[at + 4 : end].decode("utf-16-le", "replace"), end
