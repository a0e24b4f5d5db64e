"""OpenDocument: one part holds all sheets, and beside each number what it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wbs.lists.bounds import MAX_CELL, MAX_ROWS, MAX_TEXT, UnreadableFile, too_long, too_much_text
from wbs.lists.cells import DATE, ERROR, FORMULA, NUMBER, UNSHOWN, Cell
from wbs.lists.kinds import plain
from wbs.lists.kinds.books import (
    LAST_COLUMN,
    LAST_ROW,
    MAX_MERGED,
    MAX_SHEETS,
    Book,
    GridRow,
    Merged,
    Named,
    of_formula,
    place,
    weight,
)
from wbs.lists.kinds.passing import Passing, passing
from wbs.lists.number_formats import GENERAL, held, shown
from wbs.lists.packages import Package, too_much

CONTENT = "content.xml"
MAX_BLANKS = 1_000  # that one element stands for
NOT_SURE = re.compile(r"[\d.,]+E[+-]?\d+|.*\d/\d.*|#+|", re.IGNORECASE)  # rounded numbers, fractions, what has no room
BROKEN = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!)|Err:\d{3}|#ERR\d*!?", re.IGNORECASE)
TIME = re.compile(r"PT(\d{1,6})H(\d{1,2})M(\d{1,2})(?:[.,]\d+)?S")
BLANKS = re.compile(r"[ \t\r\n]+")  # are one blank; more of them are elements
MAX_PLAIN_CELLS = 2_000_000
MAX_KNOWN = 1_000
DRAWN = ("annotation", "frame", "custom-shape", "g", "rect", "line", "circle", "control", "caption", "polyline")


def count_rows(package: Package) -> int:
    return sum(chunk.count(b"<table:table-row") for chunk in package.unpack(CONTENT))


def book(package: Package) -> Book:
    return OdsBook(package)


class OdsBook(Book):
    def __init__(self, package: Package) -> None:
        super().__init__()
        manifest = "META-INF/manifest.xml"
        if manifest in package and any(b"encryption-data" in chunk for chunk in package.unpack(manifest)):
            raise UnreadableFile("This workbook has a password. Save it as .xlsx without one.")
        self.package = package
        contents = _Contents()
        for _ in passing(package, CONTENT, contents):
            pass
        self.sheets = [Named(title, style not in contents.hidden) for title, style in contents.tables]
        if not self.sheets:
            raise ValueError("It has no sheet.")
        self._merged: Merged = set()

    def portions(self, sheet: int) -> Iterator[list[GridRow]]:
        rows = _Rows(sheet)
        self._merged = rows.merged
        for portion in passing(self.package, CONTENT, rows):
            yield portion
            if rows.is_done:
                break
        self.has_more_columns = rows.has_more_columns

    def merged(self, sheet: int) -> Merged:
        return self._merged


class _Tables(Passing):
    begin, end, depth = b"<table:table ", b"</table:table-row>", 4

    def __init__(self) -> None:
        super().__init__()
        self.starts["table"] = self._begin_table
        self.ends["table"] = self._end_table

    def _begin_table(self, attributes: dict[str, str]) -> None:
        self.is_within = True

    def _end_table(self) -> None:
        self.is_within = False


class _Contents(_Tables):
    """The names of the sheets, and the styles of those that are hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.starts |= {"style": self._style, "table-properties": self._properties}
        self.style = ""
        self.hidden: set[str] = set()
        self.tables: list[tuple[str, str]] = []

    def _style(self, attributes: dict[str, str]) -> None:
        self.style = attributes.get("style:name", "")

    def _properties(self, attributes: dict[str, str]) -> None:
        if attributes.get("table:display") == "false":
            self.hidden.add(self.style)
            if len(self.hidden) > MAX_SHEETS:
                raise too_much()

    def scan(self, portion: bytes) -> bool:
        return not any(sign in portion for sign in (b"<table:table ", b"</table:table>", b"<!", b"<?"))

    def _begin_table(self, attributes: dict[str, str]) -> None:
        super()._begin_table(attributes)
        if len(self.tables) == MAX_SHEETS:
            raise too_much()
        self.tables.append((attributes.get("table:name", "")[:100], attributes.get("table:style-name", "")))


