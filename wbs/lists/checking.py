"""Checking the codes of a file against the list that is there: what is new, what would change, what stays out.

No request, no database, no file. What comes out is a `Plan`: an import does exactly what it says, or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wbs.codes import clean, code_key, description_problem, fold, order_key
from wbs.lists.choices import REPORT, SKIP, UPDATE, Choices
from wbs.lists.divisions import Divisions
from wbs.lists.entries import Accounts, Entry, Reading
from wbs.lists.rows import Problem

Tiers = tuple[str, ...]
Labels = Mapping[int, str]  # of accounts, as people read them


class NewCode(NamedTuple):
    tiers: Tiers
    description: str
    is_active: bool = True
    row: int = 0  # 0: a division that no row names
    accounts: Accounts = ()


class Known(NamedTuple):
    """An item that is in the list already."""

    full_code: str
    closed: str = ""  # why nothing may be put under it, as a sentence; empty when something may
    pk: int = 0
    description: str = ""
    is_active: bool = True
    version: int = 1
    locked: str = ""  # why description and status may not change, as a sentence
    is_synced: bool = False  # so that a new description shows as "Changed since export"
    accounts: Accounts = ()


class Change(NamedTuple):
    """A code that is in the list already, and what a row says of it otherwise; None: the same."""

    row: int
    full_code: str
    pk: int
    version: int
    description: tuple[str, str] | None = None  # old and new, here and below
    is_active: tuple[bool, bool] | None = None
    accounts: Accounts = ()  # the new ones, of the connections where they differ
    words: str = ""  # the differences for people, "Description: “old” → “new”"
    note: str = ""  # what comes of it

    def as_update(self) -> dict[str, Any]:
        """What the item gets."""
        return {name: pair[1] for name in ("description", "is_active") if (pair := getattr(self, name))}


@dataclass
class Plan:
    """What an import would do: add the `new` codes, with those divisions that no row names, and make the `changes`."""

    new: list[NewCode] = field(default_factory=list)  # in the order of the tree
    changes: list[Change] = field(default_factory=list)
    differing: list[Change] = field(default_factory=list)  # what would change, was it not left alone
    unchanged: list[Problem] = field(default_factory=list)  # rows that are in the list as they stand
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    delimiter: str = ""
    group_rows: list[int] = field(default_factory=list)  # rows of zeros, which name their division

    @property
    def good(self) -> int:
        return sum(1 for new in self.new if new.row)

    def code(self, new: NewCode) -> str:
        return self.delimiter.join(new.tiers)

    def division_names(self) -> dict[str, str]:
        """How divisions that no row names are called, by the keys of their codes."""
        return {code_key(self.code(new)): new.description for new in self.new if not new.row}

    def name_divisions(self, names: Mapping[str, str]) -> None:
        """Call divisions that no row names as they were typed; what will not do is told by `divisions_of`."""
        if names:
            self.new = [new if new.row else self._called(new, names) for new in self.new]

    def _called(self, new: NewCode, names: Mapping[str, str]) -> NewCode:
        typed = clean(names.get(code_key(self.code(new)), ""))
        return new._replace(description=typed) if typed else new

    @property
    def does_something(self) -> bool:
        return bool(self.new or self.changes)

    @property
    def fingerprint(self) -> str:
        """The same as long as an import would do the same to the list; how a division is called aside."""
        told = [(new.row, new.tiers, new.row and new.description, new.is_active, new.accounts) for new in self.new]
        return hashlib.sha256(repr((told, self.changes)).encode()).hexdigest()

    def as_data(self) -> dict[str, Any]:
        """As JSON carries it."""
        lists = ("new", "changes", "differing", "unchanged", "problems", "notes")
        rows = {name: [tuple(each) for each in getattr(self, name)] for name in lists}
        return rows | {"delimiter": self.delimiter, "group_rows": self.group_rows}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Plan:
        return cls(
            new=[
                NewCode(tuple(tiers), text, active, row, _accounts(found) if found else ())
                for tiers, text, active, row, found in data["new"]
            ],
            changes=[_change(each) for each in data["changes"]],
            differing=[_change(each) for each in data["differing"]],
            delimiter=data["delimiter"],
            group_rows=data["group_rows"],
            **{name: [Problem(*each) for each in data[name]] for name in ("unchanged", "problems", "notes")},
        )


def _accounts(data: list[list[Any]]) -> Accounts:
    return tuple((connection, income, expense) for connection, income, expense in data)


def _change(data: list[Any]) -> Change:
    change = Change(*data)
    return change._replace(
        description=change.description and (change.description[0], change.description[1]),
        is_active=change.is_active and (change.is_active[0], change.is_active[1]),
        accounts=_accounts(data[6]),
    )


def check(reading: Reading, choices: Choices, known: Mapping[str, Known], labels: Labels | None = None) -> Plan:
    """Judge what was read against the other rows and the list. `known` is by the keys of codes."""
    return _Check(reading, choices, known, labels or {}).plan


class _Check:
    def __init__(self, reading: Reading, choices: Choices, known: Mapping[str, Known], labels: Labels) -> None:
        self.choices, self.known, self.labels, self.delimiter = choices, known, labels, choices.delimiter
        divisions = Divisions(reading, self.delimiter, known, keeps_group_rows=choices.keeps_group_rows)
        self.plan = Plan(problems=[*reading.problems, *divisions.problems], notes=[*reading.notes, *divisions.notes])
        self.plan.group_rows = divisions.group_rows
        typed = {key: clean(name) for key, name in choices.names.items()}
        self.tree = _Tree(self.delimiter, known, choices.creates_divisions, divisions.names | typed)
        sound = self._without_doubles(divisions.entries)
        for key, entry in sorted(sound.items(), key=_depth):  # parents first, whatever their order in the file
            if sentence := self.tree.add(_new(entry), key):
                self._tell(entry, sentence)
        added = self.tree.added
        self.plan.new = sorted(added.values(), key=lambda new: order_key(new.tiers))
        self.plan.delimiter = self.delimiter
        for told in (self.plan.problems, self.plan.notes):
            told.sort(key=lambda each: each.row)

    def _tell(self, entry: Entry, sentence: str) -> None:
        self.plan.problems.append(Problem(entry.row, self.delimiter.join(entry.tiers), sentence))

    def _without_doubles(self, entries: list[Entry]) -> dict[str, Entry]:
        """The codes that are new, by key; of several rows with one code the first."""
        first: dict[str, Entry] = {}
        for entry in entries:
            code = self.delimiter.join(entry.tiers)
            key = self._key(code)
            if found := first.get(key):
                other = self.delimiter.join(found.tiers)
                alike = "" if other == code else f", {other}"
                self._tell(entry, f"Row {found.row} has the same code{alike}.")
                continue
            first[key] = entry
            if known := self.known.get(key):
                self._compare(entry, code, known)
        return {key: entry for key, entry in first.items() if key not in self.known} if self.known else first

    def _key(self, code: str) -> str:
        """The key of what the code reads like; where the list has two of those, of the one that is spelled so."""
        spelled = fold(code)
        return spelled if spelled in self.known else code_key(code)

    # What is in the list already

    def _compare(self, entry: Entry, code: str, known: Known) -> None:
        change = self._difference(entry, known)
        if change is None:
            alike = "" if known.full_code == code else f" as {known.full_code}"
            self.plan.unchanged.append(
                Problem(entry.row, code, f"It is in the list already{alike}, as it stands here.")
            )
        elif self.choices.existing == UPDATE and known.locked and (change.description or change.is_active):
            self.plan.differing.append(change)
            self._tell(entry, f"{change.words} {known.locked}")
        elif self.choices.existing == UPDATE:
            note = "It becomes “Changed since export”." if known.is_synced and change.description else ""
            self.plan.changes.append(change._replace(note=note))
        else:
            self.plan.differing.append(change)
            if self.choices.existing == SKIP:
                self._tell(entry, f"{known.full_code} is in the list already. It stays as it is. {change.words}")

    def _difference(self, entry: Entry, known: Known) -> Change | None:
        words = []
        description = is_active = None
        if entry.description != known.description:
            description = (known.description, entry.description)
            words.append(f"Description: “{known.description}” → “{entry.description}”.")
        if entry.is_active is not None and entry.is_active != known.is_active:
            is_active = (known.is_active, entry.is_active)
            words.append(f"Status: {_status(known.is_active)} → {_status(entry.is_active)}.")
        accounts, told = self._other_accounts(entry, known)
        words += told
        if not words:
            return None
        return Change(
            entry.row, known.full_code, known.pk, known.version, description, is_active, accounts, " ".join(words)
        )

    def _other_accounts(self, entry: Entry, known: Known) -> tuple[Accounts, list[str]]:
        """The accounts that a row names and the code does not have; a blank cell leaves its account as it is."""
        held = {connection: (income, expense) for connection, income, expense in known.accounts}
        accounts, words = [], []
        for connection, *wanted in entry.accounts:
            old = held.get(connection, (None, None))
            new = tuple(want or had for want, had in zip(wanted, old, strict=True))
            if new != old:
                accounts.append((connection, new[0], new[1]))
            for noun, had, has in zip(("Income", "Expense"), old, new, strict=True):
                if had != has:
                    words.append(f"{noun} account: {self._label(had)} → {self._label(has)}.")
        return tuple(accounts), words

    def _label(self, account: int | None) -> str:
        return self.labels.get(account, "another") if account else "none"


def _depth(keyed: tuple[str, Entry]) -> int:
    return len(keyed[1].tiers)


def _new(entry: Entry) -> NewCode:
    return NewCode(entry.tiers, entry.description, entry.is_active is not False, entry.row, entry.accounts)


def _status(is_active: bool) -> str:
    return "Active" if is_active else "Inactive"


class _Tree:
    """The list as it would be after the import."""

    def __init__(
        self, delimiter: str, known: Mapping[str, Known], creates_divisions: bool, names: Mapping[str, str]
    ) -> None:
        self.delimiter, self.known, self.creates_divisions, self.names = delimiter, known, creates_divisions, names
        self.added: dict[str, NewCode] = {}  # by key
        self.spelled: dict[Tiers, Tiers] = {(): ()}  # of divisions under which something was put: as they are stored

    def add(self, new: NewCode, key: str) -> str:
        """Put the code into its place, with the divisions that it lacks; or say why that cannot be."""
        above = new.tiers[:-1]
        if above not in self.spelled and (why := self._find(above)):
            return why
        self._put(new, key)
        return ""

    def _find(self, division: Tiers) -> str:
        """Know how a division and those above it are spelled, or make them; why not, where that cannot be."""
        missing: list[tuple[Tiers, str]] = []
        for depth in range(len(division), 0, -1):
            tiers = division[:depth]
            key = code_key(self.delimiter.join(tiers))
            if item := self.known.get(key):
                if item.closed:
                    return item.closed
                self.spelled[tiers] = tuple(item.full_code.split(self.delimiter))
                break
            if found := self.added.get(key):
                self.spelled[tiers] = found.tiers
                break
            missing.append((tiers, key))
        if missing and not self.creates_divisions:
            lacking = self.delimiter.join(missing[0][0])
            return f"Its division {lacking} is not in the list. Add it, or tick “Create missing divisions”."
        for tiers, key in reversed(missing):
            name = self.names.get(key, "") or f"Division {self.delimiter.join(tiers)}"
            self.spelled[tiers] = self._put(NewCode(tiers, name), key)
        return ""

    def _put(self, new: NewCode, key: str) -> Tiers:
        """Under its division, whose spelling counts; how it is spelled there."""
        above = self.spelled[new.tiers[:-1]]
        if above != new.tiers[:-1]:
            new = new._replace(tiers=(*above, new.tiers[-1]))
        self.added[key] = new
        return new.tiers


@dataclass(frozen=True)
class Division:
    """A missing division, with the description that it gets, or with what was typed and will not do."""

    code: str
    key: str
    description: str
    problem: str = ""


def divisions_of(plan: Plan, choices: Choices) -> list[Division]:
    """The divisions that an import would create beside the rows, in the order of the tree."""
    found = []
    for new in plan.new:
        if not new.row:
            key = code_key(plan.code(new))
            typed = choices.names.get(key, new.description)
            found.append(Division(plan.code(new), key, typed, description_problem(clean(typed))))
    return found


def why_not(plan: Plan, choices: Choices) -> str:
    """Why nothing can be imported before something is mended; empty when something can."""
    if any(division.problem for division in divisions_of(plan, choices)):
        return "See the descriptions of the missing divisions."
    if choices.existing == REPORT:
        return "“Report only” imports nothing."
    return ""
