"""Checking a list of codes, from whatever file, against what is there. No request, no database, no file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from wbs.codes import MAX_TIERS, clean, code_problem, description_problem, fold, full_code_problem
from wbs.lists.rows import Problem, Row, Sheet, Tell, few, silent

SHOWN = 500  # problems, and divisions whose description can be edited, on one page

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)"


@dataclass(frozen=True)
class Damage:
    """What a spreadsheet makes of a code that it takes for a number or a date."""

    pattern: re.Pattern[str]
    became: str
    unless_joined_with: str = ""  # with this delimiter it may well be a code of three tiers


DAMAGES = (
    Damage(re.compile(rf"\d{{1,2}}[- ]{_MONTH}(?:[- ]\d{{2,4}})?", re.IGNORECASE), "a date"),  # 10-Jan
    Damage(re.compile(rf"{_MONTH}[- ]\d{{2,4}}", re.IGNORECASE), "a date"),  # Jan-10
    Damage(re.compile(r"\d{1,2}/\d{1,2}/(?:19|20)?\d{2}"), "a date", "/"),  # 1/2/2026
    Damage(re.compile(r"\d{1,2}\.\d{1,2}\.(?:19|20)\d{2}"), "a date", "."),  # 1.2.2026
    Damage(re.compile(r"(?:19|20)\d{2}-\d{2}-\d{2}"), "a date", "-"),  # 2026-02-01
    Damage(re.compile(r"(?:19|20)\d{2}-\d{2}-\d{2} 00:00(?::00)?"), "a date"),
    Damage(re.compile(r"\d+(?:[.,]\d+)?E\+\d+|\d+[.,]\d+E-\d+"), "a rounded number"),  # 1.00E+05
)
BROKEN_CELL = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|SPILL!|CALC!|#+)", re.IGNORECASE)


# Checking


@dataclass(frozen=True)
class NewCode:
    tiers: tuple[str, ...]
    description: str
    is_active: bool = True
    row: int = 0  # 0: a division that no row names


@dataclass(frozen=True)
class Known:
    """An item that is in the list already."""

    full_code: str
    closed: str = ""  # why nothing may be put under it, as a sentence; empty when something may


@dataclass(frozen=True)
class Choices:
    """What someone chose beside the file."""

    delimiter: str = ""
    creates_divisions: bool = True
    names: dict[str, str] = field(default_factory=dict)  # what was typed as description of a division, by folded code

    as_data = asdict

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Choices:
        return cls(**data)


@dataclass(frozen=True)
class Division:
    """A missing division, with the description that it gets, or with what was typed and will not do."""

    code: str
    key: str
    description: str
    problem: str = ""


@dataclass(frozen=True)
class Report:
    """A check in short: how much, and the first of each kind."""

    good: int = 0
    division_count: int = 0
    problem_count: int = 0
    divisions: list[Division] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    fingerprint: str = ""
    why_not: str = ""  # why nothing can be imported before something is mended
    trouble: str = ""  # why the file could not be read at all
    warning_count: int = 0
    warnings: list[Problem] = field(default_factory=list)  # what ERPs would refuse; imported all the same

    as_data = asdict

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Report:
        lists = {
            "divisions": [Division(**each) for each in data["divisions"]],
            "problems": [Problem(**each) for each in data["problems"]],
            "warnings": [Problem(**each) for each in data.get("warnings", ())],
        }
        return cls(**{**data, **lists})


@dataclass(frozen=True)
class Check:
    """What an import would do: `good` rows and missing `divisions` are added, the rest stays out."""

    good: list[NewCode]
    divisions: list[NewCode]
    problems: list[Problem]
    notes: list[str]
    warnings: list[Problem] = field(default_factory=list)  # of good rows and divisions: what ERPs would refuse

    def report(self, choices: Choices) -> Report:
        divisions = []
        for new in self.divisions:
            code = choices.delimiter.join(new.tiers)
            typed = choices.names.get(fold(code), new.description)
            divisions.append(Division(code, fold(code), typed, description_problem(clean(typed))))
        is_mended = not any(division.problem for division in divisions)
        return Report(
            len(self.good),
            len(divisions),
            len(self.problems),
            divisions[:SHOWN],
            self.problems[:SHOWN],
            self.notes,
            self.fingerprint,
            "" if is_mended else "See the descriptions of the missing divisions.",
            warning_count=len(self.warnings),
            warnings=self.warnings[:SHOWN],
        )

    @property
    def fingerprint(self) -> str:
        """The same as long as an import would do the same."""
        told = [[division.tiers for division in self.divisions], [(p.row, p.sentence) for p in self.problems]]
        return hashlib.sha256(repr((len(self.good), told)).encode()).hexdigest()


def check(
    sheet: Sheet,
    delimiter: str,
    known: Mapping[str, Known],
    *,
    creates_divisions: bool = True,
    division_names: Mapping[str, str] | None = None,
    tell: Tell = silent,
) -> Check:
    """Judge each row against the rules, the other rows and the list. `known` and `division_names` are by folded code.

    `delimiter` joins the tiers; empty means flat.
    """
    problems = list(sheet.problems)
    first_rows: dict[str, int] = {}
    sound: list[NewCode] = []
    for number, row in enumerate(sheet.rows):
        tell(number)
        code = _tiers(row.code, delimiter)
        key = fold(delimiter.join(code))
        if sentence := _row_problem(row, code, delimiter):
            problems.append(Problem(row.number, clean(row.code), sentence))
        elif key in known:
            problems.append(Problem(row.number, clean(row.code), f"{known[key].full_code} is in the list already."))
        elif key in first_rows:
            problems.append(Problem(row.number, clean(row.code), f"Row {first_rows[key]} has the same code."))
        else:
            first_rows[key] = row.number
            sound.append(NewCode(code, clean(row.description), fold(row.status) != "inactive", row.number))
    tree = _Tree(delimiter, known, creates_divisions, division_names or {})
    for new in sorted(sound, key=lambda new: len(new.tiers)):  # parents first, whatever their order in the file
        if sentence := tree.add(new):
            problems.append(Problem(new.row, delimiter.join(new.tiers), sentence))
    good = sorted((new for new in tree.added.values() if new.row), key=lambda new: new.row)
    divisions = [new for new in tree.added.values() if not new.row]
    problems.sort(key=lambda problem: problem.row)
    return Check(good, divisions, problems, [*sheet.notes, *_notes(sheet, delimiter, good)])


class _Tree:
    """The list as it would be after the import."""

    def __init__(
        self, delimiter: str, known: Mapping[str, Known], creates_divisions: bool, names: Mapping[str, str]
    ) -> None:
        self.delimiter, self.known, self.creates_divisions, self.names = delimiter, known, creates_divisions, names
        self.added: dict[str, NewCode] = {}

    def add(self, new: NewCode) -> str:
        """Put the code into its place, with the divisions that it lacks; or say why that cannot be."""
        missing: list[NewCode] = []
        for depth in range(len(new.tiers) - 1, 0, -1):
            division = self.delimiter.join(new.tiers[:depth])
            key = fold(division)
            if item := self.known.get(key):
                if item.closed:
                    return item.closed
                break
            if key in self.added:
                break
            missing.append(NewCode(new.tiers[:depth], clean(self.names.get(key, "")) or f"Division {division}"))
        if missing and not self.creates_divisions:
            division = self.delimiter.join(missing[0].tiers)
            return f"Its division {division} is not in the list. Add it, or tick “Create missing divisions”."
        for code in [*reversed(missing), new]:
            self.added[fold(self.delimiter.join(code.tiers))] = code
        return ""


def _tiers(code: str, delimiter: str) -> tuple[str, ...]:
    return tuple(clean(tier) for tier in clean(code).split(delimiter)) if delimiter else (clean(code),)


def _row_problem(row: Row, tiers: tuple[str, ...], delimiter: str) -> str:
    code, description = clean(row.code), clean(row.description)
    if not code:
        return "The code is blank."
    if sentence := _damage(code, delimiter):
        return sentence
    if len(tiers) > MAX_TIERS:
        return f"It has {len(tiers)} tiers; {MAX_TIERS} are possible."
    if not all(tiers):
        return f"A tier is empty: “{delimiter}” stands at an end, or twice in a row."
    if sentence := next(filter(None, (code_problem(tier, delimiter) for tier in tiers)), ""):
        return sentence
    if not description:
        return "The description is blank."
    if BROKEN_CELL.fullmatch(description):
        return f"The description was broken by a spreadsheet: {description}."
    if fold(row.status) not in {"", "active", "inactive"}:
        return f"The status is “{clean(row.status)}”; it may be Active or Inactive."
    return full_code_problem(delimiter.join(tiers)) or description_problem(description)


def _damage(code: str, delimiter: str) -> str:
    if BROKEN_CELL.fullmatch(code):
        return f"The code was broken by a spreadsheet: {code}."
    for damage in DAMAGES:
        if damage.pattern.fullmatch(code) and not (delimiter and delimiter == damage.unless_joined_with):
            return f"A spreadsheet made {damage.became} of this code. Format the column as text and write it again."
    return ""


def _notes(sheet: Sheet, delimiter: str, good: list[NewCode]) -> list[str]:
    notes = []
    if trimmed := [row.number for row in sheet.rows if _is_padded(row.code) or _is_padded(row.description)]:
        notes.append(f"Blanks at the ends were trimmed. Rows: {few(trimmed)}.")
    if delimiter and good and all(len(new.tiers) == 1 for new in good):
        notes.append(f"No code contains “{delimiter}”, so all are of the first tier. Is another delimiter meant?")
    return notes


def _is_padded(cell: str) -> bool:
    return cell != cell.strip()
