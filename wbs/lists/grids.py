"""A sheet as it lies on the table: rows of cells, before anybody knows what its columns mean. No request, no database.

A cell is a `str`, the text that a person sees, where there is nothing more to say of it. Else it is a list of three
texts, `[kind, shown, held]`: what it is, what the person sees, and what the file really holds. So a grid is plain data
all the way down, and travels as JSON as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wbs.lists.cells import Cell


@dataclass(frozen=True)
class Grid:
    """One sheet of a file, with the names of all.

    `rows` are those with something in them: `[number, cell, cell, ...]`, the number as a spreadsheet counts, the cells
    from column A on without empty ones at the end. `problems` are rows that could not be taken apart: `[number, text,
    sentence]`.
    """

    rows: list[list[Any]]
    problems: list[list[Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sheets: list[list[Any]] = field(default_factory=list)  # [title, is visible]; none for a file that has no sheets
    sheet: int = 0  # which of them was read

    def as_data(self) -> dict[str, Any]:
        return vars(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Grid:
        return cls(**data)


def shown(cell: Cell) -> str:
    """What a person sees in the cell."""
    return cell if isinstance(cell, str) else cell[1]


def kind(cell: Cell) -> str:
    """What the cell is; empty for a plain text."""
    return "" if isinstance(cell, str) else cell[0]


def cells(row: Sequence[Any]) -> Sequence[Cell]:
    return row[1:]
