"""Lists of codes as XLSX workbooks: reading one that people made, writing one that a spreadsheet leaves as it is.

A workbook is what a stranger packed: how much comes out of it is looked at before it is read. openpyxl uses defusedxml.
"""

from __future__ import annotations

import io
import re
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from typing import Any
from zipfile import BadZipFile, ZipFile

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from wbs.codes import clean
from wbs.importing import few
from wbs.sheets import (
    COLUMNS,
    MAX_BYTES,
    MAX_ROWS,
    Problem,
    Row,
    Sheet,
    Tell,
    UnreadableFile,
    columns_of,
    read_csv,
    silent,
    too_large,
)

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how an .xlsx begins; an .xls, or an .xlsx with a password
MAX_UNPACKED = 50 * 1024 * 1024
MAX_TAGS = 1_500_000  # opening and closing ones, of the whole workbook
MAX_TEXT = 10_000_000  # characters of all cells: one long text can be named by many of them
LAST_ROW, LAST_COLUMN = 100_000, 50  # what lies beyond is not looked at
LONGEST_NUMBER = 10**15  # above it a spreadsheet rounds
DAMAGED = "The workbook is damaged. Save it anew, or as “CSV UTF-8”, and choose that."
TEXT_FORMAT = "@"  # a column of this format keeps 1-10 and 007 as they are typed

# What openpyxl leaves out of a workbook (drop-down lists, conditional colours) is nothing that we read.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")


def count_rows(content: bytes) -> int:
    """About how many rows a list has, at a glance. Raises UnreadableFile for what is too large to be read."""
    if content.startswith(ZIP):
        return _look_inside(content)
    if len(content) > MAX_BYTES:
        raise too_large()
    return max(content.count(b"\n"), content.count(b"\r"))


def read_list(content: bytes, tell: Tell = silent) -> Sheet:
    """Read a list of codes in any format that we know. Raises UnreadableFile."""
    if content.startswith(OLE):
        raise UnreadableFile("This workbook is an old one (.xls) or has a password. Save it as .xlsx without one.")
    return (read_xlsx if content.startswith(ZIP) else read_csv)(content, tell)


def read_xlsx(content: bytes, tell: Tell = silent) -> Sheet:
    """Read the first visible sheet, with the columns `code` and `description` in any order. Raises UnreadableFile."""
    _look_inside(content)
    reader = _Reader()
    for row in _rows(content, reader.notes):
        tell(len(reader.rows))
        reader.read(row)
    if not reader.places:
        raise UnreadableFile("The file is empty.")
    return reader.sheet()


def _rows(content: bytes, notes: list[str]) -> Iterator[Sequence[Any]]:
    try:
        book = load_workbook(io.BytesIO(content), read_only=True)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
        if len(book.sheetnames) > 1:
            notes.append(f"Only the sheet “{sheets[0].title}” was read.")
        sheets[0].reset_dimensions()  # what the file says of its size need not be true
        yield from sheets[0].iter_rows(max_row=LAST_ROW, max_col=LAST_COLUMN)
    except Exception as trouble:  # whatever openpyxl stumbles over in a file that no spreadsheet wrote
        raise UnreadableFile(DAMAGED) from trouble


def _look_inside(content: bytes) -> int:
    """About how many rows there are. Refuses what is packed so that reading it would take all memory or all day."""
    if len(content) > MAX_BYTES:
        raise too_large()
    size = tags = rows = 0
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            for part in archive.infolist():
                with archive.open(part) as unpacked:
                    while chunk := unpacked.read(1 << 16):
                        size += len(chunk)
                        tags += chunk.count(b"<")
                        rows += chunk.count(b"</row>")
                        if size > MAX_UNPACKED or tags > MAX_TAGS:
                            raise UnreadableFile("The workbook is too large when unpacked. Import it in parts.")
    except (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, zlib.error) as trouble:
        raise UnreadableFile(DAMAGED) from trouble
    return rows


class _Reader:
    """What the rows of one sheet come to."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.number = self.text = 0
        self.rows: list[Row] = []
        self.problems: list[Problem] = []
        self.notes: list[str] = []
        self.numbers: list[int] = []  # rows whose code is a number

    def read(self, row: Sequence[Any]) -> None:
        self.number += 1
        if not any(cell.value is not None for cell in row):
            return
        if not self.places:
            self.places, notes = columns_of([_text(cell) for cell in row])
            self.notes += notes
            return
        if len(self.rows) + len(self.problems) == MAX_ROWS:
            raise UnreadableFile(f"The file has more than {MAX_ROWS:,} rows. Import it in parts.")
        cells = {name: row[at] for name, at in self.places.items() if at < len(row)}
        texts = {name: _text(cell) for name, cell in cells.items()}
        self.text += sum(map(len, texts.values()))
        if self.text > MAX_TEXT:
            raise UnreadableFile("The workbook holds too much text. Import it in parts.")
        if sentence := next(filter(None, map(_trouble, cells.items())), ""):
            self.problems.append(Problem(self.number, texts.get("code", ""), sentence))
        elif any(map(clean, texts.values())):
            self.rows.append(Row(self.number, *(texts.get(name, "") for name in (*COLUMNS, "status"))))
            if "code" in cells and isinstance(cells["code"].value, int | float):
                self.numbers.append(self.number)

    def sheet(self) -> Sheet:
        if self.numbers:
            self.notes.append(
                "These codes are numbers in the workbook: a spreadsheet may have taken zeros from their ends "
                f"(01 becomes 1, 1.10 becomes 1.1). Look whether they are right. Rows: {few(self.numbers)}."
            )
        return Sheet(self.rows, self.problems, self.notes)


def _text(cell: Any) -> str:
    """What the cell shows, as far as a code or a description can be meant by it."""
    value = cell.value
    if value is None or cell.data_type == "f":
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return _digits(value, cell.number_format)
    return str(value)


def _digits(value: float, number_format: str) -> str:
    """1.1, 100 for 100.0, and 007 where the cell shows it so. What is rounded is told as such by the check."""
    if abs(value) >= LONGEST_NUMBER:
        return f"{value:.2E}"
    whole = str(int(value)) if value == int(value) else repr(value)
    return whole.zfill(len(number_format)) if re.fullmatch("0+", number_format or "") else whole


def _trouble(named_cell: tuple[str, Any]) -> str:
    """Why a cell cannot be taken as it is; empty when it can."""
    name, cell = named_cell
    if cell.data_type == "f":
        return f"The {name} is a formula. Copy it and paste its value in its place."
    if isinstance(cell.value, date | time | timedelta):
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


def _styled(sheet: Any, texts: list[str], font: Font | None = None) -> list[Any]:
    cells = [WriteOnlyCell(sheet, text) for text in texts]
    for cell in cells:
        cell.number_format = TEXT_FORMAT
        if font:
            cell.font = font
    return cells
