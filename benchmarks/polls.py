"""What a poll of the Web Connector costs, beside QuickBooks' own time."""

from __future__ import annotations

import time

from django.test import Client

from benchmarks.rig import Finding, Rig, ms
from benchmarks.sites import HOST, Site
from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from exports import services
from exports.models import CodeExport, Status
from exports.pages.counts import Counts
from exports.services import Selection
from exports.web_connector.models import Access, Message, Poll, username_of
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import WebConnector
from tests.quickbooks.transports import Reply, through_django

AT_MOST = 1.3


class PulledSite(Site):
    """Its books are in a QuickBooks in memory; `spent_s` is what our side took to answer the Web Connector."""

    spent_s = 0.0

    def __init__(self, database: str, codes: int) -> None:
        super().__init__(database, codes, erp=QuickBooksDesktopAdapter.key)

    def read_accounts(self) -> None:
        connection = self.connection
        self.quickbooks = QuickBooks(
            owner_id=f"{{{QuickBooksDesktopAdapter.owner_id}}}", file_id=f"{{{connection.guid}}}"
        )
        self.carry = through_django(Client(headers={"X-Forwarded-Proto": "https"}))
        self.connector = WebConnector(
            f"https://{HOST}/web-connector/{connection.guid}/",
            username_of(connection),
            Access.renew(connection, self.alice.user),
            self.quickbooks,
            send=self.send,
        )
        self.connector.poll()

    def send(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        started = time.perf_counter()
        try:
            return self.carry(method, url, body, headers)
        finally:
            self.spent_s += time.perf_counter() - started

    def poll(self) -> float:
        """Everything is accepted anew and carried into an empty list of items; the sign-in does not count."""
        self.enter()
        for table in (Message, Poll):
            table.objects.all().delete()
        self.quickbooks.items.clear()
        self.quickbooks.journal.clear()
        self.quickbooks.message_sets.stored.clear()
        self.reset()
        counts = Counts.read(self.connection, "")
        services.queue_codes(self.alice, self.connection, Selection(counts.now, counts.last_batch))
        self.connector.open()
        self.spent_s = 0.0
        while self.connector.fetch():
            self.connector.run()
            if not self.connector.deliver():
                break
        self.connector.close()
        if (done := CodeExport.objects.filter(status=Status.SUCCESS).count()) != self.codes:
            raise RuntimeError(f"{done} of {self.codes} codes became Success: that is no measure.")
        return self.spent_s


def poll(rig: Rig, small: PulledSite, large: PulledSite) -> Finding:
    """A poll over many codes over one over few, by the code."""
    small.poll()
    found = rig.compare(large.poll, small.poll)
    share = small.codes / large.codes
    ratio, told = found.tell(lambda pair: share * pair.ours_s / pair.baseline_s, f"at most {AT_MOST}")
    each = f"{ms(found.ours_s / large.codes)} over {ms(found.baseline_s / small.codes)} a code"
    return Finding(f"poll: {large.codes:,} codes over {small.codes:,}, by the code", [told, each], ratio <= AT_MOST)
