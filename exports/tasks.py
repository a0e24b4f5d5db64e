"""Wake-up calls: they carry an id, may run twice, late or never."""

from __future__ import annotations

from celery import shared_task

from exports import services


@shared_task
def export_connection(connection_id: int) -> None:
    """One portion; what is left goes to the tail of the queue, so that nobody waits behind a long list."""
    if services.export_portion(connection_id):
        services.wake([connection_id])


@shared_task
def sweep() -> None:
    services.sweep()
