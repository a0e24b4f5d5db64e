"""Checking a list without a database: what the product does between the file and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wbs.lists.checking import Known, Plan, check
from wbs.lists.choices import Choices
from wbs.lists.entries import AccountColumns, Reading, read_entries
from wbs.lists.reading import read_grid
from wbs.lists.understanding import layout_of


def read(content: str | bytes, delimiter: str = "-", accounts: AccountColumns = (), **choices: Any) -> Reading:
    """What the rows of a file come to."""
    grid = read_grid(content.encode() if isinstance(content, str) else content)
    chosen = Choices(delimiter, **choices)
    return read_entries(grid, layout_of(grid, chosen), chosen, accounts)


def checked(
    content: str | bytes, delimiter: str = "-", known: Mapping[str, Known] | None = None, **choices: Any
) -> Plan:
    """What an import of a file would do to a list that has the `known` codes."""
    chosen = Choices(delimiter, **choices)
    grid = read_grid(content.encode() if isinstance(content, str) else content)
    reading = read_entries(grid, layout_of(grid, chosen, known or {}), chosen, known=known or {})
    return check(reading, chosen, known or {})


def good(plan: Plan) -> list[tuple[str, str]]:
    """Codes that rows name, their tiers joined with bars, with their descriptions, in the order of the file."""
    return [("|".join(new.tiers), new.description) for new in sorted(plan.new, key=lambda new: new.row) if new.row]


def divisions(plan: Plan) -> dict[str, str]:
    """Those that no row names."""
    return {"|".join(new.tiers): new.description for new in plan.new if not new.row}


def problems(plan: Plan) -> dict[int, str]:
    return {problem.row: problem.sentence for problem in plan.problems}
