"""Divisions: which rows are one, and what the list calls those that no row is.

Offices name a division in many ways: by a row of zeros (03 00 00), by a text above its codes, by a column beside them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import cached_property

from wbs.codes import code_key
from wbs.lists.entries import Entry, Heading, Reading
from wbs.lists.rows import Problem

Tiers = tuple[str, ...]
ZEROS = re.compile(r"00+")  # a single 0 is a number like others


class Divisions:
    """The entries of a reading, group rows turned into their divisions, and the names that the list has for others."""

    def __init__(self, reading: Reading, delimiter: str, known: Container[str], *, keeps_group_rows: bool) -> None:
        self.delimiter, self.known = delimiter, known
        self.names: dict[str, str] = {}  # by the key of the division, the best that was found
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self.group_rows: list[int] = []
        self._read = reading.entries
        self.entries = self._settled(reading.entries, keeps_group_rows) if delimiter else reading.entries
        if delimiter:
            self._name_by_headings(reading)
            self._name_by_column(reading.division_names)
            self._name_by_zeros(self.entries)
        else:
            self.problems += [_nothing_below(heading) for _, heading in reading.headings]

    @cached_property
    def _keys(self) -> set[str]:
        """Of all codes that have a row."""
        return {self._key(entry.tiers) for entry in self._read}

    def _key(self, tiers: Tiers) -> str:
        return code_key(self.delimiter.join(tiers))

    def _name(self, tiers: Tiers, name: str) -> None:
        self.names.setdefault(self._key(tiers), name)

    # Group rows: the last tiers are zeros, and other codes lie below what is left

    def _settled(self, entries: Sequence[Entry], keeps_group_rows: bool) -> list[Entry]:
        zeros = {at: core for at, entry in enumerate(entries) if (core := _core(entry.tiers))}
        if not zeros:
            return list(entries)
        peopled = self._peopled(entries)
        settled = list(entries)
        for at, core in zeros.items():
            entry = entries[at]
            if self._is_group(entry, core, peopled):
                self.group_rows.append(entry.row)
                self._name(core, entry.description)
                if not keeps_group_rows:
                    settled[at] = entry._replace(tiers=core)
        return settled

    def _peopled(self, entries: Iterable[Entry]) -> Mapping[str, int]:
        """How many codes lie below each division."""
        counts: dict[str, int] = {}
        for entry in entries:
            for depth in range(1, len(entry.tiers)):
                key = self._key(entry.tiers[:depth])
                counts[key] = counts.get(key, 0) + 1
        return counts

    def _is_group(self, entry: Entry, core: Tiers, peopled: Mapping[str, int]) -> bool:
        key, own = self._key(core), self._key(entry.tiers)
        if key in self._keys or own in self.known:
            return False
        return peopled.get(key, 0) > 1 or key in self.known

    # Names

    def _name_by_headings(self, reading: Reading) -> None:
        """A text names the division that all codes below it have in common, up to the next such text."""
        stretches: list[tuple[int, list[Heading]]] = []
        for at, heading in reading.headings:
            if stretches and stretches[-1][0] == at:
                stretches[-1][1].append(heading)
            else:
                stretches.append((at, [heading]))
        ends = [*(at for at, _ in stretches[1:]), len(self.entries)]
        for (start, headings), end in zip(stretches, ends[-len(stretches) :], strict=False):
            if start == end:
                self.problems += map(_nothing_below, headings)
                continue
            named = self._name_stretch(headings, start, end)
            for heading in headings:
                what = named.get(heading.row, "")
                told = f"It names the division {what}." if what else "It is no code and names no division: passed over."
                self.notes.append(Problem(heading.row, heading.text[:60], told))

    def _name_stretch(self, headings: list[Heading], start: int, end: int) -> dict[int, str]:
        """Give the texts above some codes to the divisions that those have in common; what each names, by its row."""
        codes = [entry.tiers for entry in self.entries[start:end]]
        common = _common([tiers[:-1] or tiers for tiers in codes])
        if len(headings) == len(common) == 1 and start and self.entries[start - 1].tiers[:1] == common:
            return {}  # between codes of one division: the rest of a text, or the heading of another page
        nameless = [common[:depth] for depth in range(1, len(common) + 1) if self._is_nameless(common[:depth])]
        if not common and headings[-1].is_merged:
            nameless = [top for top in dict.fromkeys(tiers[:1] for tiers in codes) if self._is_nameless(top)]
            headings = headings[-1:] * len(nameless)
        named: dict[int, str] = {}
        for heading, division in zip(headings[-len(nameless) :] if nameless else (), nameless, strict=False):
            self._name(division, heading.text)
            named[heading.row] = self.delimiter.join(division)
        return named

    def _is_nameless(self, division: Tiers) -> bool:
        key = self._key(division)
        return key not in self.names and key not in self._keys

    def _name_by_column(self, names: Iterable[tuple[Tiers, str]]) -> None:
        for tiers, name in names:
            if len(tiers) > 1:
                self._name(tiers[:1], name)

    def _name_by_zeros(self, entries: Iterable[Entry]) -> None:
        """031100 Concrete forming is a code where nothing else lies below 03-11, and the best name for that."""
        for entry in entries:
            if core := _core(entry.tiers):
                self._name(core, entry.description)


def _core(tiers: Tiers) -> Tiers:
    """The tiers before those of zeros alone at the end; empty when there are none, or nothing else."""
    depth = len(tiers)
    while depth and ZEROS.fullmatch(tiers[depth - 1]):
        depth -= 1
    return tiers[:depth] if depth < len(tiers) else ()


def _common(codes: Sequence[Tiers]) -> Tiers:
    """The tiers with which all begin."""
    first, last = min(codes), max(codes)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[: min(len(first), len(last)) if same is None else same]


def _nothing_below(heading: Heading) -> Problem:
    what = "It is no code" if heading.is_code else "The code is blank"
    return Problem(heading.row, heading.text[:60], f"{what}, and no codes stand below this text.")
