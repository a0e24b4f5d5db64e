"""What an ERP that hangs for as long as anybody listens costs the exports of another company."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.pipeline import LOOK_S, require_success
from benchmarks.rig import Finding, Rig, ms, seconds
from benchmarks.sites import Site
from companies.models import Level
from erp_integrations.base import INCOME_KINDS
from erp_integrations.models import Connection
from exports import queue, services
from exports.models import UNFINISHED, CodeExport
from exports.pages.counts import Counts
from exports.services import Selection
from tests.factories import make_company, make_connection, make_export, make_member
from tests.servers.celery import Beat, WideWorker
from tests.servers.dripping import DrippingServer

AT_MOST = 1.05
CONNECTIONS = 4  # of the company whose ERP hangs: as many as the worker has children


class HangingCompany:
    """Its connections lead to an ERP that drips; what it may have under way at once can be begun and ended."""

    def __init__(self, drip: DrippingServer, calls: int) -> None:
        self.drip, self.calls = drip, calls
        company = make_company("Dripping Builders", "dripping-builders")
        self.member = make_member("dripper", company, erp=Level.STANDARD, approver=True)
        for place in range(CONNECTIONS):
            connection = make_connection(company, name=f"N{place}", slug=f"n{place}", erp="instant")
            connection.sync_gl_accounts(None)
            income = connection.gl_accounts.of_kinds(INCOME_KINDS).first()
            make_export("01-100", connection, income_account=income)
        options = {"address": drip.url, "database": "books", "username": "admin", "company": "1"}
        self.connections = Connection.objects.filter(company=company)
        self.connections.update(erp="tryton", options=options)
        for connection in self.connections:
            connection.credentials = {"password": "drip-drop"}
            connection.save(update_fields=["credentials"])

    def begin(self) -> None:
        """Return when it has as many calls under way as a company may have."""
        self.connections.update(failures_in_a_row=0, open_until=None, state=Connection.State.ACTIVE)
        for connection in self.connections:
            counts = Counts.read(connection, "")
            if not services.queue_codes(self.member, connection, Selection(counts.now, counts.last_batch)).count:
                raise RuntimeError(f"{connection} has nothing to call for: that is no measure.")
        queue.wake(self.connections.values_list("pk", flat=True))
        _await(lambda: self.drip.hanging == self.calls)

    def end(self) -> None:
        """Return when none of them is under way, and none is due."""
        self.connections.update(state=Connection.State.PAUSED)
        self.drip.let_go()
        _await(lambda: not self.drip.hanging and not self.connections.held().exists())


def beside(rig: Rig, site: Site, calls: int) -> Finding:
    """From the click until a worker has committed the last Success: beside another company's calls that hang, over
    the same without them."""
    site.enter()
    settings = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
    with DrippingServer() as drip, WideWorker(**settings), Beat(**settings):
        others = HangingCompany(drip, calls)

        def alone() -> float:
            site.reset()
            return _seconds_to_export(site)

        def held_up() -> float:
            site.reset()
            others.begin()
            try:
                return _seconds_to_export(site)
            finally:
                others.end()

        alone()  # so that the worker has imported everything
        found = rig.compare(held_up, alone)
    ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, f"at most {AT_MOST}")
    each = f"{ms(found.ours_s / site.codes)} over {ms(found.baseline_s / site.codes)} a code"
    name = f"dripping: {site.codes:,} codes beside {calls} calls of another company that hang, over the same alone"
    return Finding(name, [told, each], ratio <= AT_MOST)


def _seconds_to_export(site: Site) -> float:
    fields, mine = site.fields(), CodeExport.objects.filter(connection=site.connection)

    def export() -> None:
        site.post("export/", fields)
        _await(lambda: not mine.filter(status__in=UNFINISHED).exists())

    took_s = seconds(export)
    require_success(site)
    return took_s


def _await(condition: Callable[[], bool]) -> None:
    """Whatever hangs here for good is ended by whoever runs the benchmark."""
    while not condition():
        time.sleep(LOOK_S)
