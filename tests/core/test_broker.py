"""What a wake-up call carries: the id, and nothing that only the worker can know."""

from __future__ import annotations

import pytest

from config.celery import app
from core import broker
from exports.tasks import export_connection

pytestmark = pytest.mark.once


def test_how_long_the_task_may_take_is_left_to_the_worker() -> None:
    app.finalize()  # as in any process that has loaded its tasks: else it would send no limits anyway
    assert export_connection.soft_time_limit

    with app.connection_for_read() as connection:
        queue = app.amqp.queues[app.conf.task_default_queue](connection.default_channel)
        queue.purge()  # what beat asked for in other tests, and nobody took

        broker.wake(export_connection.name, [7])
        message = queue.get(no_ack=True)

    assert message.headers["timelimit"] == [None, None]
    assert message.payload[0] == [7]
