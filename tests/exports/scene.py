"""The scene of most tests of the engine: a company with an approver, an admin, and a connection to the scripted ERP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from erp_integrations.base import AccountKind
from erp_integrations.models import Connection
from exports import queue, services
from exports.models import CodeExport
from exports.pages.counts import Counts
from exports.services import Selection
from tests import factories
from tests.exports.scripted import Books
from tests.patience import PATIENCE_S


class Observed:
    """A company's one connection, looked at from outside."""

    connection: Connection

    def states(self) -> dict[str, str]:
        return dict(CodeExport.objects.values_list("code", "status"))

    def row(self, code: str) -> CodeExport:
        return CodeExport.objects.get(code=code)

    def refreshed(self) -> Connection:
        return Connection.objects.get(pk=self.connection.pk)


class Scene(Observed):
    def __init__(self, books: Books) -> None:
        self.books = books
        self.alice = factories.make_alice()
        self.dora = factories.make_dora()
        self.connection = factories.make_connection(
            erp="scripted", name="Scripted ERP", slug="scripted-erp", options={"journal": str(books.path)}
        )
        self.income = factories.make_account(self.connection, "4000")
        self.expense = factories.make_account(self.connection, "5000", AccountKind.COST_OF_GOODS_SOLD)

    def add_codes(self, *codes: str) -> list[int]:
        segment = factories.make_segment()
        return [factories.make_cost_code(code, segment=segment).pk for code in codes]

    def send(self, *codes: str) -> list[CodeExport]:
        """Codes in Ready to Export, without accounts."""
        services.send_codes(self.dora, self.connection, self.add_codes(*codes))
        return list(CodeExport.objects.filter(code__in=codes))

    def ready(self, *codes: str) -> list[CodeExport]:
        """Codes in Ready to Export, with both accounts."""
        rows = self.send(*codes)
        ids = tuple(row.pk for row in rows)
        services.assign_accounts(self.alice, self.connection, self.seen(ids=ids), self.income.pk, self.expense.pk)
        return list(CodeExport.objects.filter(pk__in=ids))

    def queue(self, *codes: str) -> list[CodeExport]:
        rows = self.ready(*codes)
        result = services.queue_codes(self.alice, self.connection, self.seen(ids=tuple(row.pk for row in rows)))
        assert result.count == len(codes)
        return list(CodeExport.objects.filter(pk__in=[row.pk for row in rows]))

    def seen(self, connection: Connection | None = None, **values: Any) -> Selection:
        """A selection by someone who opened the list (of this connection) just now."""
        counts = Counts.read(connection or self.connection, "")
        return Selection(counts.now, counts.last_batch, **values)

    def portion(self) -> bool:
        return queue.export_portions(self.connection.pk)

    def drain(self) -> None:
        """Portion after portion until nothing is unfinished."""
        deadline = time.monotonic() + PATIENCE_S
        while CodeExport.objects.filter(status__in=["QUEUED", "EXPORTING", "UNKNOWN"]).exists():
            assert time.monotonic() < deadline, self.states()
            if not self.portion():
                time.sleep(0.02)

    def let_time_pass(self) -> None:
        """Whatever waits for its time is due now."""
        Connection.objects.update(open_until=None)
        CodeExport.objects.filter(due_at__gt=Now()).update(due_at=Now())


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path / "journal")


@pytest.fixture
def _scripted_erp(settings: Any) -> None:
    settings.ERP_ADAPTERS = ["tests.exports.scripted.ScriptedAdapter"]
    settings.EXPORT_LEASE_S, settings.EXPORT_SETTLE_S, settings.EXPORT_RETRY_S = 60, 0, 0.01


@pytest.fixture
def scene(db: None, _scripted_erp: None, books: Books) -> Scene:
    return Scene(books)
