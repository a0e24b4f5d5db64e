"""Which part of the review list a page shows: filter, search, page, rows a page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from core.numbers import number
from erp_integrations.models import Connection
from exports.models import (
    FILTERS,
    CodeExportQuerySet,
    Status,
)

PAGE_SIZES = (50, 100, 250)

DEFAULT_FILTER = "ready-to-export"


@dataclass(frozen=True)
class Listing:
    """Which part of the list is shown: filter, search, page, rows a page."""

    filter: str = DEFAULT_FILTER
    search: str = ""
    page: int = 1
    rows: int = 100

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
        )

    def query(self, **changes: object) -> str:
        """The query string of this part, with changes; defaults are left out."""
        values = {"filter": self.filter, "q": self.search, "page": self.page, "rows": self.rows, **changes}
        defaults = {"filter": DEFAULT_FILTER, "q": "", "page": 1, "rows": 100}
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
