"""What keeps the work going: the sweep, and waking the workers. The broker is a wake-up call, never a record."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.conf import settings
from django.db import OperationalError
from django.db.models import Exists, OuterRef, Q

from core import broker
from erp_integrations.models import Connection
from exports.models import CodeExport, Status
from exports.queue import leases
from exports.queue.portions import clear, with_work
from exports.queue.standing import give_back

logger = logging.getLogger(__name__)


def sweep() -> None:
    """What no wake-up call reached: codes whose sender is gone become UNKNOWN, those whose acceptance no longer stands
    go back to review, connections with due work are woken."""
    give_back()
    exporting = CodeExport.objects.filter(connection=OuterRef("pk"), status=Status.EXPORTING)
    for connection in Connection.objects.free().filter(Q(lease_until__isnull=False) | Exists(exporting)):
        try:
            _clear(connection)
        except OperationalError as error:  # someone holds its rows; the others shall not wait for them
            logger.warning("The sweep left %s for the next time: %s", connection, str(error).partition("\n")[0])
    wake(with_work().filter(failures_in_a_row=0).values_list("pk", flat=True))
    probed = Connection.objects.pushed().held().filter(failures_in_a_row__gt=0).count()
    probes = with_work().filter(failures_in_a_row__gt=0).order_by("open_until", "pk").values_list("pk", flat=True)
    wake(probes[: max(0, settings.EXPORT_PROBES - probed)])


def wake_siblings(connection_id: int) -> None:
    """Wake what else the company of this connection has to do: it may have waited for this one's call to end."""
    company = Connection.objects.filter(pk=connection_id).values("company")
    others = with_work().filter(company__in=company, failures_in_a_row=0).exclude(pk=connection_id)
    wake(others.values_list("pk", flat=True))


def _clear(connection: Connection) -> None:
    lease = leases.take(Connection.objects.filter(pk=connection.pk))
    if lease:
        clear(lease)


def wake(connection_ids: Iterable[int]) -> None:
    """Ask the workers to look at these connections. Never fails: with the broker down, the sweep finds the rows."""
    broker.wake("exports.tasks.export_connection", connection_ids)
