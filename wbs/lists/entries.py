"""What the rows of a list say, read through its layout: codes with their tiers, descriptions, statuses and accounts.

Only the file is looked at here; what is in the list already is for `checking`. A row that says no code is a problem of
that row, or names the division of the codes below it (`divisions`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wbs.codes import (
    ELSEWHERE,
    MAX_FULL_CODE,
    MAX_TIERS,
    clean,
    code_key,
    code_problem,
    description_problem,
    full_code_problem,
)
from wbs.lists.accounts import Chart
from wbs.lists.bounds import MAX_CELL, Tell, silent
from wbs.lists.cells import DATE, ERROR, FORMULA, GUARDED, MERGED, NUMBER, UNSHOWN
from wbs.lists.choices import Choices
from wbs.lists.cleaning import Cleaning
from wbs.lists.damage import BROKEN_CELL, DIVISION_WORD, damage_of, is_total, no_code
from wbs.lists.grids import Grid, kind, shown
from wbs.lists.headings import CODE, DESCRIPTION, DIVISION, EXPENSE, INCOME, STATUS, is_heading_again
from wbs.lists.layout import NAME, NUMBERED, PART, Layout, begins_with, below, division_is, lengths_of, numbered
from wbs.lists.rows import Problem
from wbs.lists.statuses import is_active_of

Accounts = tuple[tuple[int, int | None, int | None], ...]  # of each connection: its id, income and expense account


class Entry(NamedTuple):
    """A row that is a code."""

    row: int
    tiers: tuple[str, ...]
    description: str
    is_active: bool | None = None  # None: the row does not say
    accounts: Accounts = ()


class Heading(NamedTuple):
    """A row that is no code, but a text above codes."""

    row: int
    text: str
    is_merged: bool = False  # so that it is meant for all that stands below
    is_code: bool = False  # it stands in the column of codes


@dataclass
class Reading:
    """What all rows come to, and what is to be said of them."""

    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)  # about rows that come in all the same
    headings: list[tuple[int, Heading]] = field(default_factory=list)  # each with how many entries are above it
    division_names: list[tuple[tuple[str, ...], str]] = field(default_factory=list)  # from a column
    cleaned: dict[str, list[Any]] = field(default_factory=dict)  # kind -> [how many, before, after]
    dates: int = 0  # codes that look like the work of a spreadsheet
    without_accounts: int = 0  # rows whose accounts cannot be found
    statuses: Counter[str] = field(default_factory=Counter)  # words that are read as Inactive


AccountColumns = Sequence[tuple[int, Chart, int | None, int | None]]  # connection, its chart, income and expense column


def read_entries(
    grid: Grid,
    layout: Layout,
    choices: Choices,
    accounts: AccountColumns = (),
    known: Container[str] = (),
    tell: Tell = silent,
) -> Reading:
    """Read every row below the heading. `tell` hears how many are done.

    `known` are the keys of codes that are in the list: nobody doubts that those are codes.
    """
    reader = _Reader(grid, layout, choices, accounts, known)
    for number, row in enumerate(below(grid.rows, layout.heading)):
        tell(number)
        reader.read(row)
    reader.reading.problems += [Problem(*problem) for problem in grid.problems]
    reader.reading.cleaned = reader.cleaning.found
    return reader.reading


class _Broken(Exception):
    """The row cannot come in; says why."""


class _Reader:
    def __init__(
        self, grid: Grid, layout: Layout, choices: Choices, accounts: AccountColumns, known: Container[str]
    ) -> None:
        self.reading, self.layout, self.choices, self.accounts = Reading(), layout, choices, accounts
        self.known = known
        self.cleaning = Cleaning(choices.cleans, choices.delimiter)
        self.is_csv = not grid.sheets
        self.width = layout.width if self.is_csv else 0
        at = layout.columns
        self.code, self.description, self.status = at.get(CODE), at.get(DESCRIPTION), at.get(STATUS)
        self.tiers = layout.tiers
        self.division = at.get(DIVISION)
        self.division_is = division_is(below(grid.rows, layout.heading), at, choices.delimiter)
        self.part_above = ""  # the last division that a row named
        self.lengths = lengths_of(layout.pattern) if choices.delimiter else ()

    def read(self, row: list[Any]) -> None:
        number, reading = row[0], self.reading
        told = ""
        try:
            self._refuse_surplus(row)
            tiers, told = self._code(row)
            description = self._description(row)
            if is_heading_again(told, description):
                self._note(number, told, "It is the heading again, and was passed over.")
            elif self._is_heading(row, tiers, told, description):
                is_merged = kind(self._cell(row, self.code)) == MERGED
                heading = Heading(number, description or told, is_merged, bool(tiers))
                reading.headings.append((len(reading.entries), heading))
            elif tiers or description or self._says_something(row):
                reading.entries.append(self._entry(row, tiers, told, description))
        except _Broken as broken:
            reading.problems.append(Problem(number, told or self._as_shown(row), str(broken)))

    def _refuse_surplus(self, row: list[Any]) -> None:
        if self.width and len(row) > self.width + 1:
            surplus = [cell for cell in row[self.width + 1 :] if shown(cell).strip()]
            if surplus:
                filled = sum(bool(shown(cell).strip()) for cell in row[1:])
                raise _Broken(
                    f"It has {filled} filled cells, the heading names {self.width}: “{shown(surplus[0]).strip()}” is "
                    "too many. Is a comma in a text without quotation marks around it?"
                )

    def _cell(self, row: list[Any], at: int | None) -> Any:
        return row[at + 1] if at is not None and len(row) > at + 1 else ""

    def _as_shown(self, row: list[Any]) -> str:
        """The code as the file has it, for a problem."""
        cells = [shown(self._cell(row, at)) for at in (*self.tiers, self.code) if at is not None]
        return clean(" ".join(filter(None, cells)))[:MAX_FULL_CODE]

    # Codes

    def _code(self, row: list[Any]) -> tuple[tuple[str, ...], str]:
        """The tiers of the row's code, and the code as it is told; none for a row without one."""
        if self.tiers:
            parts = [self._part(row, at) for at in self.tiers]
            while parts and not parts[-1]:
                parts.pop()
            if self.code is not None and (code := self._part(row, self.code)):
                if parts and begins_with(code, parts[0]):
                    return self._split(code), code
                parts.append(code)
            if len(parts) > 1 and all(map(self._is_below, parts[1:], parts)):  # each is whole: 01, 01-10, 01-10-100
                return self._split(parts[-1]), parts[-1]
            if "" in parts:
                raise _Broken(f"Tier {parts.index('') + 1} is blank, and a tier below it is not.")
            return tuple(parts), self.choices.delimiter.join(parts)
        code = self._part(row, self.code)
        if self.division_is in (PART, NUMBERED) and (part := self._division(row, code)):
            if not code:
                return self._split(part), part
            if not begins_with(code, part):
                return (*self._split(part), *self._split(code)), self.choices.delimiter.join((part, code))
        return (self._split(code), code) if code else ((), "")

    def _is_below(self, part: str, above: str) -> bool:
        delimiter = self.choices.delimiter
        return bool(delimiter and above) and part.startswith(above + delimiter)

    def _division(self, row: list[Any], code: str) -> str:
        """The part of the code that stands in the column Division; a blank one is that of the row above."""
        part = self._part(row, self.division)
        if self.division_is == NUMBERED and (both := numbered(part)):
            part = both[0]
            self.reading.division_names.append(((part, ""), both[1]))
        if part:
            self.part_above = part
        elif code and self.part_above:
            part = self.part_above
            self._note(row[0], code, f"Its division is blank; {part} is taken from the rows above.")
        return part

    def _part(self, row: list[Any], at: int | None) -> str:
        """A cell that is a code, or a part of one, as a text."""
        cell = self._cell(row, at)
        if not isinstance(cell, str):
            if cell[0] == GUARDED:
                return clean(cell[1])
            cell = self._special(row[0], cell, "code")
        if len(cell) > MAX_CELL:
            raise _Broken(f"The code has {len(cell):,} characters, which is far too long. Shorten it.")
        text = clean(cell)
        code = self.cleaning.code(text) if text else ""
        if self.is_csv and code.startswith("="):
            raise _Broken(f"“{code[:80]}” is a formula, and no code. Write the code itself.{self._how_to_clean(code)}")
        return code

    def _special(self, number: int, cell: list[str], noun: str) -> str:
        """The text of a cell that is not just one. What cannot be taken is refused, what is doubtful noted."""
        what, text, held = cell
        if what == DATE:
            raise _Broken(
                f"A spreadsheet made a date of this {noun}. It shows “{text}” and holds {held}. Format the column as "
                "text and write it again."
            )
        if what == UNSHOWN:
            raise _Broken(f"The {noun} shows “{text}” and holds {held}. Write it as text, as it is meant to be seen.")
        if what == ERROR:
            raise _Broken(f"The {noun} was broken by a spreadsheet: {text}. Write it again.")
        if what == FORMULA and not text:
            raise _Broken(
                f"The {noun} is a formula that was never calculated, so it is blank. Open the file in a spreadsheet, "
                "save it, and choose it again."
            )
        if what == FORMULA:
            self._note(number, text, f"The {noun} is a formula; its value is taken.")
        elif what == NUMBER and noun == "code" and text == held:
            self._note(number, text, "The code is a number: a spreadsheet may have taken zeros from its ends.")
        return text

    def _note(self, row: int, code: str, sentence: str) -> None:
        self.reading.notes.append(Problem(row, code, sentence))

    def _split(self, code: str) -> tuple[str, ...]:
        delimiter = self.choices.delimiter
        if not delimiter:
            return (code,)
        if delimiter in code or not self.lengths or not any(map(str.isdigit, code)):
            return tuple(clean(tier) for tier in code.split(delimiter))
        if sum(self.lengths) != len(code):
            raise _Broken(
                f"It has {len(code)} characters; the pattern {self.layout.pattern} wants {sum(self.lengths)}. Change "
                "the code or “Tier Pattern”."
            )
        starts = [sum(self.lengths[:at]) for at in range(len(self.lengths))]
        return tuple(code[start : start + length] for start, length in zip(starts, self.lengths, strict=True))

    # The rest of the row

    def _description(self, row: list[Any]) -> str:
        cell = self._cell(row, self.description)
        if not isinstance(cell, str):
            cell = self._special(row[0], cell, "description")
        if len(cell) > MAX_CELL:
            raise _Broken(f"The description has {len(cell):,} characters, which is far too long. Shorten it.")
        text = clean(cell)
        if text != cell:
            self._note(row[0], text[:60], "Blanks at the ends were trimmed.")
        return self.cleaning.text(text)

    def _is_heading(self, row: list[Any], tiers: tuple[str, ...], code: str, description: str) -> bool:
        """Whether the row is a text above codes: in the column of descriptions, or in that of codes."""
        if is_total(code or description):
            raise _Broken(f"“{(code or description)[:80]}” is a total, and no code. It stays out.")
        if not tiers:
            return bool(description)
        if description or self.code is None:
            return False
        if kind(self._cell(row, self.code)) == MERGED or DIVISION_WORD.match(code):
            return True
        return " " in code and not any(map(str.isdigit, code)) and not self._says_something(row)

    def _says_something(self, row: list[Any]) -> bool:
        columns = [self.status, *(at for _, _, *pair in self.accounts for at in pair)]
        return any(shown(self._cell(row, at)).strip() for at in columns)

    def _entry(self, row: list[Any], tiers: tuple[str, ...], code: str, description: str) -> Entry:
        if sentence := self._problem(tiers, code, description):
            raise _Broken(sentence)
        is_active = self._status(row)
        accounts = tuple(filter(None, (self._accounts(row, code, *each) for each in self.accounts)))
        if self.division_is == NAME and (name := clean(shown(self._cell(row, self.division)))):
            self.reading.division_names.append((tiers, name))
        return Entry(row[0], tiers, description, is_active, accounts)

    def _status(self, row: list[Any]) -> bool | None:
        word = clean(shown(self._cell(row, self.status)))
        if not word:
            return None
        is_active = is_active_of(word, is_opposite=self.layout.is_status_opposite)
        if is_active is None:
            raise _Broken(
                f"The status is “{word[:60]}”; it may be Active or Inactive. Write one of them, or choose None for "
                "“Status”."
            )
        if not is_active and word.casefold() != "inactive":
            self.reading.statuses[word] += 1
        return is_active

    def _problem(self, tiers: tuple[str, ...], code: str, description: str) -> str:
        """Why such a row cannot come in; empty when it can."""
        delimiter = self.choices.delimiter
        if not tiers:
            return "The code is blank."
        if (sentence := no_code(code) or self._doubt(code)) and code_key(delimiter.join(tiers)) not in self.known:
            return sentence
        if len(tiers) > MAX_TIERS:
            return f"It has {len(tiers)} tiers; {MAX_TIERS} are possible."
        if not all(tiers):
            return f"A tier is empty: “{delimiter}” stands at an end, or twice in a row."
        if sentence := next(filter(None, map(self._tier_problem, tiers)), ""):
            return sentence + self._how_to_clean(code)
        if not description:
            return "The description is blank."
        if BROKEN_CELL.fullmatch(description):
            return f"The description was broken by a spreadsheet: {description}. Write it again."
        if sentence := description_problem(description):
            return sentence + self._how_to_clean(description, is_code=False)
        return full_code_problem(delimiter.join(tiers))

    def _tier_problem(self, tier: str) -> str:
        delimiter = self.choices.delimiter
        if delimiter and delimiter in tier:
            return f"“{tier}” contains “{delimiter}”, which joins the tiers. Choose another column or delimiter."
        return code_problem(tier, delimiter).removesuffix(f" {ELSEWHERE}")  # a list has no such field

    def _doubt(self, code: str) -> str:
        """What looks like the work of a spreadsheet and was not accepted."""
        became = damage_of(code, self.choices.delimiter)
        if not became:
            return ""
        self.reading.dates += 1
        if self.choices.takes_dates:
            return ""
        return f"A spreadsheet made {became} of this code. If “{code}” is the code, tick “These are codes”."

    def _how_to_clean(self, text: str, *, is_code: bool = True) -> str:
        after = self.cleaning.after(text, is_code=is_code)
        return f" “Clean” makes “{after}” of it." if after != text else ""

    def _accounts(
        self, row: list[Any], code: str, connection: int, chart: Chart, income: int | None, expense: int | None
    ) -> tuple[int, int | None, int | None] | None:
        """The accounts that a row names for one connection; None when it names none."""
        cells = ((INCOME, income), (EXPENSE, expense))
        named = [chart.find(clean(shown(self._cell(row, at))), f"{field_name}_account") for field_name, at in cells]
        if problems := [each.problem for each in named if each.problem]:
            self.reading.without_accounts += len(problems)
            if not self.choices.drops_accounts:
                raise _Broken(" ".join(problems))
            self._note(row[0], code, f"{' '.join(problems)} It comes in without.")
        found = [each.account.pk if each.account else None for each in named]
        return (connection, found[0], found[1]) if any(found) else None
