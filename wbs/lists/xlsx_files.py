"""Lists of codes as XLSX workbooks: reading one that people made, writing one that a spreadsheet leaves as it is.

A workbook is what a stranger packed: `packages` bounds it before it is read, `limited` gives the reading a process of
its own, which imports neither Django nor openpyxl.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wbs.codes import MAX_FULL_CODE, clean
from wbs.lists.csv_files import read_csv
from wbs.lists.packages import DAMAGED, SENSELESS, SIGNATURE, Package
from wbs.lists.packages import MAX_TAGS as MAX_TAGS
from wbs.lists.packages import MAX_UNPACKED as MAX_UNPACKED
from wbs.lists.rows import (
    COLUMNS,
    MAX_BYTES,
    MAX_ROWS,
    MAX_TEXT,
    Problem,
    Row,
    Sheet,
    Tell,
    UnreadableFile,
    columns_of,
    few,
    length_problem,
    row_of,
    silent,
    too_large,
    too_long,
)
from wbs.lists.xlsx import Book, Cell

if TYPE_CHECKING:
    from openpyxl.styles import Font
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

OLE = b"\xd0\xcf\x11\xe0"  # how an .xls begins, or an .xlsx with a password
TEXT_FORMAT = "@"  # a column of this format keeps 1-10 and 007 as they are typed


def count_rows(content: bytes) -> int:
    """About how many rows a list has, at a glance. Raises UnreadableFile for what is too large to be read."""
    if len(content) > MAX_BYTES:
        raise too_large()
    if not content.startswith(SIGNATURE):
        return max(content.count(b"\n"), content.count(b"\r"))
    package = Package(content)
    sheets = (name for name in package.parts if "/worksheets/" in name)
    return sum(chunk.count(b"</row>") for name in sheets for chunk in package.unpack(name))


def read_list(content: bytes, tell: Tell = silent) -> Sheet:
    """Read a list of codes in any format that we know. Raises UnreadableFile."""
    if content.startswith(OLE):
        raise UnreadableFile("This workbook is an old one (.xls) or has a password. Save it as .xlsx without one.")
    return (read_xlsx if content.startswith(SIGNATURE) else read_csv)(content, tell)


def read_xlsx(content: bytes, tell: Tell = silent) -> Sheet:
    """Read the first visible sheet, with the columns `code` and `description` in any order. Raises UnreadableFile."""
    if len(content) > MAX_BYTES:
        raise too_large()
    reader = _Reader(tell)
    try:
        package = Package(content)
        package.check()
        book = Book(package)
        sheet = book.first_visible()
        if len(book.contents.sheets) > 1:
            reader.notes.append(f"Only the sheet “{sheet.title}” was read.")
        book.tell_rows(sheet, reader.read)
    except SENSELESS as trouble:
        raise UnreadableFile(DAMAGED) from trouble
    if not reader.places:
        raise UnreadableFile("The file is empty.")
    return reader.sheet()


class _Reader:
    """What the rows of one sheet come to."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.places: dict[str, int] = {}
        self.text = 0
        self.rows: list[Row] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.numbers: list[int] = []  # rows whose code is a number

    def read(self, number: int, row: dict[int, Cell]) -> None:
        self.tell(len(self.rows))
        if not self.places:
            self._read_heading(row)
            return
        if len(self.rows) + len(self.problems) == MAX_ROWS:
            raise too_long(MAX_ROWS)
        cells = {name: row[at] for name, at in self.places.items() if at in row}
        texts = {name: cell.text for name, cell in cells.items()}
        self.text += sum(map(len, texts.values()))
        if self.text > MAX_TEXT:
            raise UnreadableFile("The workbook holds too much text. Import it in parts.")
        if sentence := next(filter(None, map(_trouble, cells.items())), "") or length_problem(texts):
            self.problems.append(Problem(number, texts.get("code", "")[:MAX_FULL_CODE], sentence))
        elif any(map(clean, texts.values())):
            self.rows.append(row_of(number, texts))
            if "code" in cells and cells["code"].kind == "number":
                self.numbers.append(number)

    def _read_heading(self, row: dict[int, Cell]) -> None:
        places, notes = columns_of([row[at].text if at in row else "" for at in range(1, max(row) + 1)])
        self.places = {name: at + 1 for name, at in places.items()}
        self.notes += notes

    def sheet(self) -> Sheet:
        if self.numbers:
            self.notes.append(
                "These codes are numbers in the workbook: a spreadsheet may have taken zeros from their ends "
                f"(01 becomes 1, 1.10 becomes 1.1). Look whether they are right. Rows: {few(self.numbers)}."
            )
        return Sheet(self.rows, self.problems, self.notes)


def _trouble(named_cell: tuple[str, Cell]) -> str:
    """Why a cell cannot be taken as it is; empty when it can."""
    name, cell = named_cell
    if cell.kind == "formula":
        return f"The {name} is a formula. Copy it and paste its value in its place."
    if cell.kind == "date":
        return f"A spreadsheet made a date of this {name}. Format the column as text and write it again."
    return ""


# Writing


def write_xlsx(rows: Iterable[tuple[str, str, bool]], title: str) -> bytes:
    """The list of (full code, description, is active). All cells are text, so that none becomes a date or a formula."""
    rows = list(rows)
    has_inactive = not all(is_active for _, _, is_active in rows)
    heading = ["code", "description", "status"] if has_inactive else ["code", "description"]
    lines = ([code, text, *["Active" if is_active else "Inactive"] * has_inactive] for code, text, is_active in rows)
    return _written(title, heading, lines)


def write_template(title: str) -> bytes:
    """An empty list to fill in."""
    return _written(title, list(COLUMNS), [])


def _written(title: str, heading: list[str], lines: Iterable[list[str]]) -> bytes:
    from openpyxl import Workbook  # here and below: it takes longer to import than a list takes to read
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\\*?:/\[\]]", " ", title)[:31])
    sheet.freeze_panes = "A2"
    for letter, width in (("A", 24), ("B", 60), ("C", 12)):
        sheet.column_dimensions[letter].width = width
        sheet.column_dimensions[letter].number_format = TEXT_FORMAT
    sheet.append(_styled(sheet, heading, Font(bold=True)))
    cells = _styled(sheet, heading)  # the same ones for every line: a style of its own for each takes long
    for line in lines:
        for cell, text in zip(cells, line, strict=True):
            cell.value, cell.data_type = text, "s"  # also where the text begins with "=", which would be a formula
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _styled(sheet: WriteOnlyWorksheet, texts: list[str], font: Font | None = None) -> list[Any]:
    from openpyxl.cell import WriteOnlyCell

    cells = [WriteOnlyCell(sheet, text) for text in texts]
    for cell in cells:
        cell.number_format = TEXT_FORMAT
        if font:
            cell.font = font
    return cells
