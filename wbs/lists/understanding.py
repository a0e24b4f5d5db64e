"""How a sheet is read: as proposed by what stands in it, but for what a person chose."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from wbs.codes import code_key
from wbs.lists.choices import Choices
from wbs.lists.grids import Grid, shown
from wbs.lists.headings import CODE, DESCRIPTION
from wbs.lists.layout import PART, Layout, below, division_is, heading_of, pattern_for, propose


def layout_of(grid: Grid, choices: Choices, known: Container[str] = ()) -> Layout:
    """`known` are the keys of codes that are in the list: what stands there whole is not split by a pattern."""
    heading = heading_of(grid.rows) if choices.heading is None else choices.heading
    proposed = propose(grid.rows, heading)
    columns = proposed.columns
    if choices.columns is not None:
        columns = {meaning: at for meaning, at in choices.columns.items() if at < len(proposed.titles)}
    layout = replace(proposed, columns=columns, pattern=choices.pattern or "")
    if choices.pattern is not None or not choices.delimiter:
        return layout
    codes = _codes(grid, layout, choices)
    pattern = pattern_for(codes)
    if not pattern or any(code_key(code) in known for code in codes):
        return layout
    return replace(layout, pattern=pattern, is_pattern_proposed=True)


def _codes(grid: Grid, layout: Layout, choices: Choices) -> list[str]:
    """The codes of the list as they are shown, of rows that have a description, too; none where they are in parts."""
    at, text = layout.columns.get(CODE), layout.columns.get(DESCRIPTION)
    rows = below(grid.rows, layout.heading)
    if at is None or text is None or layout.tiers or division_is(rows, layout.columns, choices.delimiter) == PART:
        return []
    pairs = ((row[at + 1], row[text + 1]) for row in rows if len(row) > max(at, text) + 1)
    return [code for cell, words in pairs if (code := shown(cell).strip()) and shown(words).strip()]
