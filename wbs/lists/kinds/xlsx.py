"""XLSX, XLSM and Strict OOXML: the sheets of a workbook, and the cells of each as it passes by.

Portions of texts and rows that are plain, as nearly all are, `plain` reads at a glance; every other one the parser
tells to a listener here. Both make the same of it (docs/decisions/0007).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from wbs.lists.bounds import MAX_TEXT, too_much_text
from wbs.lists.cells import ERROR, FORMULA, Cell
from wbs.lists.kinds import plain
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
    unescaped,
)
from wbs.lists.kinds.ooxml import relations, workbook_path
from wbs.lists.kinds.passing import Passing, passing
from wbs.lists.kinds.values import Formats
from wbs.lists.number_formats import LONGEST_FORMAT
from wbs.lists.packages import Listener, Package, too_much

CellReader = Callable[[str], Cell]

MAX_PLAIN_CELLS = 2_000_000

REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
RANGE = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})[0-9]{1,7}")
COLUMN_OF = {chr(65 + at % 26) if at < 26 else chr(64 + at // 26) + chr(65 + at % 26): at + 1 for at in range(702)}


def count_rows(package: Package) -> int:
    """About how many rows all its sheets have."""
    sheets = (name for name in package.parts if "/worksheets/" in name)
    return sum(chunk.count(b"</row>") for name in sheets for chunk in package.unpack(name))


def book(package: Package) -> Book:
    return XlsxBook(package, workbook_path(package))


class XlsxBook(Book):
    def __init__(self, package: Package, path: str) -> None:
        super().__init__()
        self.package = package
        contents = _Contents()
        package.walk(path, contents)
        self.relations = relations(package, path)
        paths = {each.id: each.target for each in self.relations if each.kind == "worksheet"}
        found = [(named, paths[id]) for named, id in contents.sheets if paths.get(id, "") in package]
        self.sheets = [named for named, _ in found]
        self.paths = [path for _, path in found]
        self.formats = Formats()
        self.formats.is_1904 = contents.is_1904
        self.strings: list[str] | None = None
        self._merged: Merged = set()

    def portions(self, sheet: int) -> Iterator[list[GridRow]]:
        if self.strings is None:
            self.strings = self._strings()
            if part := self._part("styles"):
                self.package.walk(part, _Styles(self.formats))
        rows = _Rows(self.formats, self.strings)
        self._merged = rows.merged
        yield from passing(self.package, self.paths[sheet], rows)
        self.has_more_columns = rows.has_more_columns

    def merged(self, sheet: int) -> Merged:
        return self._merged

    def _part(self, kind: str) -> str:
        part = next((each.target for each in self.relations if each.kind == kind), "")
        return part if part in self.package else ""

    def _strings(self) -> list[str]:
        strings = _Strings()
        if part := self._part("sharedStrings"):
            for _ in passing(self.package, part, strings):
                pass
        return strings.strings


class _Texts(Passing):
    """Gathers texts. What is written above them for reading aloud is none."""

    def __init__(self) -> None:
        super().__init__()
        self.starts |= {"t": self._begin_text, "rPh": self._begin_phonetic}
        self.ends |= {"t": self._end_text, "rPh": self._end_phonetic}
        self.pieces: list[str] = []
        self.is_gathering = self.is_phonetic = False

    def _begin_text(self, _: dict[str, str]) -> None:
        self.is_gathering = not self.is_phonetic

    def _end_text(self) -> None:
        self.is_gathering = False

    def _begin_phonetic(self, _: dict[str, str]) -> None:
        self.is_phonetic = True

    def _end_phonetic(self) -> None:
        self.is_phonetic = False

    def text(self, text: str) -> None:
        if self.is_gathering:
            self.pieces.append(text)

    def gathered(self) -> str:
        text = "".join(self.pieces)
        self.pieces.clear()
        return text


class _Contents(Listener):
    """The part that lists the sheets."""

    def __init__(self) -> None:
        self.starts, self.ends = {"sheet": self._sheet, "workbookPr": self._properties}, {}
        self.sheets: list[tuple[Named, str]] = []
        self.is_1904 = False

    def _sheet(self, attributes: dict[str, str]) -> None:
        if len(self.sheets) == MAX_SHEETS:
            raise too_much()
        id = next((value for key, value in attributes.items() if key.endswith(":id")), "")
        is_visible = attributes.get("state", "visible") == "visible"
        self.sheets.append((Named(attributes.get("name", "")[:100], is_visible), id))

    def _properties(self, attributes: dict[str, str]) -> None:
        self.is_1904 = attributes.get("date1904") in ("1", "true")


class _Styles(Listener):
    """How numbers are shown: the format of each style that a cell can have."""

    def __init__(self, formats: Formats) -> None:
        self.starts = {"cellXfs": self._begin, "xf": self._style, "numFmt": self._format}
        self.ends = {"cellXfs": self._end}
        self.formats = formats
        self.is_within = False

    def _begin(self, _: dict[str, str]) -> None:
        self.is_within = True

    def _end(self) -> None:
        self.is_within = False

    def _style(self, attributes: dict[str, str]) -> None:
        if self.is_within:
            self.formats.styles.append(int(attributes.get("numFmtId", "0")))
        if len(self.formats.styles) > MAX_STYLES:
            raise too_much()

    def _format(self, attributes: dict[str, str]) -> None:
        self.formats.own[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")[: LONGEST_FORMAT + 1]
        if len(self.formats.own) > MAX_FORMATS:
            raise too_much()


class _Strings(_Texts):
    """The texts that cells name by number."""

    begin, end, depth = b"<sst", b"</si>", 1

    def __init__(self) -> None:
        super().__init__()
        self.starts["sst"] = self._begin
        self.ends |= {"si": self._keep, "sst": self._end}
        self.strings: list[str] = []
        self.held = 0

    def _begin(self, _: dict[str, str]) -> None:
        self.is_within = True

    def _end(self) -> None:
        self.is_within = False

    def text(self, text: str) -> None:
        if self.is_gathering:
            self.pieces.append(text)
            self._count(len(text))

    def _count(self, length: int) -> None:
        self.held += length
        if self.held > MAX_TEXT:
            raise too_much_text()

    def _keep(self) -> None:
        self.strings.append(unescaped(self.gathered()))

    def scan(self, portion: bytes) -> bool:
        texts = plain.texts(portion)
        if texts is None:
            return False
        self._count(sum(map(len, texts)))
        self.strings += map(unescaped, texts) if b"_x" in portion else texts
        return True


class _Rows(_Texts):
    """The cells of a sheet."""

    begin, end, depth = b"<sheetData", b"</row>", 2

    def __init__(self, formats: Formats, strings: list[str]) -> None:
        super().__init__()
        self.starts |= {"sheetData": self._begin, "row": self._begin_row, "c": self._begin_cell}
        self.starts |= {"v": self._begin_value, "f": self._formula, "mergeCell": self._merge}
        self.ends |= {"sheetData": self._end, "row": self._end_row, "c": self._end_cell, "v": self._end_text}
        self.formats, self.strings = formats, strings
        self.merged: Merged = set()
        self.merges: set[str] = set()  # ranges as they are written, of one column too
        self.has_more_columns = False
        self.row: GridRow = [0]  # the one that cells are put into
        self.last = 0  # the number of the last one that was taken
        self.column = self.counted = self.scanned = 0
        self.attributes: dict[str, str] = {}
        self.is_formula = self.has_value = False
        self.shared: CellReader = lambda text: strings[_index(text)]
        self.readers: dict[str, CellReader] = {}  # by the attributes as they are written

    def _begin(self, _: dict[str, str]) -> None:
        self.is_within = True

    def _end(self) -> None:
        self.is_within = False

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self.counted = int(float(attributes["r"])) if "r" in attributes else self.counted + 1
        self.row = [self.counted]
        self.column = 0

    def _end_row(self) -> None:
        if len(self.row) > 1 and self.last < self.row[0] <= LAST_ROW:
            self.last = self.row[0]
            self.rows.append(self.row)
        self.row = [0]

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.column = _column(attributes["r"]) if "r" in attributes else self.column + 1
        self.attributes = attributes
        self.is_formula = self.has_value = False
        self.pieces.clear()

    def _begin_text(self, attributes: dict[str, str]) -> None:
        self.has_value = True
        if self.attributes.get("t") == "inlineStr":
            super()._begin_text(attributes)

    def _begin_value(self, _: dict[str, str]) -> None:
        self.has_value = True
        self.is_gathering = self.attributes.get("t") != "inlineStr"

    def _formula(self, _: dict[str, str]) -> None:
        self.is_formula = True

    def _end_cell(self) -> None:
        if self.has_value or self.is_formula:
            text = self.gathered()
            type = self.attributes.get("t", "n")
            reader = self._reader(type, int(self.attributes.get("s", "0")))
            if self.is_formula:
                self._put(self.column, _calculated(reader, text if self.has_value else None, type == "str"))
            elif text:
                self._put(self.column, reader(text))

    def _put(self, column: int, cell: Cell) -> None:
        if not 0 < column <= LAST_COLUMN:
            self.has_more_columns |= bool(cell)
        elif cell:
            place(self.row, column, cell)

    def scan(self, portion: bytes) -> bool:
        tokens = plain.row_tokens(portion)
        if tokens is None:
            return False
        self.scanned += tokens.cells
        if self.scanned > MAX_PLAIN_CELLS:
            raise too_much()
        readers, strings, shared = self.readers, self.strings, self.shared
        row, has_escapes = self.row, b"_x" in portion
        for letters, written, formula, text, number in tokens.each:
            if letters is None:
                if number:
                    self._end_row()
                    self.row = row = [int(number)]
                continue
            reader = readers.get(written) or self._written_reader(written)
            if formula is not None:
                cell = _calculated(reader, text, ' t="str"' in written)
            elif not text:
                continue
            elif reader is unescaped:
                cell = unescaped(text) if has_escapes else text
            elif reader is shared and text.isdecimal():
                cell = strings[int(text)]
            else:
                cell = reader(text)
            if cell and COLUMN_OF.get(letters) == len(row) <= LAST_COLUMN:
                row.append(cell)
            else:
                self._put(COLUMN_OF.get(letters, 0), cell)
        self._end_row()
        self.counted = self.last
        return True

    def _written_reader(self, written: str) -> CellReader:
        if len(self.readers) > MAX_STYLES:
            raise too_much()
        attributes = plain.attributes(written)
        reader = self._reader(attributes.get("t", "n"), int(attributes.get("s", "0")))
        self.readers[written] = reader
        return reader

    def _reader(self, type: str, style: int) -> CellReader:
        """Makes a cell of the text of its value."""
        formats = self.formats
        if type == "n":
            return formats.reader(style)
        if type == "s":
            strings = self.strings
            if formats.has_text(style):
                return lambda text: formats.text(strings[_index(text)], style)
            return self.shared
        if type == "b":
            return lambda text: str(bool(int(text))).upper()
        if type == "e":
            return lambda text: [ERROR, text, text]
        if type == "d":
            return lambda text: formats.date(text, style)
        return (lambda text: formats.text(unescaped(text), style)) if formats.has_text(style) else unescaped

    def _merge(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("ref", "")
        if reference in self.merges:
            return
        found = RANGE.fullmatch(reference)
        self.merges.add(reference)
        if found and found[1] != found[3] and found[1] in COLUMN_OF:
            self.merged.add((int(found[2]), COLUMN_OF[found[1]]))
        if len(self.merges) > MAX_MERGED:
            raise too_much()


def _calculated(reader: CellReader, text: str | None, is_text: bool) -> Cell:
    """The cell of a formula: an empty text that it gave is nothing to see, no value was never calculated."""
    if text:
        return of_formula(reader(text))
    return "" if is_text and text is not None else [FORMULA, "", ""]


def _index(text: str) -> int:
    index = int(text)
    if index < 0:
        raise ValueError("There is no such text.")
    return index


def _column(reference: str) -> int:
    """1 for A7; 0 for what lies far away."""
    column = COLUMN_OF.get(reference.rstrip("0123456789"), 0)
    if not column and not REFERENCE.fullmatch(reference):
        raise ValueError("That is no cell.")
    return column
