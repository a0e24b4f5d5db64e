"""Waking the workers. The broker is a wake-up call, never a record: whoever calls it goes on without it."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from celery import current_app
from celery.worker import state
from kombu import pools
from kombu.exceptions import OperationalError

# A click waits for the broker two seconds at most; with kombu's own patience it would be six.
IMPATIENT = {"max_retries": 0, "socket_connect_timeout": 0.5, "socket_timeout": 0.5}
ONCE_MORE = {"max_retries": 1, "interval_start": 0}  # a connection of the pool may be stale
# How long a task may take is the worker's affair. Else a process that has loaded its tasks sends its own limits along,
# and they win.
NO_LIMITS = {"time_limit": None, "soft_time_limit": None}

logger = logging.getLogger(__name__)


def wake(task: str, ids: Iterable[int]) -> None:
    """Ask the workers to do this task for each id. Never fails: with the broker down, what is due is found later."""
    broker = current_app.connection_for_write(transport_options=IMPATIENT)
    try:
        with pools.producers[broker].acquire(block=True) as producer:
            for id in ids:
                current_app.send_task(task, [id], producer=producer, retry_policy=ONCE_MORE, **NO_LIMITS)
    except OperationalError:
        logger.warning("The broker cannot be reached; what %s is for is found later", task)


def is_ending() -> bool:
    """Whether this process is a worker that was told to end: what it does it may finish, and begins nothing more.

    A child of a worker is not told; the worker waits for it.
    """
    return state.should_stop is not None or state.should_terminate is not None


def waiting() -> int:
    """How many calls wait for a worker; 0 when the broker cannot be asked."""
    with current_app.connection_for_read(transport_options=IMPATIENT) as broker:
        try:
            queue = current_app.amqp.queues[current_app.conf.task_default_queue](broker.default_channel)
            return int(queue.queue_declare(passive=True).message_count)
        except (OperationalError, *broker.connection_errors, *broker.channel_errors):  # an empty queue is not there
            return 0
