"""Cells of a CSV that are safe to open in a spreadsheet.

A spreadsheet takes a cell that begins with = + - @, a tab or a carriage return for a formula, and would run what
someone typed as a description. Such a cell gets one apostrophe in front, which makes text of it:

    -01     is written as  '-01     and read back as  -01
    '-01    is written as  ''-01    and read back as  '-01     (so that nothing is lost)
    'tis    is written as  'tis     and read back as  'tis     (no formula: left alone both ways)

The import takes exactly this one apostrophe away again, and no other.
"""

from __future__ import annotations

import re

# The full-width signs too: some spreadsheets take them for the plain ones.
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠\t\r]")
_GUARDED = re.compile(r"'+[=+\-@＝＋－＠\t\r]")


def guard(cell: str) -> str:
    """The cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def is_guarded(cell: str) -> bool:
    """Whether the cell begins with an apostrophe that `guard` puts there."""
    return _GUARDED.match(cell) is not None
