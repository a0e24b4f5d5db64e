"""What the page of a check shows: its tabs, of which one page of lines is seen, and the divisions to be named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from erp_integrations.models import GLAccount
from wbs.codes import code_key, fold, order_key, split
from wbs.lists.checking import Change, Division, NewCode, Plan, divisions_of
from wbs.lists.choices import Choices
from wbs.lists.entries import Accounts
from wbs.lists.reports import Report

SIZE = 100  # lines of one page
NAMED = 50  # divisions of one page, each with a field
ROWS, PROBLEMS, NOTES = "rows", "problems", "notes"
TABS = {ROWS: "Rows", PROBLEMS: "Problems", NOTES: "Notes"}


class Line(NamedTuple):
    """One line of a tab."""

    row: int  # of the file; 0: none
    code: str
    text: str  # description, or what is to be said
    tier: int = 1
    status: str = ""
    accounts: Accounts = ()
    what: str = ""  # becomes of it


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    count: int
    query: str


class CheckPage:
    """One page of one tab. `search` narrows it to lines whose code or text contains it."""

    def __init__(
        self, plan: Plan, report: Report, choices: Choices, *, tab: str = "", number: str = "1", search: str = ""
    ) -> None:
        self.plan, self.report, self.choices, self.search = plan, report, choices, search
        self.tab = tab if tab in TABS else PROBLEMS if report.problem_count else ROWS
        found = self._found()
        if key := fold(search):
            code = code_key(search)
            found = [
                line
                for line in found
                if key in fold(f"{line.code} {line.text} {line.what}") or (code and code in code_key(line.code))
            ]
        self.page: Page[Line] = Paginator(found, SIZE).get_page(number)

    def _found(self) -> list[Line]:
        if self.tab == ROWS:
            return self._rows()
        told = self.plan.problems if self.tab == PROBLEMS else self.plan.notes
        return [Line(row, code, sentence) for row, code, sentence in told]

    def _rows(self) -> list[Line]:
        """The codes as they would be in the list, in the order of the tree."""
        lines = [
            *map(self._new, self.plan.new),
            *(self._changed(each, "Changes") for each in self.plan.changes),
            *(self._changed(each, "Stays as it is") for each in self.plan.differing),
            *(Line(row, code, text, self._tier(code), what="In the list") for row, code, text in self.plan.unchanged),
        ]
        if len(lines) > len(self.plan.new):
            lines.sort(key=lambda line: order_key(split(line.code, self.choices.delimiter)))
        return lines

    def _tier(self, code: str) -> int:
        return len(split(code, self.choices.delimiter))

    def _new(self, new: NewCode) -> Line:
        status = "Active" if new.is_active else "Inactive"
        what = "New" if new.row else "New division"
        code = self.choices.delimiter.join(new.tiers)
        return Line(new.row, code, new.description, len(new.tiers), status, new.accounts, what)

    def _changed(self, change: Change, what: str) -> Line:
        words = f"{change.words} {change.note}".strip()
        return Line(change.row, change.full_code, words, self._tier(change.full_code), what=what)

    @cached_property
    def lines(self) -> list[dict[str, object]]:
        """Of the page, with the accounts as people read them."""
        labels = self._labels(self.page.object_list)
        return [line._asdict() | self._named(line, labels) | self._noted(line) for line in self.page.object_list]

    def _noted(self, line: Line) -> dict[str, str]:
        """In the tab of rows, what becomes of one with what is said of it."""
        notes = self._notes.get((line.row, line.code if not line.row else ""), ()) if self.tab == ROWS else ()
        return {"what": " ".join([f"{line.what}.", *notes])} if notes else {}

    @cached_property
    def _notes(self) -> dict[tuple[int, str], list[str]]:
        """By row, or by code where no row names it."""
        found: dict[tuple[int, str], list[str]] = {}
        for row, code, sentence in self.plan.notes:
            found.setdefault((row, "" if row else code), []).append(sentence)
        return found

    def _labels(self, lines: Iterable[Line]) -> dict[int, str]:
        ids = {account for line in lines for _, *pair in line.accounts for account in pair if account}
        return {each.pk: str(each) for each in GLAccount.objects.filter(pk__in=ids)} if ids else {}

    @staticmethod
    def _named(line: Line, labels: dict[int, str]) -> dict[str, str]:
        pairs = [(labels.get(income or 0, ""), labels.get(expense or 0, "")) for _, income, expense in line.accounts]
        return {
            "income": "; ".join(filter(None, (i for i, _ in pairs))),
            "expense": "; ".join(filter(None, (e for _, e in pairs))),
        }

    @cached_property
    def has_accounts(self) -> bool:
        return self.tab == ROWS and any(new.accounts for new in self.plan.new)

    @property
    def tabs(self) -> list[Tab]:
        counts = {
            ROWS: self.report.good
            + self.report.division_count
            + self.report.change_count
            + self.report.differing_count
            + self.report.unchanged_count,
            PROBLEMS: self.report.problem_count,
            NOTES: self.report.note_count,
        }
        return [Tab(key, label, counts[key], urlencode({"tab": key})) for key, label in TABS.items()]

    def query(self, number: int) -> str:
        kept = {"q": self.search} if self.search else {}
        return urlencode({"tab": self.tab, **kept, "page": number})

    @property
    def previous(self) -> str:
        return self.query(self.page.previous_page_number()) if self.page.has_previous() else ""

    @property
    def next(self) -> str:
        return self.query(self.page.next_page_number()) if self.page.has_next() else ""


def divisions_page(plan: Plan, choices: Choices, number: str) -> Page[Division]:
    """The divisions that the import would create; the page with the first that will not do, if none is asked for."""
    found = divisions_of(plan, choices)
    wrong = next((at for at, division in enumerate(found) if division.problem), None)
    if not number and wrong is not None:
        number = str(wrong // NAMED + 1)
    return Paginator(found, NAMED).get_page(number or "1")
