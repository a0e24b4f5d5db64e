"""A list of codes row by row, whatever file it came in, and what every reader of one asks. No request, no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from wbs.codes import clean

MAX_BYTES = 5 * 1024 * 1024

MAX_ROWS = 20_000

MAX_TEXT = 10_000_000  # characters of all cells

MAX_CELL = 10_000  # of one that is looked at; a description may have 4,095

COLUMNS = ("code", "description")

Tell = Callable[[int], None]  # hears of every row how many were done before it


def silent(done: int) -> None: ...


class UnreadableFile(Exception):
    """The file cannot be read at all; says why, and what to do."""


@dataclass(frozen=True)
class Row:
    number: int  # as a spreadsheet numbers it: the heading is row 1
    code: str
    description: str
    status: str = ""  # "Active", "Inactive" or nothing


@dataclass(frozen=True)
class Problem:
    row: int
    code: str
    sentence: str


@dataclass(frozen=True)
class Sheet:
    """What a reader found: the rows with something in them, as they stand in the file."""

    rows: list[Row]
    problems: list[Problem] = field(default_factory=list)  # rows that could not be read
    notes: list[str] = field(default_factory=list)

    def as_data(self) -> dict[str, list[object]]:
        return {
            "rows": [[row.number, row.code, row.description, row.status] for row in self.rows],
            "problems": [[problem.row, problem.code, problem.sentence] for problem in self.problems],
            "notes": list(self.notes),
        }

    @classmethod
    def from_data(cls, data: dict[str, list[object]]) -> Sheet:
        rows = [Row(*row) for row in data["rows"]]  # type: ignore[misc]
        problems = [Problem(*problem) for problem in data["problems"]]  # type: ignore[misc]
        return cls(rows, problems, [str(note) for note in data["notes"]])


def row_of(number: int, cells: dict[str, str]) -> Row:
    return Row(number, *(cells.get(name, "") for name in (*COLUMNS, "status")))


def length_problem(cells: dict[str, str]) -> str:
    """Why a row is not even looked at; empty when it is."""
    for name, text in cells.items():
        if len(text) > MAX_CELL:
            return f"The {name} has {len(text):,} characters, which is far too long. Shorten it."
    return ""


def columns_of(heading: list[str]) -> tuple[dict[str, int], list[str]]:
    """Where the columns stand, and notes about others. Raises UnreadableFile."""
    names = [column(cell) for cell in heading]
    if not set(COLUMNS) <= set(names):
        raise no_heading(",".join(heading).rstrip(","))
    places = {name: names.index(name) for name in (*COLUMNS, "status") if name in names}
    unused = [name for name in names if name and name not in places]
    return places, [f"Columns that were not used: {', '.join(unused)}."] if unused else []


def no_heading(first: str) -> UnreadableFile:
    return UnreadableFile(f"The first row must name the columns: code,description. It reads: {first[:80]}")


def too_long(most: int) -> UnreadableFile:
    return UnreadableFile(f"The file has more than {most:,} rows. Import it in parts.")


def too_large() -> UnreadableFile:
    return UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Import it in parts.")


def few(rows: list[int]) -> str:
    """The first rows of many, for a sentence."""
    return ", ".join(map(str, rows[:10])) + (f" and {len(rows) - 10:,} more" if len(rows) > 10 else "")


def column(cell: str) -> str:
    return clean(cell).casefold()
