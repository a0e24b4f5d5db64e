"""Writing the list of cost codes as CSV, safe to open in a spreadsheet and read back unchanged by `importing`.

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
from collections.abc import Iterable

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
