"""What an XLSX package says: its sheets, and the cells of the first visible one, row by row.

Only what a list of codes needs is read: texts, numbers and whether they are dates or formulas. Everything is told by
`packages` as it passes by, so no tree of a part is ever in the memory (docs/decisions/0007).
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from wbs.lists.packages import Listener, Package, too_much
from wbs.lists.rows import MAX_TEXT, UnreadableFile

LAST_ROW, LAST_COLUMN = 100_000, 50  # what lies beyond is not looked at
LONGEST_NUMBER = 10**15  # above it a spreadsheet rounds
MAX_RELATIONS, MAX_SHEETS, MAX_STYLES, MAX_FORMATS = 10_000, 1_000, 70_000, 10_000  # a spreadsheet knows 65,490 styles
LONGEST_FORMAT = 255  # as a spreadsheet's own

# Of the formats that need no words: those of dates and times, in the languages that have some of their own too.
DATE_FORMATS = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
NO_DATE = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!hh?\]|mm?\]|ss?\])[^\]]*\]', re.IGNORECASE)  # literals, colours
COLUMN_OF = {chr(65 + at % 26) if at < 26 else f"A{chr(39 + at)}": at + 1 for at in range(LAST_COLUMN)}  # A .. AX
REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")


class Cell(NamedTuple):
    """A cell with something in it."""

    kind: str  # "text", "number", "date" or "formula"
    text: str  # as far as a code or a description can be meant by it


TakeRow = Callable[[int, dict[int, Cell]], None]  # its number, and its cells by column; both count from 1


class Book:
    """The sheets of a workbook. Raises UnreadableFile, as everything here."""

    def __init__(self, package: Package) -> None:
        self.package = package
        start = next((each for each in _relations(package, "") if each.kind == "officeDocument"), None)
        self.path = start.target if start else "xl/workbook.xml"
        self.contents = _Contents()
        package.walk(self.path, self.contents)
        self.relations = _relations(package, self.path)
        sheets = {each.id: each.target for each in self.relations if each.kind == "worksheet"}
        self.sheets = [sheet for sheet in self.contents.sheets if sheets.get(sheet.id, "") in package]
        self.paths = sheets

    def first_visible(self) -> Named:
        if not self.sheets:
            raise ValueError("It has no sheet.")
        return next((sheet for sheet in self.sheets if sheet.is_visible), self.sheets[0])

    def tell_rows(self, sheet: Named, take: TakeRow) -> None:
        """Every row with something in it."""
        styles, strings = _Styles(), _Strings()
        for kind, listener in (("styles", styles), ("sharedStrings", strings)):
            part = next((each.target for each in self.relations if each.kind == kind), "")
            if part in self.package:
                self.package.walk(part, listener)
        rows = _Rows(styles.shows(), strings.strings, self.contents.epoch, take)
        self.package.walk(self.paths[sheet.id], rows)


class Named(NamedTuple):
    id: str
    title: str
    is_visible: bool


class Relation(NamedTuple):
    id: str
    kind: str
    target: str


def _relations(package: Package, source: str) -> list[Relation]:
    """What a part refers to; "" is the package itself."""
    folder, name = posixpath.split(source)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    listener = _Relations(folder)
    if path in package:
        package.walk(path, listener)
    return listener.found


class _Relations(Listener):
    def __init__(self, folder: str) -> None:
        self.starts, self.ends = {"Relationship": self._start}, {}
        self.folder = folder
        self.found: list[Relation] = []

    def _start(self, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") == "External":
            return
        if len(self.found) == MAX_RELATIONS:
            raise too_much()
        target = posixpath.normpath(posixpath.join("/", self.folder, attributes.get("Target", ""))).lstrip("/")
        self.found.append(Relation(attributes.get("Id", ""), attributes.get("Type", "").rpartition("/")[2], target))


class _Contents(Listener):
    """The part that lists the sheets."""

    def __init__(self) -> None:
        self.starts, self.ends = {"sheet": self._sheet, "workbookPr": self._properties}, {}
        self.sheets: list[Named] = []
        self.epoch = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no time zone

    def _sheet(self, attributes: dict[str, str]) -> None:
        if len(self.sheets) == MAX_SHEETS:
            raise too_much()
        id = next((value for key, value in attributes.items() if key.endswith(":id")), "")
        is_visible = attributes.get("state", "visible") == "visible"
        self.sheets.append(Named(id, attributes.get("name", "")[:100], is_visible))

    def _properties(self, attributes: dict[str, str]) -> None:
        if attributes.get("date1904") in ("1", "true"):
            self.epoch = datetime(1904, 1, 1)  # noqa: DTZ001


class _Styles(Listener):
    """How numbers are shown: the format of each style that a cell can have."""

    def __init__(self) -> None:
        self.starts = {"cellXfs": self._begin, "xf": self._style, "numFmt": self._format}
        self.ends = {"cellXfs": self._end}
        self.formats: dict[str, str] = {}
        self.styles: list[str] = []
        self.is_within = False

    def _begin(self, _: dict[str, str]) -> None:
        self.is_within = True

    def _end(self) -> None:
        self.is_within = False

    def _style(self, attributes: dict[str, str]) -> None:
        if self.is_within:
            self.styles.append(attributes.get("numFmtId", "0"))
        if len(self.styles) > MAX_STYLES:
            raise too_much()

    def _format(self, attributes: dict[str, str]) -> None:
        self.formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        if len(self.formats) > MAX_FORMATS:
            raise too_much()

    def shows(self) -> dict[int, str]:
        """Which styles show a date ("date"), or as many digits as zeros are given."""
        kinds = {id: _shows(id, self.formats.get(id)) for id in set(self.styles)}
        return {at: kinds[id] for at, id in enumerate(self.styles) if kinds[id]}


def _shows(id: str, code: str | None) -> str:
    if code is None:
        return "date" if id.isdecimal() and len(id) < 4 and int(id) in DATE_FORMATS else ""
    if len(code) > LONGEST_FORMAT:
        return ""
    if re.fullmatch("0+", code):
        return code
    return "date" if re.search("[dmhys]", NO_DATE.sub("", code.partition(";")[0]), re.IGNORECASE) else ""


class _Texts(Listener):
    """Gathers texts, all together no more than can be kept. What is written above them for reading aloud is none."""

    def __init__(self) -> None:
        self.starts = {"t": self._begin, "rPh": self._begin_phonetic}
        self.ends = {"t": self._end, "rPh": self._end_phonetic}
        self.pieces: list[str] = []
        self.is_gathering = self.is_phonetic = False
        self.held = 0

    def _begin(self, _: dict[str, str]) -> None:
        self.is_gathering = not self.is_phonetic

    def _end(self) -> None:
        self.is_gathering = False

    def _begin_phonetic(self, _: dict[str, str]) -> None:
        self.is_phonetic = True

    def _end_phonetic(self) -> None:
        self.is_phonetic = False

    def text(self, text: str) -> None:
        if self.is_gathering:
            self.pieces.append(text)
            self.held += len(text)
            if self.held > MAX_TEXT:
                raise UnreadableFile("The workbook holds too much text. Import it in parts.")

    def gathered(self) -> str:
        text = "".join(self.pieces)
        self.pieces.clear()
        return text


class _Strings(_Texts):
    """The texts that cells name by number."""

    def __init__(self) -> None:
        super().__init__()
        self.ends["si"] = self._keep
        self.strings: list[str] = []

    def _keep(self) -> None:
        self.strings.append(self.gathered().replace("x005F_", ""))


class _Rows(_Texts):
    """The cells of a sheet."""

    def __init__(self, shows: dict[int, str], strings: list[str], epoch: datetime, take: TakeRow) -> None:
        super().__init__()
        self.starts |= {"row": self._begin_row, "c": self._begin_cell, "v": self._begin_value, "f": self._formula}
        self.ends |= {"row": self._end_row, "c": self._end_cell, "v": self._end}
        self.shows, self.strings, self.epoch, self.take = shows, strings, epoch, take
        self.row = self.taken = self.column = 0
        self.cells: dict[int, Cell] = {}
        self.type = self.style = ""
        self.is_formula = False

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self.row = int(float(attributes["r"])) if "r" in attributes else self.row + 1
        self.column = 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.column = _column(attributes["r"]) if "r" in attributes else self.column + 1
        self.type = attributes.get("t", "n")
        self.style = attributes.get("s", "0")
        self.is_formula = False
        self.pieces.clear()

    def _begin(self, attributes: dict[str, str]) -> None:
        if self.type == "inlineStr":
            super()._begin(attributes)

    def _begin_value(self, _: dict[str, str]) -> None:
        self.is_gathering = self.type != "inlineStr"

    def _formula(self, _: dict[str, str]) -> None:
        self.is_formula = True

    def _end_cell(self) -> None:
        if self.pieces or self.is_formula:
            text = self.gathered()
            if 0 < self.column <= LAST_COLUMN:
                self.cells[self.column] = Cell("formula", "") if self.is_formula else self._cell(text)

    def _end_row(self) -> None:
        if self.cells:
            if self.taken < self.row <= LAST_ROW:
                self.taken = self.row
                self.take(self.row, self.cells)
            self.cells = {}

    def _cell(self, text: str) -> Cell:
        if self.type == "s":
            return Cell("text", self.strings[_index(text)])
        if self.type == "n":
            return self._number(float(text))
        if self.type == "b":
            return Cell("text", str(bool(int(text))).upper())
        return Cell("date" if self.type == "d" else "text", text)

    def _number(self, value: float) -> Cell:
        if not math.isfinite(value):
            raise ValueError("That is no number.")
        shows = self.shows.get(int(self.style), "")
        if shows == "date":
            with suppress(OverflowError):
                return Cell("date", str(self.epoch + timedelta(days=value)))
            return Cell("date", _digits(value))
        return Cell("number", _digits(value).zfill(len(shows)))


def _digits(value: float) -> str:
    """1.1, and 100 for 100.0. What is rounded is told as such by the check."""
    if abs(value) >= LONGEST_NUMBER:
        return f"{value:.2E}"
    return str(int(value)) if value == int(value) else repr(value)


def _index(text: str) -> int:
    index = int(text)
    if index < 0:
        raise ValueError("There is no such text.")
    return index


def _column(reference: str) -> int:
    """1 for A7; 0 for what lies beyond the last column."""
    column = COLUMN_OF.get(reference.rstrip("0123456789"), 0)
    if not column and not REFERENCE.fullmatch(reference):
        raise ValueError("That is no cell.")
    return column
