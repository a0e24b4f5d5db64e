"""What is said of rows."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """What is to be said of one row; 0 is a division that no row names."""

    row: int
    code: str
    sentence: str


def few(rows: list[int]) -> str:
    """The first rows of many, for a sentence."""
    return ", ".join(map(str, rows[:10])) + (f" and {len(rows) - 10:,} more" if len(rows) > 10 else "")
