"""A builder whose books are in QuickBooks Desktop, and the Web Connector on the computer where it runs."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from erp_integrations.adapters.quickbooks_desktop.greeting import OWNER_ID
from erp_integrations.models import GLAccount
from exports import services
from exports.models import CodeExport
from exports.pages.counts import Counts
from exports.services import Selection
from exports.web_connector.models import Access, username_of
from tests import factories
from tests.exports.scene import Observed
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.connector import Faults, PollReport, WebConnector
from tests.quickbooks.transports import RawTransport, through_django

CODES = ("01-100", "01-200", "02-100")
INCOME, EXPENSE = "Construction Income", "Job Costs:Materials & Supplies"


class Office(Observed):
    """Alice approves, dora sends and configures; `quickbooks` is the company file that dora's .qwc was added to."""

    def __init__(self, **options: Any) -> None:
        self.alice = factories.make_alice()
        self.dora = factories.make_dora()
        self.connection = factories.make_connection(
            erp="quickbooks-desktop", name="QuickBooks", slug="quickbooks", options=options
        )
        self.password = Access.renew(self.connection, self.dora.user)
        self.quickbooks = QuickBooks(owner_id=f"{{{OWNER_ID}}}", file_id=f"{{{self.connection.guid}}}")
        self.url = f"http://localhost:8000/web-connector/{self.connection.guid}/"

    def connector(self, transport: Any = RawTransport, **faults: Any) -> WebConnector:
        """As it would be installed by the .qwc file, with the password typed in."""
        return WebConnector(
            self.url,
            username_of(self.connection),
            self.password,
            self.quickbooks,
            send=through_django(Client()),
            transport=transport,
            faults=Faults(**faults),
        )

    def poll(self, transport: Any = RawTransport, **faults: Any) -> PollReport:
        return self.connector(transport, **faults).poll()

    def send(self, *codes: str) -> list[CodeExport]:
        """Codes and their divisions as far as the connection exports these, in Ready to Export."""
        segment = factories.make_segment()
        for code in codes:
            factories.make_cost_code(code, segment=segment)
        services.send_codes(self.dora, self.connection, None)
        return list(CodeExport.objects.all())

    def account(self, full_name: str) -> GLAccount:
        return self.connection.gl_accounts.get(remote_id=self.quickbooks.account(full_name).list_id)

    def accept(self, *, expense: bool = True) -> int:
        """Everything that is ready gets accounts and is exported."""
        CodeExport.objects.filter(status="READY").update(
            income_account=self.account(INCOME), expense_account=self.account(EXPENSE) if expense else None
        )
        return services.queue_codes(self.alice, self.connection, self.seen()).count

    def queue(self, *codes: str) -> list[CodeExport]:
        """Codes that wait for the Web Connector, and a chart of accounts."""
        if not self.connection.gl_accounts.exists():
            self.poll()
        self.send(*codes)
        self.accept()
        return list(CodeExport.objects.all())

    def seen(self) -> Selection:
        counts = Counts.read(self.connection, "")
        return Selection(counts.now, counts.last_batch)


@pytest.fixture
def office(db: None) -> Office:
    return Office()


@pytest.fixture
def tiered_office(db: None) -> Office:
    return Office(item_names="tiers")


@pytest.fixture
def queued(office: Office) -> Office:
    """Three codes that wait for the Web Connector."""
    office.queue(*CODES)
    return office


def at_the_export(office: Office, **faults: Any) -> WebConnector:
    """A session whose look-up is done and whose export message is in the connector's hands."""
    connector = office.connector(**faults)
    assert connector.open()
    connector.fetch()
    connector.run()
    assert connector.deliver()
    assert connector.fetch()
    assert "ItemServiceAddRq" in connector.request
    return connector
