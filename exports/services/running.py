"""What keeps the work going: the sweep, and waking the workers. The broker is a wake-up call, never a record."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import OperationalError
from django.db.models import Exists, OuterRef

from companies import broker
from erp_integrations.models import Connection
from exports.models import CodeExport, CodeExportQuerySet, Status
from exports.services import leases
from exports.services.portions import able
from exports.services.resolving import give_up

logger = logging.getLogger(__name__)


def sweep() -> None:
    """What no wake-up call reached: codes whose sender is gone become UNKNOWN, connections with due work are woken."""
    sending = CodeExport.objects.filter(status=Status.SENDING)
    for connection in Connection.objects.free().filter(Exists(sending.filter(connection=OuterRef("pk")))):
        try:
            _give_up(connection, sending)
        except OperationalError as error:  # someone holds its rows; the others shall not wait for them
            logger.warning("The sweep left %s for the next time: %s", connection, str(error).partition("\n")[0])
    with_work = able().filter(Exists(CodeExport.objects.due().filter(connection=OuterRef("pk"))))
    wake(with_work.free().values_list("pk", flat=True))


def _give_up(connection: Connection, sending: CodeExportQuerySet) -> None:
    lease = leases.take(Connection.objects.filter(pk=connection.pk))
    if lease:
        give_up(lease, sending.for_adapter().filter(connection=connection))
        lease.release()


def wake(connection_ids: Iterable[int]) -> None:
    """Ask the workers to look at these connections. Never fails: with the broker down, the sweep finds the rows."""
    broker.wake("exports.tasks.export_connection", connection_ids)
