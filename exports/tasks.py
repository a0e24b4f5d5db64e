"""Wake-up calls: they carry an id, may run twice, late or never."""

from __future__ import annotations

import time

from celery import shared_task
from django.conf import settings

from companies.mail import send_due
from erp_integrations import questions
from exports import answering, queue, services


@shared_task
def export_connection(connection_id: int) -> None:
    """Portions for a turn; what is left goes to the tail of the queue, so that nobody waits behind a long list."""
    ends, has_worked = time.monotonic() + settings.EXPORT_TURN_S, False
    while queue.export_portions(connection_id, ends):
        has_worked = True
        if time.monotonic() >= ends:
            queue.wake([connection_id])
            break
    if has_worked:
        queue.wake_siblings(connection_id)


@shared_task
def sweep() -> None:
    queue.sweep()


@shared_task
def read_items() -> None:
    services.read_due_items()


@shared_task
def answer(question_id: int) -> None:
    questions.answer(question_id, answering.ACTS)


@shared_task
def mail() -> None:
    services.tell()
    send_due()
