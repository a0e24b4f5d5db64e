"""A list of codes as CSV: read as people made it, and written so that it is safe to open in a spreadsheet.

A spreadsheet takes a cell that begins with = + - @, a tab or a carriage return for a formula, and would run what
someone typed as a description. Such a cell gets one apostrophe in front, which makes text of it:

    -01     is written as  '-01     and read back as  -01
    '-01    is written as  ''-01    and read back as  '-01     (so that nothing is lost)
    'tis    is written as  'tis     and read back as  'tis     (no formula: left alone both ways)

The import takes exactly this one apostrophe away again, and no other.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wbs.codes import MAX_FULL_CODE, clean
from wbs.lists.rows import (
    COLUMNS,
    MAX_BYTES,
    MAX_ROWS,
    Problem,
    Row,
    Sheet,
    Tell,
    UnreadableFile,
    column,
    columns_of,
    length_problem,
    no_heading,
    row_of,
    silent,
    too_large,
    too_long,
)

MAX_LINE = 1 << 17  # of a line of text, about: it may have this many cells

MAX_COLUMNS = 1_000  # of which two or three are looked at

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}


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
        if set(COLUMNS) <= {column(cell) for cell in next(csv.reader([first], delimiter=separator))}:
            return separator
    raise no_heading(first)


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


# The full-width signs too: some spreadsheets take them for the plain ones.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r]")
_GUARDED = re.compile(r"'+[=+\-@＝＋－＠\t\r]")


def guard(cell: str) -> str:
    """The cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguard(cell: str) -> str:
    return cell[1:] if _GUARDED.match(cell) else cell


def write_csv(rows: Iterable[tuple[str, str, bool]]) -> bytes:
    """The list of (full code, description, is active). UTF-8 with BOM, by which Excel knows it.

    The column `status` is there only when an item is inactive: else the plain two columns say everything.
    """
    rows = list(rows)
    has_inactive = not all(is_active for _, _, is_active in rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["code", "description", "status"] if has_inactive else ["code", "description"])
    for code, description, is_active in rows:
        status = ["Active" if is_active else "Inactive"] if has_inactive else []
        writer.writerow([guard(code), guard(description), *status])
    return text.getvalue().encode("utf-8-sig")
