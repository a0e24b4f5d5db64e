"""What all kinds of files have in common: sheets, of which each gives its rows in portions, as they stand in a `Grid`.

Each kind is a module beside this one. What it keeps it bounds itself, before anything is built of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from wbs.lists.cells import FORMULA, MERGED, NUMBER, Cell

LAST_COLUMN = 100  # what lies beyond is not looked at, and told
LAST_ROW = 1_048_576
MAX_SHEETS, MAX_STYLES, MAX_FORMATS = 1_000, 70_000, 10_000  # a spreadsheet knows 65,490 styles
MAX_MERGED = 100_000  # ranges
PLACE_WEIGHT, NUMBER_WEIGHT = 2, 28  # of any cell, and of one that is more than a text, in characters of text

GridRow = list[Any]  # its number, then its cells
Merged = set[tuple[int, int]]  # row and column of first cells, both from 1

_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


class Named(NamedTuple):
    title: str
    is_visible: bool


class Book:
    """The sheets of one file. Everything raises UnreadableFile, or what `packages.SENSELESS` names."""

    has_sheets = True  # whose names a person knows

    def __init__(self) -> None:
        self.sheets: list[Named] = []
        self.notes: list[str] = []
        self.problems: list[list[Any]] = []  # as in a grid
        self.has_more_columns = False  # beyond the last one

    def portions(self, sheet: int) -> Iterator[list[GridRow]]:
        """The rows with something in them, some at a time, so that whoever wants a sheet's head reads no more."""
        raise NotImplementedError

    def merged(self, sheet: int) -> Merged:
        """The first cells of merged ranges of two columns or more; known when the rows have been read."""
        return set()


def place(row: GridRow, column: int, cell: Cell) -> None:
    """Put a cell into its column, whose number is its index too."""
    missing = column - len(row)
    if missing < 0:
        row[column] = cell
    else:
        if missing:
            row.extend([""] * missing)
        row.append(cell)


def weight(rows: Iterable[GridRow]) -> int:
    """About how much memory rows take, in characters of text."""
    cells = list(chain.from_iterable(rows))
    texts = [cell for cell in cells if type(cell) is str]
    return sum(map(len, texts)) + PLACE_WEIGHT * len(cells) + NUMBER_WEIGHT * (len(cells) - len(texts))


def mark_merged(rows: list[GridRow], merged: Merged) -> None:
    if not merged:
        return
    by_number = {row[0]: row for row in rows}
    for number, column in merged:
        row = by_number.get(number)
        if row and column < len(row) and isinstance(row[column], str) and row[column]:
            row[column] = [MERGED, row[column], ""]


def of_formula(cell: Cell) -> Cell:
    """The stored value of a formula. What is wrong with the value is told before that it is calculated."""
    if isinstance(cell, str):
        return [FORMULA, cell, cell]
    return [FORMULA, *cell[1:]] if cell[0] == NUMBER else cell


def unescaped(text: str) -> str:
    """`_x000D_` is a carriage return in a workbook, and `_x005F_` the sign that begins such an escape."""
    if "_x" not in text:
        return text
    found = _ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), text)
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