class _Rows(_Tables):
    """The cells of one of the sheets."""

    def __init__(self, sheet: int) -> None:
        super().__init__()
        self.starts |= {"table-row": self._begin_row, "table-cell": self._begin_cell}
        self.starts |= {"covered-table-cell": self._begin_cell, "p": self._begin_line, "s": self._blanks}
        self.starts |= {"tab": self._tab, "line-break": self._break} | dict.fromkeys(DRAWN, self._begin_drawn)
        self.ends |= {"table-row": self._end_row, "table-cell": self._end_cell}
        self.ends |= {"covered-table-cell": self._end_cell, "p": self._end_line}
        self.ends |= dict.fromkeys(DRAWN, self._end_drawn)
        self.left = sheet  # tables that come before it
        self.is_wanted = self.is_done = False
        self.row: GridRow = [0]
        self.merged: Merged = set()
        self.has_more_columns = False
        self.number, self.repeated, self.column, self.count, self.scanned, self.held = 1, 0, 1, 0, 0, 0
        self.attributes: dict[str, str] | None = None
        self.pieces: list[str] = []
        self.is_gathering, self.drawn, self.length = False, 0, 0
        self.known: dict[str, dict[str, str]] = {}  # attributes by how they are written

    def _begin_table(self, attributes: dict[str, str]) -> None:
        super()._begin_table(attributes)
        self.is_wanted = self.left == 0
        self.left -= 1
        self.number = 1

    def _end_table(self) -> None:
        super()._end_table()
        self.is_done |= self.is_wanted
        self.is_wanted = False

    def scan(self, portion: bytes) -> bool:
        tokens = plain.open_tokens(portion)
        if tokens is None:
            return False
        self.scanned += tokens.cells
        if self.scanned > MAX_PLAIN_CELLS:
            raise too_much()
        if not self.is_wanted:
            return True
        known = self.known
        for row, written, text in tokens.each:
            if row is not None:
                self._end_row()
                self._begin_row(self._attributes(row))
            self._take(known.get(written) or self._attributes(written), text or "")
        self._end_row()
        return True

    def _attributes(self, written: str) -> dict[str, str]:
        found = plain.attributes(written)
        if len(self.known) < MAX_KNOWN and "office:value=" not in written:
            self.known[written] = found
        return found

    def _begin_row(self, attributes: dict[str, str]) -> None:
        self.repeated = _times(attributes, "table:number-rows-repeated")
        self.row, self.column = [self.number], 1

    def _end_row(self) -> None:
        if len(self.row) > 1:
            self.count += self.repeated
            if self.count > MAX_ROWS + 1:
                raise too_long(MAX_ROWS)
            if self.repeated > 1:
                self.held += weight([self.row]) * self.repeated
            if self.held > MAX_TEXT:
                raise too_much_text()
            cells = self.row[1:]
            self.rows += [[number, *cells] for number in range(self.number, self.number + self.repeated)]
        self.number = min(self.number + self.repeated, LAST_ROW)
        self.row, self.repeated = [self.number], 0

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.attributes = attributes if self.is_wanted else None
        self.pieces.clear()
        self.length = 0

    def _end_cell(self) -> None:
        attributes, self.attributes = self.attributes, None
        if attributes is not None:
            self._take(attributes, "".join(self.pieces))

    def _take(self, attributes: dict[str, str], text: str) -> None:
        times = _times(attributes, "table:number-columns-repeated") if attributes else 1
        if (text or len(attributes) > 1 or "table:formula" in attributes) and (cell := _cell(attributes, text)):
            self._put(cell, times, attributes.get("table:number-columns-spanned", "1"))
        self.column += times

    def _put(self, cell: Cell, times: int, spanned: str) -> None:
        if self.column + times - 1 > LAST_COLUMN:
            self.has_more_columns = True
        for column in range(self.column, min(self.column + times, LAST_COLUMN + 1)):
            place(self.row, column, cell)
        if spanned != "1" and self.column <= LAST_COLUMN and len(self.merged) < MAX_MERGED:
            self.merged.add((self.number, self.column))

    def _begin_line(self, _: dict[str, str]) -> None:
        if self.attributes is not None and not self.drawn:
            self.is_gathering = True
            if self.pieces:
                self.pieces.append("\n")

    def _end_line(self) -> None:
        self.is_gathering = False

    def _begin_drawn(self, _: dict[str, str]) -> None:
        self.drawn += 1
        self.is_gathering = False

    def _end_drawn(self) -> None:
        self.drawn -= 1

    def text(self, text: str) -> None:
        if self.is_gathering:
            self._add(BLANKS.sub(" ", text))

    def _add(self, text: str) -> None:
        if self.is_gathering and self.length <= MAX_CELL * 4:
            self.length += len(text)
            self.pieces.append(text)

    def _blanks(self, attributes: dict[str, str]) -> None:
        self._add(" " * min(int(attributes.get("text:c", "1")), MAX_BLANKS))

    def _tab(self, _: dict[str, str]) -> None:
        self._add("\t")

    def _break(self, _: dict[str, str]) -> None:
        self._add("\n")


def _times(attributes: dict[str, str], name: str) -> int:
    return min(max(int(attributes.get(name, "1")), 1), LAST_ROW)


def _cell(attributes: dict[str, str], text: str) -> Cell:
    kind = attributes.get("office:value-type", "string")
    is_formula = "table:formula" in attributes
    if attributes.get("calcext:value-type") == "error" or ((is_formula or kind != "string") and BROKEN.fullmatch(text)):
        return [ERROR, text, text]
    cell = _value(kind, attributes, text)
    if not is_formula:
        return cell
    if cell:
        return of_formula(cell)
    return "" if "office:value-type" in attributes else [FORMULA, "", ""]


def _value(kind: str, attributes: dict[str, str], text: str) -> Cell:
    if kind in ("float", "percentage", "currency") and "office:value" in attributes:
        value = float(attributes["office:value"])
        if not text:
            return [*shown(value, GENERAL), held(value)]
        return [UNSHOWN if NOT_SURE.fullmatch(text) else NUMBER, text, held(value)]
    if kind == "date":
        iso = attributes.get("office:date-value", text).replace("T", " ").removesuffix(" 00:00:00")[:MAX_CELL]
        return [DATE, text or iso, iso]
    if kind == "time":
        found = TIME.fullmatch(attributes.get("office:time-value", ""))
        iso = ":".join(part.zfill(2) for part in found.groups()) if found else text
        return [DATE, text or iso, iso]
    if kind == "boolean":
        return str(attributes.get("office:boolean-value") == "true").upper()
    return text or attributes.get("office:string-value", "")
