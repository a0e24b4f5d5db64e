from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from kombu import Connection, Consumer
from kombu.common import ignore_errors
from kombu.transport import redis as kombu_redis

from config.celery import app
from config.redis import QoS
from tests.servers.redis import Redis

pytestmark = pytest.mark.once


@pytest.fixture
def redis() -> Iterator[Redis]:
    with Redis() as redis:
        yield redis


def with_a_task_in_flight(redis: Redis) -> Connection:
    """A connection as the worker's consumer has it: a task that is not done yet, and the next one asked for."""
    connection = Connection(redis.url, transport_options={"socket_timeout": 5})
    channel, control = connection.default_channel, connection.channel()
    queue = app.amqp.queues[app.conf.task_default_queue](channel)
    consumer = Consumer(channel, [queue], callbacks=[lambda *_: None], accept=["json"])
    consumer.qos(prefetch_count=2)
    consumer.consume()
    app.control.mailbox.Node("worker@test", channel=control).listen(callback=lambda *_: None)
    assert control.client.ping()
    with app.connection_for_write(redis.url) as other:
        app.send_task("exports.tasks.sweep", connection=other)
    while not (channel.qos._delivered and channel._in_poll):
        with suppress(socket.timeout):
            connection.drain_events(timeout=0.2)
    return connection


def lose(connection: Connection) -> None:
    """What Celery's consumer does when it finds its connection lost."""
    with suppress(Exception):
        connection.collect(socket_timeout=1)
    ignore_errors(connection, connection.close)


def test_a_broker_that_dies_with_a_task_in_flight_ends_no_worker(redis: Redis) -> None:
    connection = with_a_task_in_flight(redis)
    channel = connection.default_channel
    redis.kill()

    lose(connection)

    assert channel.closed
    channel.qos.ack("a tag")  # the task is done after all
    channel.qos.reject("a tag", requeue=True)


def test_without_the_mend_it_would(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """When this falls, kombu has mended it, and config/redis.py can go."""
    monkeypatch.setattr(kombu_redis.Channel, "QoS", kombu_redis.QoS)
    connection = with_a_task_in_flight(redis)
    redis.kill()

    with pytest.raises(AttributeError):
        lose(connection)


def test_a_broker_that_is_there_gets_its_messages_back(redis: Redis) -> None:
    connection = with_a_task_in_flight(redis)
    [tag] = connection.default_channel.qos._delivered
    assert isinstance(connection.default_channel.qos, QoS)

    connection.close()

    with Connection(redis.url) as again:
        assert again.default_channel.client.hexists("unacked", tag) is False
        queue = app.amqp.queues[app.conf.task_default_queue](again.default_channel)
        assert queue.queue_declare(passive=True).message_count == 1
