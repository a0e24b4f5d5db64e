"""What keeps the work going: the sweep, and waking the workers. The broker is a wake-up call, never a record."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from companies import broker
from erp_integrations.models import Connection
from exports.models import CodeExport, Status
from exports.services import leases
from exports.services.portions import able
from exports.services.resolving import give_up


def sweep() -> None:
    """What no wake-up call reached: codes whose sender is gone become UNKNOWN, connections with due work are woken."""
    sending = CodeExport.objects.filter(status=Status.SENDING)
    for connection in Connection.objects.free().filter(Exists(sending.filter(connection=OuterRef("pk")))):
        lease = leases.take(Connection.objects.filter(pk=connection.pk))
        if lease:
            give_up(lease, sending.for_adapter().filter(connection=connection))
            lease.release()
    with_work = able().filter(Exists(CodeExport.objects.due().filter(connection=OuterRef("pk"))))
    wake(with_work.free().values_list("pk", flat=True))


def wake(connection_ids: Iterable[int]) -> None:
    """Ask the workers to look at these connections. Never fails: with the broker down, the sweep finds the rows."""
    broker.wake("exports.tasks.export_connection", connection_ids)
