"""Redis that dies with tasks in flight, or stays and says nothing any more. Rows 10 and 11 of the matrix."""

from __future__ import annotations

import time

import pytest

from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.faults.conftest import Processes
from tests.faults.test_killed_workers import queue_many
from tests.servers.proxy import Proxy
from tests.servers.redis import Redis
from tests.servers.server import wait_until

pytestmark = pytest.mark.processes


def test_row_10_a_redis_killed_with_tasks_in_flight_ends_no_worker(
    processes: Processes, scene: Scene, broker: Redis
) -> None:
    workers = [processes.worker(pool, REDIS_URL=broker.url) for pool in ("prefork", "threads")]
    processes.beat(REDIS_URL=broker.url)
    scene.books.tell(Rule("sleep:0.1"))
    queue_many(scene, 500)

    for _ in range(3):
        before = len(scene.books.items())
        processes.wait_until(lambda before=before: len(scene.books.items()) > before)
        broker.kill()
        time.sleep(0.3)
        broker.restart()

    assert processes.finish() == {"SUCCESS"}
    assert [worker.process.poll() for worker in workers if worker.process] == [None, None]


def test_row_11_a_worker_on_a_half_open_connection_ends_and_its_next_goes_on(
    processes: Processes, scene: Scene, broker: Redis
) -> None:
    with Proxy(broker.port) as proxy:
        watched = {"REDIS_URL": broker.url.replace(str(broker.port), str(proxy.port))}
        watched["DJANGO_SETTINGS_MODULE"] = "tests.faults.watched_settings"
        deaf = processes.worker(**watched)
        assert deaf.process
        proxy.silence()
        processes.beat(REDIS_URL=broker.url)  # its first call goes into the dead connection, the next ones wait
        queue_many(scene, 20)

        wait_until(lambda: deaf.process is not None and deaf.process.poll() is not None, "The end of the deaf worker")
        assert deaf.process.returncode == 1
        assert "this worker took none in 2 s. It ends" in deaf.log.read_text()
        deaf.restart()  # as its supervisor does

        assert processes.finish() == {"SUCCESS"}


def test_row_11_a_worker_that_has_nothing_to_do_is_left_alone(
    processes: Processes, scene: Scene, broker: Redis
) -> None:
    watched = {"REDIS_URL": broker.url, "DJANGO_SETTINGS_MODULE": "tests.faults.watched_settings"}
    idle = processes.worker(**watched)
    time.sleep(4)  # eight looks

    queue_many(scene, 20)

    assert processes.finish() == {"SUCCESS"}
    assert idle.process is not None
    assert idle.process.poll() is None


def test_row_11_kombu_itself_notices_a_half_open_connection_within_a_minute() -> None:
    from config.celery import app

    with app.connection_for_read() as connection:
        channel = connection.default_channel
        assert 0 < channel.brpop_timeout + 2 * channel.health_check_interval <= 60
