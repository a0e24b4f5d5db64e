"""Which part of the review list a page shows: filter, search, page, rows a page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import F
from django.http import QueryDict

from core import in_order
from core.numbers import number
from erp_integrations.models import Connection
from exports.models import (
    FILTERS,
    CodeExport,
    CodeExportQuerySet,
    Status,
)

PAGE_SIZES = (50, 100, 250)

DEFAULT_FILTER = "ready-to-export"
# What the table says of a row's division, where another begins.
HEADS = {"division": "", "division_code": "__full_code", "division_description": "__description"}


@dataclass(frozen=True)
class Listing:
    """Which part of the list is shown: filter, search, page, rows a page."""

    filter: str = DEFAULT_FILTER
    search: str = ""
    page: int = 1
    rows: int = 100
    after: int = 0  # the row behind which the page begins,
    before: int = 0  # or before which it ends: so that the page before or behind is found without counting there

    @classmethod
    def read(cls, params: QueryDict) -> Listing:
        """From a query string or a form; what makes no sense becomes the default."""
        name = str(params.get("filter", ""))
        rows = number(params.get("rows"), 100)
        return cls(
            filter=name if name in FILTERS else DEFAULT_FILTER,
            search=str(params.get("q", "")).strip()[:200],
            page=max(1, number(params.get("page"), 1)),
            rows=rows if rows in PAGE_SIZES else 100,
            after=number(params.get("after")),
            before=number(params.get("before")),
        )

    def query(self, **changes: object) -> str:
        """The query string of this part, or of another page; defaults are left out."""
        values = {"filter": self.filter, "q": self.search, "page": self.page, "rows": self.rows}
        keys = {} if "page" in changes else {"after": self.after, "before": self.before}
        values |= keys | changes
        defaults = {"filter": DEFAULT_FILTER, "q": "", "page": 1, "rows": 100, "after": 0, "before": 0}
        told = {name: value for name, value in values.items() if value != defaults[name]}
        return f"?{urlencode(told)}" if told else ""

    @property
    def filter_label(self) -> str:
        return FILTERS[self.filter][0]

    @property
    def states(self) -> tuple[Status, ...]:
        return FILTERS[self.filter][1]

    def of(self, connection: Connection) -> CodeExportQuerySet:
        return connection.code_exports.in_filter(self.filter).matching(self.search)


@dataclass(frozen=True)
class Page:
    """The rows that a part of the list shows, and the query strings of the pages beside it; empty at the ends."""

    rows: list[CodeExport]
    number: int
    before: str
    after: str

    @classmethod
    def read(cls, listing: Listing, connection: Connection, last: int | None) -> Page:
        """`last`: the number of the last page, where it is known. A page is found from its neighbour on, so that no
        code is passed over that is in the list all the while; who types a number in has the rows before it counted.
        """
        heads = {name: F(f"item__parent{field}") for name, field in HEADS.items()}
        found = listing.of(connection).for_review().annotate(**heads)
        number = min(listing.page, last) if last else listing.page
        if number == listing.page:
            page = cls._behind(listing, connection, found) or cls._before(listing, connection, found)
            if page:
                return page
        first = (number - 1) * listing.rows
        return cls._of(listing, list(found[first : first + listing.rows + 1]), number, is_first=number == 1)

    @classmethod
    def _behind(cls, listing: Listing, connection: Connection, found: CodeExportQuerySet) -> Page | None:
        """None if the neighbour is not here, or nothing is left behind it."""
        row = connection.code_exports.filter(pk=listing.after).first() if listing.after and listing.page > 1 else None
        rows = list(in_order.behind(found, row)[: listing.rows + 1]) if row else []
        return cls._of(listing, rows, listing.page, is_first=False) if rows else None

    @classmethod
    def _before(cls, listing: Listing, connection: Connection, found: CodeExportQuerySet) -> Page | None:
        """None if the neighbour is not here. With no more before it than a page shows it is the first page."""
        row = connection.code_exports.filter(pk=listing.before).first() if listing.before else None
        if row is None:
            return None
        rows = list(in_order.before(found, row)[: listing.rows + 1])
        if len(rows) <= listing.rows:
            return cls._of(listing, list(found[: listing.rows + 1]), 1, is_first=True)
        return cls._of(listing, [*reversed(rows[: listing.rows]), row], listing.page, is_first=False)

    @classmethod
    def _of(cls, listing: Listing, rows: list[CodeExport], number: int, *, is_first: bool) -> Page:
        """`rows`: one more than are shown, where there are more; none on a page that is not there."""
        shown = rows[: listing.rows]
        if not shown:
            return cls([], number, listing.query(page=number - 1) if number > 1 else "", "")
        return cls(
            rows=shown,
            number=number,
            before="" if is_first else listing.query(page=max(1, number - 1), before=shown[0].pk),
            after=listing.query(page=number + 1, after=shown[-1].pk) if len(rows) > listing.rows else "",
        )
