"""Wake-up calls: they carry an id, may run twice, late or never."""

from __future__ import annotations

import time

from celery import shared_task

from companies.mail import send_due
from exports import services

TURN_S = 1  # how long one connection may keep a worker while others wait


@shared_task
def export_connection(connection_id: int) -> None:
    """Portions for a turn; what is left goes to the tail of the queue, so that nobody waits behind a long list."""
    ends = time.monotonic() + TURN_S
    while services.export_portion(connection_id):
        if time.monotonic() >= ends:
            services.wake([connection_id])
            return


@shared_task
def sweep() -> None:
    services.sweep()


@shared_task
def read_items() -> None:
    services.read_due_items()


@shared_task
def mail() -> None:
    services.tell()
    send_due()
