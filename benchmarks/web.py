"""What a person waits for: the review page, auto-save, the clicks on Export and Reject All.

Requests run in this process, through Django's test client: all middleware, gzip and CSRF included, no socket.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from html import unescape
from itertools import count
from math import log
from statistics import linear_regression, median
from typing import Any

from django.db import connection as session
from django.http import HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext

from benchmarks.rig import Finding, Rig, cpu_s, ms, seconds
from benchmarks.sites import HOST, Site, succeeded
from exports.models import CodeExport

PAGE_AT_MOST, SAVE_AT_MOST, SLOPE_AT_MOST = 1.3, 3.0, 1.1
AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")  # not counted as queries


def page(rig: Rig, small: Site, large: Site) -> Finding:
    """The review page of 100 rows: with many codes in Ready to Export over that with few."""

    def at(site: Site) -> float:
        site.enter()
        site.get()
        return median(seconds(site.get) for _ in range(rig.requests))

    found = rig.compare(lambda: at(large), lambda: at(small))
    ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, f"at most {PAGE_AT_MOST}")
    weights = [f"{site.codes:,} codes, 400 accounts: {_weight(site)}" for site in (small, large)]
    lines = [told, f"{ms(found.ours_s)} over {ms(found.baseline_s)}", *weights]
    return Finding(f"page: {large.codes:,} codes over {small.codes:,}", lines, ratio <= PAGE_AT_MOST)


def deep_page(rig: Rig, site: Site) -> Finding:
    """A page nine tenths down a long list, by the link of the page before it, over the first page of that list."""
    site.enter()
    number = max(2, site.codes * 9 // 10 // 100)
    before = site.get(f"?page={number - 1}").content
    link = re.search(rb'href="[^"]*(\?[^"]+)" rel="next"', gzip.decompress(before))
    if not link and site.codes > 100:
        raise RuntimeError("The page before has no link to the next.")
    deep = unescape(link[1].decode()) if link else ""  # a smoke test's list has one page
    found = rig.compare(
        lambda: median(seconds(lambda: site.get(deep)) for _ in range(rig.requests)),
        lambda: median(seconds(site.get) for _ in range(rig.requests)),
    )
    ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, f"at most {PAGE_AT_MOST}")
    lines = [told, f"{ms(found.ours_s)} over {ms(found.baseline_s)}"]
    return Finding(f"page {number:,} of {site.codes:,} codes over page 1", lines, ratio <= PAGE_AT_MOST)


def _weight(site: Site) -> str:
    site.enter()
    content, queries = queries_of(site.get)
    return f"{len(gzip.decompress(content)):,} bytes, {len(content):,} compressed, {queries} queries"


def queries_of(get: Callable[[], HttpResponse]) -> tuple[bytes, int]:
    """What is answered, and how many queries that takes."""
    with CaptureQueriesContext(session) as ran:
        content = get().content
    return content, len([query for query in ran if not query["sql"].startswith(AROUND)])


def auto_save(rig: Rig, site: Site) -> Finding:
    """Auto-save (session, rights, CSRF, version, audit, the row's cell) over a bare view with the same UPDATE."""
    site.enter()
    site.get()
    row = CodeExport.objects.get(pk=CodeExport.objects.values("pk")[:1])
    values = changing_values(row)
    with override_settings(MIDDLEWARE=[]):
        bare = Client(SERVER_NAME=HOST)
        bare.handler.load_middleware()
    found = rig.compare(
        lambda: cpu_s(lambda: site.post(f"{row.pk}/assign/", next(values)), rig.saves),
        lambda: cpu_s(lambda: succeeded(bare.post(f"/bare/{row.pk}/", next(values))), rig.saves),
    )
    ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, f"at most {SAVE_AT_MOST}")
    lines = [told, f"{ms(found.ours_s)} over {ms(found.baseline_s)}"]
    return Finding("auto-save: CPU of ours over that of a bare view", lines, ratio <= SAVE_AT_MOST)


def changing_values(row: CodeExport) -> Iterator[dict[str, Any]]:
    """Another income account each time; both views raise the version by one."""
    others = row.connection.gl_accounts.filter(kind=row.income_account.kind).exclude(pk=row.income_account_id)
    accounts = [others[0].pk, row.income_account_id]
    for turn in count():
        yield {"income": accounts[turn % 2], "expense": row.expense_account_id, "version": row.version + turn}


def growth(rig: Rig, sites: Sequence[Site], action: str, is_gate: bool) -> Finding:
    """A click on the whole list: how its time grows with the list's length. A slope of 1 is: as the length does."""
    times: dict[int, list[float]] = {site.codes: [] for site in sites}
    for _ in range(rig.clicks):
        for site in sites:
            site.enter()
            site.reset()
            fields = site.fields()
            times[site.codes].append(seconds(lambda at=site, read=fields: at.post(f"{action}/", read)))
    medians = {codes: median(taken) for codes, taken in times.items()}
    slope = linear_regression([log(codes) for codes in medians], [log(taken) for taken in medians.values()]).slope
    target = f"at most {SLOPE_AT_MOST}" if is_gate else "for information"
    each = [f"{codes:,} codes: {ms(taken)}, {taken / codes * 1e6:.0f} µs a code" for codes, taken in medians.items()]
    lines = [f"slope {slope:.2f}, {target}; median of {rig.clicks} clicks each", *each]
    return Finding(f"growth: click on {action}", lines, slope <= SLOPE_AT_MOST or not is_gate)
