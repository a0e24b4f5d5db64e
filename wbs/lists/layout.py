"""Where a list stands in its sheet: which row names the columns, and what each column means.

Everything here is a proposal that the person can change. Plain data in, plain data out (`grids`); it runs in the
process that reads strangers' files, too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from wbs.lists.cells import DATE, MERGED, NUMBER, UNSHOWN
from wbs.lists.grids import cells, kind, shown
from wbs.lists.headings import CODE, DESCRIPTION, DIVISION, OPPOSITE, STATUS, TIERS, matched, plain
from wbs.lists.statuses import is_active_of

HEAD = 60  # rows among which the heading is looked for
SAMPLE = 500  # rows by which a column is judged

CODE_LIKE = re.compile(r"(?=.*\d)[\w.\-/: –—‐‑−]{1,40}")


@dataclass(frozen=True)
class Layout:
    """How a sheet is read. Columns count from 0 on; `heading` is the number of the row, 0 where none names them."""

    heading: int
    columns: dict[str, int]  # by meaning; what is missing has no column
    titles: list[str]  # of all columns, "Column C" where the heading says nothing
    width: int = 0  # columns that the heading has, up to the last that it names
    pattern: str = ""
    is_pattern_proposed: bool = False

    as_data = asdict

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Layout:
        return cls(**data)

    def unused(self, also_used: Collection[int]) -> list[str]:
        """The headings of columns that mean nothing."""
        used = {*self.columns.values(), *also_used}
        return [title for at, title in enumerate(self.titles) if at not in used and not title.startswith("Column ")]

    @property
    def is_status_opposite(self) -> bool:
        at = self.columns.get(STATUS)
        return at is not None and plain(self.titles[at]) in OPPOSITE

    @property
    def tiers(self) -> list[int]:
        """The columns of the tiers, from the top on, as far as they follow each other."""
        return [self.columns[tier] for tier in TIERS if tier in self.columns]


def heading_of(rows: Sequence[Sequence[Any]]) -> int:
    """The number of the first row that names the columns; 0 when none seems to."""
    head = rows[:HEAD]
    for is_heading in (_names_codes_and_texts, _names_something, _may_name):
        for at, row in enumerate(head):
            if is_heading(row, head[at + 1 : at + 4]):
                return int(row[0])
    return 0


def looks_like_list(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a sheet seems to hold a list, by its first rows."""
    if heading_of(rows):
        return True
    return sum(CODE_LIKE.fullmatch(shown(row[1])) is not None and _filled(row) > 1 for row in rows[:HEAD]) > 1


def _names_codes_and_texts(row: Sequence[Any], _: Sequence[Sequence[Any]]) -> bool:
    found = matched(row)
    return DESCRIPTION in found and bool({CODE, TIERS[0], DIVISION} & found.keys())


def _names_something(row: Sequence[Any], below: Sequence[Sequence[Any]]) -> bool:
    found = matched(row)
    if not {CODE, DESCRIPTION, TIERS[0]} & found.keys():
        return False
    is_column = CODE in found and _filled(row) == 1 and any(map(_is_code, cells(below[0]) if below else ()))
    return len(found) > 1 or is_column or _may_name(row, below)


def _may_name(row: Sequence[Any], below: Sequence[Sequence[Any]]) -> bool:
    """Texts without numbers, with rows below that have as much."""
    texts = [shown(cell) for cell in cells(row) if shown(cell).strip()]
    if len(texts) < 2 or any(re.search(r"\d", text) for text in texts):
        return False
    if any(kind(cell) in (NUMBER, DATE, UNSHOWN, MERGED) for cell in cells(row)):
        return False
    return any(_filled(each) > 1 and any(map(_is_code, cells(each))) for each in below)


def _filled(row: Sequence[Any]) -> int:
    return sum(bool(shown(cell).strip()) for cell in cells(row))


def _is_code(cell: Any) -> bool:
    return CODE_LIKE.fullmatch(shown(cell).strip()) is not None


def below(rows: Sequence[list[Any]], heading: int) -> Sequence[list[Any]]:
    """The rows below the heading."""
    if not heading:
        return rows
    return rows[next((at for at, row in enumerate(rows) if row[0] > heading), len(rows)) :]


def propose(rows: Sequence[list[Any]], heading: int) -> Layout:
    """What the columns mean: by their headings, else by what stands in them."""
    named = next((row for row in rows[: HEAD * 10] if row[0] == heading), [0])
    body = below(rows, heading)[:SAMPLE]
    width = max(map(len, (named, *body)), default=1) - 1
    texts = [" ".join(shown(cell).split()) for cell in cells(named)]
    while texts and not texts[-1]:
        texts.pop()
    titles = [text or f"Column {letters(at)}" for at, text in enumerate(texts + [""] * (width - len(texts)))]
    found = matched(named)
    if CODE not in found and TIERS[0] not in found and _is_codes(body, found.get(DIVISION)):
        found[CODE] = found.pop(DIVISION)
    if not _says_statuses(body, found.get(STATUS)):
        found.pop(STATUS, None)
    if CODE not in found and TIERS[0] not in found and (at := _codes_in(body, width, set(found.values()))) is not None:
        found[CODE] = at
    if DESCRIPTION not in found and (at := _texts_in(body, width, set(found.values()))) is not None:
        found[DESCRIPTION] = at
    return Layout(heading, _without_doubles(found, body), titles, len(texts))


def _is_codes(body: Sequence[Sequence[Any]], at: int | None) -> bool:
    """Whether most of a column's cells look like codes."""
    filled = [cell for cell in _column(body, at) if shown(cell).strip()] if at is not None else []
    return _mostly(map(_is_code, filled))


