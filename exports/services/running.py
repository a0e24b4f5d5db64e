"""What keeps the work going: the sweep, and waking the workers. The broker is a wake-up call, never a record."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from celery import current_app
from django.db.models import Exists, OuterRef
from kombu import pools
from kombu.exceptions import OperationalError

from erp_integrations.models import Connection
from exports.models import CodeExport, Status
from exports.services import leases
from exports.services.portions import with_work
from exports.services.resolving import give_up

# A click waits for the broker two seconds at most; with kombu's own patience it would be six.
IMPATIENT = {"max_retries": 0, "socket_connect_timeout": 0.5, "socket_timeout": 0.5}
ONCE_MORE = {"max_retries": 1, "interval_start": 0}  # a connection of the pool may be stale

logger = logging.getLogger(__name__)


def sweep() -> None:
    """What no wake-up call reached: codes whose sender is gone become UNKNOWN, connections with due work are woken."""
    sending = CodeExport.objects.filter(status=Status.SENDING)
    for connection in Connection.objects.free().filter(Exists(sending.filter(connection=OuterRef("pk")))):
        lease = leases.take(Connection.objects.filter(pk=connection.pk))
        if lease:
            give_up(lease, sending.for_adapter().filter(connection=connection))
            lease.release()
    wake(with_work().free().values_list("pk", flat=True))


def wake(connection_ids: Iterable[int]) -> None:
    """Ask the workers to look at these connections. Never fails: with the broker down, the sweep finds the rows."""
    broker = current_app.connection_for_write(transport_options=IMPATIENT)
    try:
        with pools.producers[broker].acquire(block=True) as producer:
            for connection_id in connection_ids:
                current_app.send_task(
                    "exports.tasks.export_connection", [connection_id], producer=producer, retry_policy=ONCE_MORE
                )
    except OperationalError:
        logger.warning("The broker cannot be reached; the sweep wakes the workers later")
