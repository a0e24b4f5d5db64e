"""What an export costs those who work beside it: auto-save, while a worker exports another list of the company."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from urllib.parse import urlencode

from benchmarks.pipeline import LOOK_S, require_success
from benchmarks.rig import Finding, Rig, ms
from benchmarks.sites import BROWSER, HOST, Site
from benchmarks.web import changing_values
from erp_integrations.base import INCOME_KINDS
from exports import queue, services
from exports.models import UNFINISHED, CodeExport, Status
from exports.pages.counts import Counts
from exports.services import Selection
from tests.factories import make_connection, make_export
from tests.servers.celery import Beat, WideWorker
from tests.servers.web import Web

AT_MOST = 1.8
PAUSE_S = 0.02  # between two saves: no person is so quick
SLOW = 0.95  # so many of the saves are quicker than what is told


class Saver:
    """Alice, who sets the account of one code again and again, on the list of another connection than is exported."""

    def __init__(self, site: Site, web: Web) -> None:
        other = make_connection(site.alice.company, name="Beside", slug="beside", erp="instant")
        other.sync_gl_accounts(None)
        code = CodeExport.objects.filter(connection=site.connection)[0].code
        row = make_export(code, other, income_account=other.gl_accounts.of_kinds(INCOME_KINDS)[0])
        self.values = changing_values(row)
        self.address = f"{site.address.replace('/erp/', '/beside/')}{row.pk}/assign/"
        self.http = http.client.HTTPConnection("127.0.0.1", web.port)
        cookies = site.client.cookies
        self.headers = {
            **BROWSER,
            "Host": HOST,
            "HX-Request": "true",
            "X-CSRFToken": cookies["csrftoken"].value,
            "Cookie": "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }

    def saves(self, goes_on: Callable[[], bool]) -> list[float]:
        """At least one."""
        self.http.close()  # the one before was idle for too long; it is opened again by itself
        taken_s = [self.save()]
        while goes_on():
            time.sleep(PAUSE_S)
            taken_s.append(self.save())
        return taken_s

    def save(self) -> float:
        """How long the answer takes, in seconds."""
        body = urlencode({name: value for name, value in next(self.values).items() if value is not None})
        started = time.perf_counter()
        self.http.request("POST", self.address, body, self.headers)
        answer = self.http.getresponse()
        text = answer.read()
        took_s = time.perf_counter() - started
        if answer.status != 200:
            raise RuntimeError(f"Answered {answer.status}: {text[:300]!r}")
        return took_s


def save(rig: Rig, site: Site) -> Finding:
    """A slow save while all codes of another list are exported, over a slow one while nothing is."""
    site.enter()
    site.get()
    settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
    with Web(**settings) as web, WideWorker(**settings), Beat(**settings):
        saver, number = Saver(site, web), 1

        def exporting() -> float:
            nonlocal number
            site.reset()
            _export(site)
            taken_s = saver.saves(lambda: _is_at_work(site))
            require_success(site)
            number = len(taken_s)
            return _slow(taken_s)

        def idle() -> float:
            left = iter(range(number - 1))
            return _slow(saver.saves(lambda: next(left, None) is not None))

        exporting()  # so that the worker and the web process have imported everything
        found = rig.compare(exporting, idle)
    ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, f"at most {AT_MOST}")
    lines = [told, f"{ms(found.ours_s)} over {ms(found.baseline_s)}, of {number} saves"]
    return Finding(f"save beside: p95 while {site.codes:,} codes are exported, over idle", lines, ratio <= AT_MOST)


def _export(site: Site) -> None:
    """Return when the worker is at it."""
    counts = Counts.read(site.connection, "")
    services.queue_codes(site.alice, site.connection, Selection(counts.now, counts.last_batch))
    queue.wake([site.connection.pk])
    rows = CodeExport.objects.filter(connection=site.connection)
    while not rows.filter(status=Status.SUCCESS).exists():
        time.sleep(LOOK_S)


def _is_at_work(site: Site) -> bool:
    return CodeExport.objects.filter(connection=site.connection, status__in=UNFINISHED).exists()


def _slow(taken_s: list[float]) -> float:
    return sorted(taken_s)[int(SLOW * (len(taken_s) - 1))]
