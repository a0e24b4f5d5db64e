"""How much a list may be, whatever file it comes in, and what is said when it is more."""

from __future__ import annotations

from collections.abc import Callable

MAX_BYTES = 10 * 1024 * 1024

MAX_ROWS = 100_000

MAX_TEXT = 10_000_000  # characters of all cells

MAX_CELL = 10_000  # of one that is looked at; a description may have 4,095

Tell = Callable[[int], None]  # hears of every row how many were done before it


def silent(done: int) -> None: ...


class UnreadableFile(Exception):
    """The file cannot be read at all; says why, and what to do."""


def too_long(most: int) -> UnreadableFile:
    return UnreadableFile(f"The file has more than {most:,} rows. Import it in parts.")


def no_workbook() -> UnreadableFile:
    return UnreadableFile("This is no workbook, whatever its name says. Save your list as .xlsx and choose that.")


def too_much_text() -> UnreadableFile:
    return UnreadableFile("The file holds too much text. Import it in parts.")


def too_large() -> UnreadableFile:
    return UnreadableFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Import it in parts.")
