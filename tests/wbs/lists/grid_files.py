"""Small workbooks for tests of reading, and what they are refused with."""

from __future__ import annotations

import io
from typing import Any

import pytest
from openpyxl import Workbook

from tests.wbs import hostile
from wbs.lists.bounds import UnreadableFile
from wbs.lists.reading import read_grid

HEADING = ["code", "description"]
FIRST = [1, *HEADING]
SHEET = "xl/worksheets/sheet1.xml"


def saved(book: Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def xlsx(*rows: Any, formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    for place, code in (formats or {}).items():
        book.active[place].number_format = code
    return saved(book)


def by_hand(rows: str, strings: str = "", styles: bytes = b"", after: str = "") -> bytes:
    parts = {
        SHEET: hostile.sheet(rows.encode(), after.encode()),
        "xl/sharedStrings.xml": hostile.strings(strings.encode()),
    }
    return hostile.package({**parts, **({"xl/styles.xml": styles} if styles else {})})


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as trouble:
        read_grid(content)
    return str(trouble.value)
