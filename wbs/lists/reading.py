"""A sheet of a file of any kind that we know, as a `Grid`: what is there and what a person sees, not what it means.

A workbook is what a stranger packed: every kind bounds it before anything is built, and `limited` gives the reading a
process of its own. That process starts for each file, so modules are imported here when it is known that they are
needed.
"""

from __future__ import annotations

from importlib import import_module
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from wbs.lists.bounds import (
    MAX_BYTES,
    MAX_ROWS,
    MAX_TEXT,
    Tell,
    UnreadableFile,
    no_workbook,
    silent,
    too_large,
    too_long,
    too_much_text,
)
from wbs.lists.kinds.books import LAST_COLUMN, Book, GridRow, mark_merged, weight

if TYPE_CHECKING:
    from wbs.lists.grids import Grid

PACKED, COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how files begin
OLDEST = b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"
MARKUP = b"<?xml", b"<html", b"<!doctype", b"<table"
DAMAGED = "The workbook is damaged. Save it anew, or as “CSV UTF-8”, and choose that."
HEAD = 60  # rows of a sheet by which a list is known
MOST_PROPOSED = 30  # sheets that are looked into


def read_grid(content: bytes, sheet: int | None = None, tell: Tell = silent) -> Grid:
    """Read one sheet, or without a number the one that looks like a list. Raises UnreadableFile."""
    from wbs.lists.grids import Grid

    return Grid(**read_data(content, sheet, tell))


def read_data(content: bytes, sheet: int | None, tell: Tell) -> dict[str, Any]:
    """As `read_grid`, the grid as data."""
    from wbs.lists.packages import SENSELESS

    try:
        book = _book(content)
        del content  # which a text has no need of any more
        if not book.sheets:
            raise no_workbook()
        if sheet is None:
            sheet = _proposed(book)
        if not 0 <= sheet < len(book.sheets):
            raise UnreadableFile("There is no such sheet in the file. Choose another one.")
        rows = _rows(book, sheet, tell)
        mark_merged(rows, book.merged(sheet))
    except SENSELESS as trouble:
        raise UnreadableFile(DAMAGED) from trouble
    if not rows and not book.problems and len(book.sheets) == 1:
        raise UnreadableFile("The file is empty.")
    notes = list(book.notes)
    if book.has_more_columns:
        notes.append(f"Only the first {LAST_COLUMN} columns were read.")
    sheets = [list(named) for named in book.sheets] if book.has_sheets else []
    return {"rows": rows, "problems": book.problems, "notes": notes, "sheets": sheets, "sheet": sheet}


def count_rows(content: bytes) -> int:
    """About how many rows a file has, at a glance. Raises UnreadableFile for what is too large to be read."""
    from wbs.lists.packages import SENSELESS

    if len(content) > MAX_BYTES:
        raise too_large()
    kind, source = _kind(content)
    try:
        return int(import_module(f"wbs.lists.kinds.{kind}").count_rows(source))
    except SENSELESS as trouble:
        raise UnreadableFile(DAMAGED) from trouble


def _kind(content: bytes) -> tuple[str, Any]:
    """The module that reads it, and what it reads: the bytes, or the package that they are."""
    if content.startswith(PACKED):
        from wbs.lists.kinds.ooxml import workbook_path
        from wbs.lists.packages import Package

        package = Package(content)
        if "content.xml" in package:
            return "ods", package
        path = workbook_path(package)
        if path not in package:
            raise no_workbook()
        return "xlsb" if path.endswith(".bin") else "xlsx", package
    if content.startswith(COMPOUND):
        return "xls", content
    if content.startswith(OLDEST):
        raise UnreadableFile("This workbook is older than Excel 95. Save it as .xlsx and choose that file.")
    if content[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP):
        raise UnreadableFile("This is a web page or XML, whatever its name says. Save it as .xlsx and choose that.")
    return "csv", content


def _book(content: bytes) -> Book:
    if len(content) > MAX_BYTES:
        raise too_large()
    kind, source = _kind(content)
    book: Book = import_module(f"wbs.lists.kinds.{kind}").book(source)
    return book


def _proposed(book: Book) -> int:
    """The first visible sheet that looks like a list, else the first with anything in it. Hidden ones never."""
    visible = [at for at, named in enumerate(book.sheets) if named.is_visible]
    if len(visible) < 2:
        return visible[0] if visible else 0
    from wbs.lists.layout import looks_like_list

    filled = []
    for at in visible[:MOST_PROPOSED]:
        head = list(islice(chain.from_iterable(book.portions(at)), HEAD))
        if looks_like_list(head):
            return at
        filled += [at] * bool(head)
    return filled[0] if filled else visible[0]


def _rows(book: Book, sheet: int, tell: Tell) -> list[GridRow]:
    rows: list[GridRow] = []
    held = 0
    for portion in book.portions(sheet):
        for done in range(len(rows), len(rows) + len(portion)):
            tell(done)
        rows += portion
        held += weight(portion)
        if len(rows) + len(book.problems) > MAX_ROWS + 1:  # one of them is the heading
            raise too_long(MAX_ROWS)
        if held > MAX_TEXT:
            raise too_much_text()
    return rows
