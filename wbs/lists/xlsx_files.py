"""Lists as workbooks, written so that a spreadsheet leaves them as they are."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openpyxl.styles import Font
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

TEXT_FORMAT = "@"  # a column of this format keeps 1-10 and 007 as they are typed
WIDTHS = {"code": 24, "description": 60, "status": 12}  # of columns
WIDE = 40  # of all others
TEMPLATE = ("code", "description")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # _x0041_ is A to whoever reads it
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write_xlsx(heading: Sequence[str], rows: Iterable[Sequence[str]], title: str) -> bytes:
    """A table of texts, each as text, so that none becomes a date, a number or a formula.

    A workbook cannot hold control characters, which the names of an ERP's accounts may have: they are left out.
    """
    return _written(title, heading, rows)


def write_template(title: str) -> bytes:
    """An empty list to fill in."""
    return _written(title, TEMPLATE, [])


def _written(title: str, heading: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    from openpyxl import Workbook  # here and below: it takes longer to import than a list takes to read
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet(re.sub(r"[\\*?:/\[\]]", " ", title)[:31])
    sheet.freeze_panes = "A2"
    for place, name in enumerate([*heading, "status"], start=1):  # one more than there are, to be filled in
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = WIDTHS.get(name, WIDE)
        sheet.column_dimensions[letter].number_format = TEXT_FORMAT
    sheet.append(_styled(sheet, heading, Font(bold=True)))
    cells = _styled(sheet, heading)  # the same ones for every line: a style of its own for each takes long
    for line in lines:
        for cell, text in zip(cells, line, strict=True):
            cell.value, cell.data_type = _writable(text), "s"  # also where the text begins with "=", as formulas do
        sheet.append(cells)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _styled(sheet: WriteOnlyWorksheet, texts: Sequence[str], font: Font | None = None) -> list[Any]:
    from openpyxl.cell import WriteOnlyCell

    cells = [WriteOnlyCell(sheet) for _ in texts]
    for cell, text in zip(cells, texts, strict=True):
        cell.value, cell.data_type, cell.number_format = _writable(text), "s", TEXT_FORMAT
        if font:
            cell.font = font
    return cells


def _writable(text: str) -> str:
    """Without what a workbook cannot hold, and so that no part of it reads as the escape of a character."""
    text = text if text.isprintable() else _UNWRITABLE.sub("", text)
    return _ESCAPE.sub("_x005F_", text) if "_x" in text else text
