"""Wake-up calls: they carry an id, may run twice, late or never."""

from __future__ import annotations

import logging

from celery import current_app, shared_task
from kombu import pools
from kombu.exceptions import OperationalError

from wbs.models import ImportDraft

# A click waits for the broker two seconds at most; with kombu's own patience it would be six.
IMPATIENT = {"max_retries": 0, "socket_connect_timeout": 0.5, "socket_timeout": 0.5}
ONCE_MORE = {"max_retries": 1, "interval_start": 0}  # a connection of the pool may be stale

logger = logging.getLogger(__name__)


@shared_task
def check_draft(draft_id: int) -> None:
    draft = ImportDraft.objects.select_related("segment").filter(pk=draft_id).first()
    if draft:
        draft.work()


def wake(draft_id: int) -> None:
    """Ask a worker to check the list. Never fails: with the broker down, who looks at the check does the work."""
    broker = current_app.connection_for_write(transport_options=IMPATIENT)
    try:
        with pools.producers[broker].acquire(block=True) as producer:
            check_draft.apply_async([draft_id], producer=producer, retry_policy=ONCE_MORE)
    except OperationalError:
        logger.warning("The broker cannot be reached; a list is checked by whoever asks for it")
