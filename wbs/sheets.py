"""A list of codes as a file tells it, row by row: from CSV here, from XLSX in `workbooks`. No request, no database."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from wbs.codes import MAX_FULL_CODE, clean
from wbs.listing import unguard

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 20_000
MAX_TEXT = 10_000_000  # characters of all cells
MAX_CELL = 10_000  # of one that is looked at; a description may have 4,095
MAX_LINE = 1 << 17  # of a line of text, about: it may have this many cells
MAX_COLUMNS = 1_000  # of which two or three are looked at
COLUMNS = ("code", "description")
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

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


def read_csv(content: bytes, tell: Tell = silent) -> Sheet:
    """Read a CSV file with the columns `code` and `description`, in any order. Raises UnreadableFile."""
    text, notes = _decode(content)
    _refuse_long_lines(text)
    separator = _separator(text)
    records = (record for record in _records(text, separator) if record.trouble or any(map(clean, record.cells)))
    heading = next(records)
    if heading.trouble:
        raise UnreadableFile("A quotation mark is missing in the first row.")
    if len(heading.cells) > MAX_COLUMNS:
        raise UnreadableFile(f"The first row names {len(heading.cells):,} columns. Take out those that are not needed.")
    places, unused = columns_of(heading.cells)
    if separator != ",":
        notes.append(f"The columns are separated by {SEPARATORS[separator]}.")
    notes += unused
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, record in enumerate(records):
        tell(number)
        if number == MAX_ROWS:
            raise too_long(MAX_ROWS)
        cells = {name: unguard(record.cells[at]) for name, at in places.items() if at < len(record.cells)}
        if sentence := record.trouble or length_problem(cells):
            problems.append(Problem(record.number, cells.get("code", "")[:MAX_FULL_CODE], sentence))
        else:
            rows.append(row_of(record.number, cells))
    return Sheet(rows, problems, notes)


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
    names = [_column(cell) for cell in heading]
    if not set(COLUMNS) <= set(names):
        raise _no_heading(",".join(heading).rstrip(","))
    places = {name: names.index(name) for name in (*COLUMNS, "status") if name in names}
    unused = [name for name in names if name and name not in places]
    return places, [f"Columns that were not used: {', '.join(unused)}."] if unused else []


def _no_heading(first: str) -> UnreadableFile:
    return UnreadableFile(f"The first row must name the columns: code,description. It reads: {first[:80]}")


def too_long(most: int) -> UnreadableFile:
    return UnreadableFile(f"The file has more than {most:,} rows. Import it in parts.")


def too_large() -> UnreadableFile:
    return UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Import it in parts.")


def few(rows: list[int]) -> str:
    """The first rows of many, for a sentence."""
    return ", ".join(map(str, rows[:10])) + (f" and {len(rows) - 10:,} more" if len(rows) > 10 else "")


def _decode(content: bytes) -> tuple[str, list[str]]:
    if len(content) > MAX_BYTES:
        raise too_large()
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content:
        raise UnreadableFile("The file is in UTF-16 or is not text. Save it as “CSV UTF-8” and choose that file.")
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


def _separator(text: str) -> str:
    """The separator under which the first row names both columns."""
    if not text.strip():
        raise UnreadableFile("The file is empty.")
    first = text.lstrip()[:MAX_LINE].splitlines()[0]
    for separator in SEPARATORS:
        if set(COLUMNS) <= {_column(cell) for cell in next(csv.reader([first], delimiter=separator))}:
            return separator
    raise _no_heading(first)


def _column(cell: str) -> str:
    return clean(cell).casefold()


@dataclass(frozen=True)
class _Record:
    number: int
    cells: list[str]
    trouble: str = ""  # why its cells cannot be told apart


def _records(text: str, separator: str) -> Iterator[_Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        number, lines = number + 1, reader.line_num
        try:
            yield _Record(number, next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            yield _Record(number, [], _trouble(str(error)))
            number += reader.line_num - lines - 1  # a quote gone wrong swallows lines that are rows to people


def _trouble(error: str) -> str:
    if "end of data" in error:
        return "A quotation mark that begins in this row is never closed. What follows was not read."
    if "limit" in error:
        return "A cell is far too long; is a quotation mark missing?"
    return "A quotation mark is in the wrong place. Inside a quoted cell it is written twice."
