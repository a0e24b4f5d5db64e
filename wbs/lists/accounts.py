"""Which account of a connection a cell of a list means: by its number, its name or both. No request, no database."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from wbs.codes import fold

NOUNS = {"income_account": "income account", "expense_account": "expense account"}  # by field
NONE = frozenset({"none", "(none)", "n/a", "-", "–", "—"})  # words of people for no account
NAMED = 10  # candidates that a sentence names
LONGEST = 600  # characters of a cell that may mean an account: number, name and all above it
QUOTED = 80  # of a cell, in a sentence

_READ_ALIKE = {  # what nobody sees, and what word processors make of an apostrophe
    **dict.fromkeys((*range(0x09), *range(0x0E, 0x1C), 0x7F)),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad")),
    **dict.fromkeys(map(ord, "‘’ʼ"), "'"),
}
_BETWEEN = re.compile(r"[\s\-‐‑‒–—−·•|:/()]+")  # what people and programs put between number and name
_COLON = re.compile(r"\s*:\s*")
_WORD = re.compile(r"\w+")
_DECIMALS = re.compile(r"[.,]0+$")


@dataclass(frozen=True)
class Account:
    """An account as a list may name it."""

    pk: int
    number: str
    name: str
    label: str  # in full, as it reads everywhere: "4000 Contract Revenue"; no other of the connection reads so
    kind: str
    kind_label: str  # "Cost of goods sold"
    parent: str  # the accounts above it: "Revenue: Public Works"
    is_active: bool
    fits_income: bool  # is it of a kind that an income account may have?
    fits_expense: bool

    def may_be(self, field: str) -> bool:
        return self.is_active and (self.fits_income if field == "income_account" else self.fits_expense)


@dataclass(frozen=True)
class Found:
    """The account that a cell means; else why it means none; nothing of both for a cell that says none."""

    account: Account | None = None
    problem: str = ""  # sentences that name the cell and say what to do


By = dict[str, list[Account]]


class Chart:
    """All accounts of one connection, to be found by what people write.

    `kinds` are the kinds that each field may have, as people call them; none for a field that the ERP does not have.
    """

    def __init__(self, name: str, accounts: Iterable[Account], kinds: Mapping[str, Sequence[str]]) -> None:
        self.name, self.accounts, self.kinds = name, tuple(accounts), kinds
        self._found: dict[tuple[str, str], Found] = {}
        with_number = [account for account in self.accounts if account.number]
        below_another = [account for account in self.accounts if account.parent]
        self._numbers = _by(with_number, lambda it: it.number, key_of)
        self._names = _by(self.accounts, lambda it: it.name, key_of)
        loose = _by(with_number, lambda it: f"{it.number} {it.name}", _loose)
        # From what says most to what says least; the first that knows the text decides.
        self._ways: list[tuple[Callable[[str], str], By]] = [
            (key_of, _by(self.accounts, lambda it: it.label, key_of)),
            (key_of, self._numbers),
            (key_of, _by(with_number, lambda it: f"{it.number} {it.name}", key_of)),
            (key_of, self._names),
            (_path, _by(below_another, lambda it: f"{it.parent}:{it.name}", _path)),
            (_loose, loose),
            (_loose, _by(with_number, lambda it: f"{it.name} ({it.number})", _loose)),
            (_last_of_path, loose),  # "4000 · Revenue:4010 · Public Works"
        ]

    def find(self, text: str, field: str) -> Found:
        """The account that a cell means in a column of this one of ACCOUNT_FIELDS; each text is looked up once."""
        found = self._found.get((text, field))
        if found is None:
            found = self._found[text, field] = self._find(text, field)
        return found

    def _find(self, text: str, field: str) -> Found:
        key = key_of(text)
        meant = self._meant(text) if 0 < len(key) <= LONGEST else []
        if not meant and (not key or key in NONE):
            return Found()
        if not self.kinds[field]:
            return Found(None, f"{_quoted(text)}: {self.name} has no {NOUNS[field]} for a code. Leave the cell empty.")
        usable = [account for account in meant if account.may_be(field)]
        if len(usable) == 1:
            return Found(usable[0])
        if usable:
            return Found(None, _ambiguous(text, usable))
        return Found(None, self._unusable(text, meant, field) if meant else self._unknown(text, field))

    def _meant(self, text: str) -> list[Account]:
        """Those that the text may mean by the best way in which it means any."""
        meant = next(filter(None, (by.get(said(text)) for said, by in self._ways)), [])
        return [account for account in meant if account.label == text] or meant

    def _unusable(self, text: str, meant: Sequence[Account], field: str) -> str:
        """Why none of these will do; they are inactive or of a wrong kind."""
        reasons = [self._why_not(account) for account in meant[:NAMED]]
        if len(meant) == 1:
            is_whole = key_of(text) == key_of(meant[0].label)
            why = f"{_quoted(text)} {'' if is_whole else f'is {meant[0].label}, which '}{reasons[0]}."
        else:
            listed = (f"{account.label}, which {reason}" for account, reason in zip(meant, reasons, strict=False))
            why = f"{_quoted(text)} is {_joined(listed, len(meant), '; ')}."
        if any(account.is_active for account in meant):
            article = "An" if NOUNS[field][0] in "aeiou" else "A"
            why += f" {article} {NOUNS[field]} is of the type {_or(self.kinds[field])}."
        near = _only(self._names.get(key_of(text), ()), field)
        return f"{why} {_advice(near) or 'Write another account, or leave the cell empty.'}"

    def _why_not(self, account: Account) -> str:
        return f"is of the type {account.kind_label}" if account.is_active else f"is inactive in {self.name}"

    def _unknown(self, text: str, field: str) -> str:
        near = self._near.to(text, field) if len(text) <= LONGEST else None
        otherwise = f"Write one that is, or sync the GL accounts of {self.name} if it is new there."
        return f"{_quoted(text)} is no account of {self.name}. {_advice(near) or otherwise}"

    @cached_property
    def _near(self) -> _Near:
        return _Near(self.accounts, self._numbers)


class _Near:
    """Accounts that are written a little differently: the one that is obviously meant."""

    def __init__(self, accounts: Sequence[Account], numbers: By) -> None:
        self.numbers = numbers
        self.short_numbers = _by(accounts, lambda it: it.number, lambda number: key_of(number).lstrip("0"))
        self.bare = _by(accounts, lambda it: f"{it.number} {it.name}", _bare)
        self.by_word: By = defaultdict(list)
        self.misspelt: By = defaultdict(list)
        for account in accounts:
            for word in set(_WORD.findall(key_of(account.label))):
                self.by_word[word].append(account)
            for spelling in _misspelt(account.name):
                self.misspelt[spelling].append(account)

    def to(self, text: str, field: str) -> Account | None:
        """The only account of this field that comes near; None if there is none, or more than one."""
        return next(filter(None, (_only(accounts, field) for accounts in self._guesses(key_of(text)))), None)

    def _guesses(self, key: str) -> Iterator[Sequence[Account]]:
        number = _DECIMALS.sub("", key)  # 4000.0
        yield self.numbers.get(number, ())
        yield self.short_numbers.get(number.lstrip("0"), ()) if number.lstrip("0") else ()
        yield self.numbers.get(key.partition(" ")[0], ())  # the number of one, and another name
        if not any(map(str.isalpha, key)):
            return
        yield self.bare.get(_bare(key), ())
        sets = sorted((self.by_word.get(word, []) for word in set(_WORD.findall(key))), key=len)
        others = [{account.pk for account in accounts} for accounts in sets[1:]] if sets and sets[0] else []
        yield [account for account in sets[0] if all(account.pk in other for other in others)] if sets else ()
        yield [account for spelling in _misspelt(key) for account in self.misspelt.get(spelling, ())]


def key_of(text: str) -> str:
    """The text as it is compared: in any case, with single blanks of any kind, without what nobody sees."""
    seen = text if text.isascii() and text.isprintable() else text.translate(_READ_ALIKE)
    return " ".join(fold(seen).split())


def _loose(text: str) -> str:
    """Number and name, whatever stands between them: "4000 - Sales", "4000 · Sales", "Sales (4000)"."""
    return _BETWEEN.sub(" ", key_of(text)).strip()


def _path(text: str) -> str:
    return _COLON.sub(":", key_of(text))


def _last_of_path(text: str) -> str:
    return _loose(text.rpartition(":")[2]) if ":" in text else ""


def _bare(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, key_of(text)))


def _misspelt(name: str) -> set[str]:
    """The name, and the name without one of its letters: two names that share one differ in a letter at the most."""
    bare = _bare(name)
    if not 5 <= len(bare) <= 60:
        return set()
    return {bare, *(bare[:at] + bare[at + 1 :] for at in range(len(bare)))}


def _by(accounts: Iterable[Account], spelt: Callable[[Account], str], said: Callable[[str], str]) -> By:
    found: By = defaultdict(list)
    for account in accounts:
        if key := said(spelt(account)):
            found[key].append(account)
    return dict(found)


def _only(accounts: Iterable[Account], field: str) -> Account | None:
    usable = {account.pk: account for account in accounts if account.may_be(field)}
    return next(iter(usable.values())) if len(usable) == 1 else None


def _ambiguous(text: str, usable: Sequence[Account]) -> str:
    numbers = {account.number for account in usable} - {""}
    what = "the number" if len(numbers) == len(usable) else "one of them in full"
    return f"{_quoted(text)} is {_joined((it.label for it in usable), len(usable))}. Write {what}."


def _advice(near: Account | None) -> str:
    return f"Write “{near.label}” if that is meant." if near else ""


def _joined(labels: Iterable[str], count: int, between: str = ", ") -> str:
    """ "A, B and C", or the first of many."""
    named = [label for _, label in zip(range(NAMED), labels, strict=False)]
    if count > len(named):
        return f"{between.join(named)} and {count - len(named):,} more"
    return f"{between.join(named[:-1])} and {named[-1]}"


def _or(kinds: Sequence[str]) -> str:
    return f"{', '.join(kinds[:-1])} or {kinds[-1]}" if len(kinds) > 1 else kinds[0]


def _quoted(text: str) -> str:
    seen = " ".join(text.split())
    return f"“{seen}”" if len(seen) <= QUOTED else f"“{seen[:QUOTED]}…”"
