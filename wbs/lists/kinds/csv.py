"""Texts whose lines are rows: commas, semicolons, tabs or bars between the cells, in the encodings that people have."""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from wbs.lists.bounds import MAX_ROWS, UnreadableFile, too_long
from wbs.lists.cells import GUARDED, Cell
from wbs.lists.csv_guard import is_guarded
from wbs.lists.kinds.books import LAST_COLUMN, LAST_ROW, Book, GridRow, Named

MAX_LINE = 1 << 17  # of a line of text, about: it may have this many cells
SEPARATORS = {",": "commas", "|": "vertical bars", ";": "semicolons", "\t": "tabs"}  # of equals the last one counts
LOOKED_AT = 200  # records by which the separator is found
SHOWN = 255  # characters of a row that cannot be taken apart
PORTION = 500
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SEP_LINE = re.compile(r'"?sep=([^"\w\s]|\t)"?[,;\t]*(?:\r\n|\r|\n)', re.IGNORECASE)


class CsvBook(Book):
    has_sheets = False

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.sheets = [Named("", True)]
        if max(content.count(b"\n"), content.count(b"\r")) > LAST_ROW:
            raise UnreadableFile(f"The file has more than {LAST_ROW:,} lines. Import it in parts.")
        text, self.notes = _decoded(content)
        _refuse_long_lines(text)
        if not text.strip():
            raise UnreadableFile("The file is empty.")
        self.text, self.separator, self.lines_before = _with_separator(text)
        if self.separator != ",":
            name = SEPARATORS.get(self.separator, f"“{self.separator}”")
            self.notes.append(f"The columns are separated by {name}.")

    def portions(self, sheet: int) -> Iterator[list[GridRow]]:
        self.problems = []
        rows = self._rows()
        while portion := list(islice(rows, PORTION)):
            yield portion

    def _rows(self) -> Iterator[GridRow]:
        lines = _Lines(self.text)
        reader = csv.reader(lines, delimiter=self.separator, strict=True)
        number = self.lines_before
        while True:
            number, before = number + 1, reader.line_num
            lines.begins = True
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._tell(number, lines.first, _trouble(str(error)))
                number += reader.line_num - before - 1  # a quote gone wrong swallows lines that are rows to people
                continue
            if row := self._row(number, cells):
                yield row

    def _row(self, number: int, cells: list[str]) -> GridRow | None:
        if len(cells) > LAST_COLUMN:
            self.has_more_columns |= any(cells[LAST_COLUMN:])
            del cells[LAST_COLUMN:]
        while cells and not cells[-1]:
            cells.pop()
        text = "".join(cells)
        if not text or text.isspace():
            return None
        return [number, *map(_unguarded, cells)] if "'" in text else [number, *cells]

    def _tell(self, number: int, line: str, sentence: str) -> None:
        if len(self.problems) == MAX_ROWS:
            raise too_long(MAX_ROWS)
        self.problems.append([number, line.strip()[:SHOWN], sentence])


class _Lines:
    """The lines of a text, of which the first of each record is remembered; a StringIO is four times as large."""

    def __init__(self, text: str) -> None:
        self.lines = _LINE.finditer(text)
        self.begins, self.first = True, ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self.lines)[0]
        if self.begins:
            self.begins, self.first = False, line
        return line


def _unguarded(cell: str) -> Cell:
    return [GUARDED, cell[1:], cell] if is_guarded(cell) else cell


def book(content: bytes) -> Book:
    return CsvBook(content)


def count_rows(content: bytes) -> int:
    return max(content.count(b"\n"), content.count(b"\r"))


def _decoded(content: bytes) -> tuple[str, list[str]]:
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        try:
            return content.decode("utf-16"), []
        except UnicodeDecodeError:
            raise UnreadableFile("The file is damaged: it is no UTF-16. Save it as “CSV UTF-8”.") from None
    if b"\x00" in content:
        raise UnreadableFile("The file is not text. Save it as “CSV UTF-8” and choose that file.")
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        raise UnreadableFile(
            "The letters cannot be read: the file is neither UTF-8 nor Windows-1252. Save it as “CSV UTF-8”."
        ) from None
    return text, ["The file is not UTF-8; it was read as Windows-1252. Look whether the accents are right."]


def _refuse_long_lines(text: str) -> None:
    for at in range(0, len(text) - MAX_LINE, MAX_LINE):
        if text.find("\n", at, at + MAX_LINE) < 0 and text.find("\r", at, at + MAX_LINE) < 0:
            raise UnreadableFile(
                "A line of the file has far too many letters. Is a line end or a quotation mark missing?"
            )


def _with_separator(text: str) -> tuple[str, str, int]:
    """The rows, what separates their cells, and how many lines stand before them."""
    if told := _SEP_LINE.match(text):
        return text[told.end() :], told[1], 1
    lines = text[:MAX_LINE].splitlines(keepends=True)
    most, best = max((_alike(lines, separator), at, separator) for at, separator in enumerate(SEPARATORS))[::2]
    return text, best if most else ",", 0


def _alike(lines: list[str], separator: str) -> int:
    """How many rows at the beginning have the same number of cells, if they have two or more."""
    widths: Counter[int] = Counter()
    with suppress(csv.Error):
        for cells in islice(csv.reader(lines, delimiter=separator), LOOKED_AT):
            widths[len(cells)] += any(cells)
    return max((count for width, count in widths.items() if width > 1), default=0)


def _trouble(error: str) -> str:
    if "end of data" in error:
        return "A quotation mark that begins in this row is never closed. What follows was not read."
    if "limit" in error:
        return "A cell is far too long; is a quotation mark missing?"
    return "A quotation mark is in the wrong place. Inside a quoted cell it is written twice."
