"""Lists of codes as offices have them: a workbook with shared strings, maybe with a title, and the same as CSV."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

TITLE = ["Standard Cost Codes"]  # the row above the heading of the workbook
HEADING = ["Cost Code", "Description", "Status"]
DIVISION = 25  # codes in each

_INLINE = re.compile(r'<c r="(\w+)"([^>]*?) t="inlineStr"><is>(<t[^>]*>[^<]*</t>)</is></c>')
SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
OF_STRINGS = [  # parts that tell of the strings, before which tag, and how
    ("[Content_Types].xml", "</Types>", f'<Override PartName="/{STRINGS}" ContentType="{TYPE}"/>'),
    (
        "xl/_rels/workbook.xml.rels",
        "</Relationships>",
        f'<Relationship Id="strings" Type="{KIND}" Target="/{STRINGS}"/>',
    ),
]


def rows_of(number: int, more: Sequence[str] = ()) -> list[list[str]]:
    """So many codes with their divisions among them, in the order of the tree; `more` columns have the same in all."""
    rows: list[list[str]] = []
    for at in range(number):
        division, place = divmod(at, DIVISION + 1)
        code, text = f"{division:04}", f"Division {division}"
        if place:
            code, text = f"{code}-{90 + place * 10}", f"Works of the {at % 97}th kind, part {at}"
        rows.append([code, text, "Active", *more])
    return rows


def as_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([heading, *rows])
    return written.getvalue().encode()


def as_xlsx(heading: Sequence[str], rows: Iterable[Sequence[str]], *above: Sequence[str]) -> bytes:
    """openpyxl writes each text into its cell; offices write each once, in a part of its own, and so does this."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Cost Codes")
    for row in (*above, heading, *rows):
        sheet.append(list(row))
    content, shared = io.BytesIO(), io.BytesIO()
    book.save(content)
    with zipfile.ZipFile(content) as old, zipfile.ZipFile(shared, "w", zipfile.ZIP_DEFLATED) as new:
        cells, strings = _shared(old.read(SHEET).decode())
        mended = {SHEET: cells, **{name: _told(old.read(name).decode(), end, more) for name, end, more in OF_STRINGS}}
        for name in old.namelist():
            new.writestr(name, mended.get(name) or old.read(name))
        new.writestr(STRINGS, strings)
    return shared.getvalue()


def _shared(sheet: str) -> tuple[str, str]:
    """The sheet with references to its texts, and the part that has these."""
    texts: dict[str, int] = {}
    uses = 0

    def refer(cell: re.Match[str]) -> str:
        nonlocal uses
        uses += 1
        return f'<c r="{cell[1]}"{cell[2]} t="s"><v>{texts.setdefault(cell[3], len(texts))}</v></c>'

    cells = _INLINE.sub(refer, sheet)
    if not uses or "inlineStr" in cells:
        raise RuntimeError("openpyxl writes texts otherwise by now.")
    items = "".join(f"<si>{text}</si>" for text in texts)
    return cells, f'<sst xmlns="{SPACE}" count="{uses}" uniqueCount="{len(texts)}">{items}</sst>'


def _told(part: str, end: str, more: str) -> str:
    if end not in part or "haredStrings" in part:
        raise RuntimeError("openpyxl packs a workbook otherwise by now.")
    return part.replace(end, more + end)