def _says_statuses(body: Sequence[Sequence[Any]], at: int | None) -> bool:
    """Whether a column holds words for a status: State may be Texas."""
    words = [shown(cell).strip() for cell in _column(body, at)] if at is not None else []
    filled = [word for word in words if word]
    return not filled or _mostly(is_active_of(word) is not None for word in filled)


def _codes_in(body: Sequence[Sequence[Any]], width: int, taken: set[int]) -> int | None:
    """The first free column most of whose cells look like codes."""
    for at in range(width):
        if at not in taken and _is_codes(body, at):
            return at
    return None


def _texts_in(body: Sequence[Sequence[Any]], width: int, taken: set[int]) -> int | None:
    """The free column with the longest texts."""

    def letters_in(at: int) -> int:
        return sum(len(re.findall(r"[^\W\d_]", shown(cell))) for cell in _column(body, at))

    free = [at for at in range(width) if at not in taken]
    best = max(free, key=letters_in, default=None)
    return best if best is not None and letters_in(best) else None


def _without_doubles(found: dict[str, int], body: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Columns that repeat parts of a code which is whole in another one mean nothing."""
    if CODE not in found or TIERS[0] not in found:
        return found
    pairs = [(shown(code).strip(), shown(tier).strip()) for code, tier in _pairs(body, found[CODE], found[TIERS[0]])]
    if _mostly(code != tier and begins_with(code, tier) for code, tier in pairs):
        return {meaning: at for meaning, at in found.items() if meaning not in TIERS}
    return found


def _pairs(body: Sequence[Sequence[Any]], first: int, second: int) -> Iterator[tuple[Any, Any]]:
    """What stands in two columns of one row, where both are filled."""
    for one, other in zip(_column(body, first), _column(body, second), strict=True):
        if shown(one).strip() and shown(other).strip():
            yield one, other


def _column(body: Sequence[Sequence[Any]], at: int) -> Iterator[Any]:
    return (row[at + 1] if len(row) > at + 1 else "" for row in body)


def begins_with(code: str, part: str) -> bool:
    """Whether a code is whole, so that it has this part of its own at its beginning; leading zeros aside."""
    start = re.match(r"[^\W_]+", code)
    if start is None or len(start[0]) == len(code):
        return False
    return (start[0].lstrip("0") or "0") == (part.lstrip("0") or "0")


PART, NAME, NUMBERED = "part", "name", "numbered"  # what a column Division holds: 01, General, 01 - General
_NUMBERED = re.compile(r"(\w*\d\w*)\s*[-–—:.]?\s+(\S.*)", re.DOTALL)


def division_is(rows: Sequence[Sequence[Any]], columns: Mapping[str, int], delimiter: str) -> str:
    """What the column Division holds: one of the above, or nothing that is needed ("").

    Codes that have the delimiter, or begin with their division, are whole: nothing is ever joined to them.
    """
    if DIVISION not in columns:
        return ""
    if CODE not in columns:
        return PART
    filled = _pairs(rows, columns[CODE], columns[DIVISION])
    pairs = [(shown(code).strip(), shown(part).strip()) for code, part in filled]
    if not pairs:
        return ""
    if _mostly(bool(delimiter) and delimiter in code for code, _ in pairs):
        return NAME if not _mostly(_is_part(part) for _, part in pairs) and _is_one_each(pairs, delimiter) else ""
    if _mostly(begins_with(code, part) for code, part in pairs):
        return ""
    if _mostly(_is_part(part) for _, part in pairs):
        return PART
    return NUMBERED if _mostly(numbered(part) is not None for _, part in pairs) else NAME


def _mostly(answers: Iterable[bool]) -> bool:
    listed = list(answers)
    return sum(listed) * 2 > len(listed)


def _is_one_each(pairs: Sequence[tuple[str, str]], delimiter: str) -> bool:
    """Whether every division has one name; kinds of work (Labor, Material) go across divisions."""
    names: dict[str, set[str]] = {}
    for code, name in pairs:
        names.setdefault(code.partition(delimiter)[0], set()).add(name)
    return _mostly(len(each) == 1 for each in names.values())


def numbered(text: str) -> tuple[str, str] | None:
    """The code and the name of a division that is written with both, "01 - General"."""
    found = _NUMBERED.fullmatch(text)
    return (found[1], found[2]) if found else None


def _is_part(text: str) -> bool:
    """A part of a code, not a name: short, in one piece, and with a digit or hardly a letter."""
    return len(text) <= 8 and " " not in text and (any(map(str.isdigit, text)) or len(text) <= 2)


def letters(at: int) -> str:
    """The column as spreadsheets call it: A, B, ..., AA."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(65 + rest) + name
    return name


# Tier patterns


def lengths_of(pattern: str) -> tuple[int, ...]:
    """The lengths of the tiers of "2-2-2"; none for an empty one. Raises ValueError."""
    found = tuple(map(int, filter(None, re.split(r"[\s\-.,/]+", pattern.strip()))))
    if any(length < 1 for length in found) or len(found) > len(TIERS):
        raise ValueError(pattern)
    return found


def pattern_for(codes: Sequence[str]) -> str:
    """The pattern of codes that are digits of one length; empty for others."""
    sizes = {len(code) for code in codes}
    if len(codes) < 2 or len(sizes) != 1 or not all(code.isascii() and code.isdigit() for code in codes):
        return ""
    return {4: "2-2", 5: "2-3", 6: "2-2-2", 7: "2-2-3", 8: "2-2-2-2"}.get(sizes.pop(), "")
