"""Long lists of codes: the first screen of the tree. Requests run in this process, as in `web`."""

from __future__ import annotations

import gzip
import re
from html import unescape
from statistics import median
from typing import Any

from django.db import connection as session
from django.http import HttpResponse
from django.test import Client

from benchmarks.rig import Finding, Rig, ms, seconds
from benchmarks.sites import BROWSER, HOST, enter, new_codes, succeeded
from benchmarks.web import queries_of
from tests.factories import make_dora
from wbs.lists.checking import NewCode
from wbs.models import Segment

TREE_AT_MOST = 1.5


class Codes:
    """A company with so many cost codes, and with nothing else, in a database of its own."""

    def __init__(self, database: str, number: int) -> None:
        self.database, self.number = database, number
        self.enter()
        dora = make_dora()
        self.segment = Segment.of(dora.company)
        self.segment.add_codes(rows_of(number), "-", dora.user)
        self.client = Client(enforce_csrf_checks=True, headers=BROWSER, SERVER_NAME=HOST)
        self.client.force_login(dora.user)
        self.address = f"/companies/{dora.company.slug}/admin/work-breakdown-structure/cost-codes/"
        self.tidy()

    def enter(self) -> None:
        enter(self.database)

    def get(self, path: str = "") -> HttpResponse:
        return succeeded(self.client.get(self.address + path))

    def post(self, path: str, fields: dict[str, Any]) -> HttpResponse:
        headers = {"X-CSRFToken": self.client.cookies["csrftoken"].value}
        return succeeded(self.client.post(self.address + path, fields, headers=headers, follow=True))

    def last_page(self) -> str:
        """Its query, as the page before it links to it; empty where there is one page."""
        self.enter()
        before = self.get(f"?page={max(1, -(-self.number // 100) - 1)}").content
        link = re.search(rb'rel="next" href="[^"]*(\?[^"]+)"', gzip.decompress(before))
        return unescape(link[1].decode()) if link else ""

    def tidy(self) -> None:
        with session.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def empty(self) -> None:
        with session.cursor() as cursor:
            cursor.execute("TRUNCATE wbs_segmentitem, wbs_importdraft CASCADE")
        self.tidy()


def rows_of(number: int) -> list[NewCode]:
    """Exactly so many, divisions included."""
    return new_codes(number)[:number]


def tree(rig: Rig, small: Codes, large: Codes) -> Finding:
    """The first screen of the tree, with many codes over that with few; a search and the collapsed tree beside it."""

    def at(site: Codes, path: str = "") -> float:
        site.enter()
        site.get(path)
        return median(seconds(lambda: site.get(path)) for _ in range(rig.requests))

    found = rig.compare(lambda: at(large), lambda: at(small))
    ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, f"at most {TREE_AT_MOST}")
    lines = [told, f"{ms(found.ours_s)} over {ms(found.baseline_s)}"]
    for name, path in (("search", "?q=part+7"), ("all collapsed", "?fold=all")):
        lines.append(f"{name}, for information: {ms(at(large, path))} over {ms(at(small, path))}")
    last = [ms(at(site, site.last_page())) for site in (large, small)]
    lines.append(f"last page, for information: {last[0]} over {last[1]}")
    lines.append(f"queries: {_queries(large)} and {_queries(small)}")
    return Finding(f"tree: {large.number:,} codes over {small.number:,}", lines, ratio <= TREE_AT_MOST)


def _queries(site: Codes) -> int:
    site.enter()
    return queries_of(site.get)[1]
