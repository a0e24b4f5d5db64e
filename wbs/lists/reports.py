"""What a page tells of a check: how much of each kind, what was understood of the file, and what can be chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wbs.lists.checking import Plan, why_not
from wbs.lists.choices import Choices
from wbs.lists.entries import Reading
from wbs.lists.grids import Grid, cells, shown
from wbs.lists.headings import LABELS
from wbs.lists.layout import HEAD, Layout, below, division_is, letters
from wbs.lists.rows import few

PREVIEWED, WIDEST = 20, 60  # rows of the preview; characters of one of its cells
KINDS = 5  # of notes about rows that are told at the top, too
OFFERED = 30  # rows that are offered as heading


@dataclass(frozen=True)
class Report:
    """A check in short. All of it is plain data."""

    good: int = 0
    division_count: int = 0
    change_count: int = 0
    differing_count: int = 0  # codes that differ from the list and stay as they are
    unchanged_count: int = 0
    problem_count: int = 0
    note_count: int = 0
    warning_count: int = 0  # codes that an ERP would refuse; imported all the same
    fingerprint: str = ""
    why_not: str = ""  # why nothing can be imported before something is mended or chosen
    trouble: str = ""  # why the file could not be read at all
    notes: list[str] = field(default_factory=list)  # about the whole list
    layout: dict[str, Any] = field(default_factory=dict)
    sheets: list[list[Any]] = field(default_factory=list)  # [title, is visible]
    sheet: int = 0
    headings: list[list[Any]] = field(default_factory=list)  # [row, what stands in it] of those that may name columns
    preview: list[list[Any]] = field(default_factory=list)  # the first rows as they lie in the file: [row, text, ...]
    cleaned: list[list[Any]] = field(default_factory=list)  # [kind, how many, before, after]
    dates: int = 0  # codes that look like the work of a spreadsheet
    without_accounts: int = 0
    accounts_of: int | None = None

    as_data = asdict

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Report:
        return cls(**data)

    @property
    def does_something(self) -> bool:
        return bool(self.good or self.change_count)

    @property
    def understood(self) -> Layout:
        return Layout.from_data(self.layout)


def report_of(
    grid: Grid, layout: Layout, choices: Choices, reading: Reading, plan: Plan, also_used: Collection[int] = ()
) -> Report:
    """The check of a sheet in short."""
    return Report(
        good=plan.good,
        division_count=len(plan.new) - plan.good,
        change_count=len(plan.changes),
        differing_count=len(plan.differing),
        unchanged_count=len(plan.unchanged),
        problem_count=len(plan.problems),
        note_count=len(plan.notes),
        fingerprint=plan.fingerprint,
        why_not=why_not(plan, choices),
        notes=[*grid.notes, *_unused(layout, also_used), *_notes(grid, layout, choices, reading, plan)],
        cleaned=[[kind, *found] for kind, found in reading.cleaned.items()],
        dates=reading.dates,
        without_accounts=reading.without_accounts,
        **_about(grid, layout),
    )


def _about(grid: Grid, layout: Layout) -> dict[str, Any]:
    """What the page offers to choose from."""
    return {
        "layout": layout.as_data(),
        "sheets": grid.sheets,
        "sheet": grid.sheet,
        "headings": [[row[0], _in_short(row)] for row in grid.rows[:OFFERED]],
        "preview": [
            [row[0], *(shown(cell)[:WIDEST] for cell in cells(row)[: len(layout.titles)])]
            for row in below(grid.rows[: HEAD * 10], layout.heading)[:PREVIEWED]
        ],
    }


def _in_short(row: Sequence[Any]) -> str:
    return " | ".join(text for cell in cells(row) if (text := " ".join(shown(cell).split())))[:WIDEST]


def _unused(layout: Layout, also_used: Collection[int]) -> list[str]:
    unused = layout.unused(also_used)
    return [f"Columns that were not used: {', '.join(unused)}."] if unused else []


def _notes(grid: Grid, layout: Layout, choices: Choices, reading: Reading, plan: Plan) -> list[str]:
    """What is to be said of the whole list."""
    notes = _about_columns(grid, layout, choices)
    if layout.pattern and choices.delimiter:
        proposed = " All codes have one length." if layout.is_pattern_proposed else ""
        notes.append(
            f"The codes were split by the pattern {layout.pattern}.{proposed} Empty “Tier Pattern” to keep them."
        )
    if rows := plan.group_rows:
        also = "and are codes as well" if choices.keeps_group_rows else "and are no codes besides"
        notes.append(f"Group rows name their division {also}: rows {few(rows)}.")
    if reading.statuses:
        words = ", ".join(f"“{word}”" for word in reading.statuses)
        notes.append(f"Read as Inactive: {words}.")
    notes += _about_known(plan)
    notes += _about_rows(reading)
    delimiter, added = choices.delimiter, [new for new in plan.new if new.row]
    if delimiter and added and all(len(new.tiers) == 1 for new in plan.new):
        notes.append(f"No code contains “{delimiter}”, so all are of the first tier. Is another delimiter meant?")
    if not (reading.entries or reading.problems or reading.headings):
        notes.append("There are no codes below the heading, so there is nothing to import.")
    elif not plan.does_something and not plan.problems and not plan.differing:
        notes.append("Nothing would change: all of it is in the list already.")
    return notes


def _about_rows(reading: Reading) -> list[str]:
    """What is said of many rows, once."""
    rows: dict[str, list[int]] = {}
    for row, _, sentence in reading.notes:
        rows.setdefault(sentence, []).append(row)
    return [f"{sentence} Rows: {few(of_it)}." for sentence, of_it in list(rows.items())[:KINDS]]


def _about_known(plan: Plan) -> list[str]:
    """How many codes are in the list already, and what becomes of them."""
    counts = (
        (len(plan.changes), "would be changed"),
        (len(plan.differing), "differing from it and left alone"),
        (len(plan.unchanged), "as in the file"),
    )
    return [f"In the list already, {what}: {count:,} code{'s' * (count > 1)}." for count, what in counts if count]


def _about_columns(grid: Grid, layout: Layout, choices: Choices) -> list[str]:
    missing = [LABELS[meaning] for meaning in ("code", "description") if meaning not in layout.columns]
    if layout.tiers and "code" not in layout.columns:
        missing = missing[1:]
    notes = [f"Choose the column of “{label}”." for label in missing]
    match division_is(below(grid.rows, layout.heading), layout.columns, choices.delimiter):
        case "name":
            notes.append("The column Division names the divisions.")
        case "part" | "numbered" if choices.delimiter:
            notes.append("The column Division is the first part of the code.")
    return notes


def column_names(layout: Layout) -> list[str]:
    """What the drop-downs call the columns; two that are called the same are told apart by their letter."""
    twice = {title for title in layout.titles if layout.titles.count(title) > 1}
    return [f"{title} ({letters(at)})" if title in twice else title for at, title in enumerate(layout.titles)]
