"""The servers of the tests themselves: a fault test is only as good as its kill -9."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from config.celery import app
from tests.patience import PATIENCE_S
from tests.servers import redis
from tests.servers.celery import Beat, CeleryProcess, Worker
from tests.servers.postgres import PostgreSQL
from tests.servers.redis import Redis
from tests.servers.server import wait_until

pytestmark = pytest.mark.processes


def test_a_private_postgresql_outlives_kill_9() -> None:
    with PostgreSQL() as server:
        server.ask("tieback", "CREATE TABLE kept AS SELECT 7 AS number")

        server.kill()
        server.restart()

        assert server.ask("tieback", "TABLE kept") == "7"


def test_a_private_redis_outlives_kill_9_and_can_be_emptied() -> None:
    with Redis() as server:
        redis.ask(server.url, "SET kept 7")

        server.kill()
        server.restart()

        assert redis.ask(server.url, "GET kept") == "7"
        server.empty()
        assert redis.ask(server.url, "GET kept") is None


def test_a_stopped_server_leaves_nothing_behind() -> None:
    with Redis() as server:
        folder = server.folder

    assert not folder.exists()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)


def test_no_test_reaches_beyond_this_machine() -> None:
    with pytest.raises(PermissionError):
        socket.create_connection(("192.0.2.1", 80), timeout=PATIENCE_S)
    with pytest.raises(socket.gaierror):
        socket.create_connection(("example.com", 80), timeout=PATIENCE_S)


def test_a_worker_takes_what_waits_until_it_is_killed_and_again_after_its_restart(
    start_process: Callable[..., Worker],
) -> None:
    worker = start_process(Worker, CELERY_SKIP_CHECKS="")  # as production starts it
    children = worker.child_ids()
    app.send_task("exports.tasks.sweep")
    wait_until(lambda: waiting() == 0, "the worker")

    worker.kill()

    wait_until(lambda: not any(map(is_alive, children)), "the end of the pool")
    app.send_task("exports.tasks.sweep")
    assert waiting() == 1
    worker.restart()
    wait_until(lambda: waiting() == 0, "the restarted worker")


def test_beat_asks_for_a_sweep_again_and_again(start_process: Callable[..., CeleryProcess]) -> None:
    start_process(Beat, EXPORT_SWEEP_S="0.2")

    wait_until(lambda: waiting() >= 3, "the third sweep")


def is_alive(process_id: int) -> bool:
    try:
        return " (zombie)" not in Path(f"/proc/{process_id}/status").read_text()
    except FileNotFoundError:
        return False


def waiting() -> int:
    return int(redis.ask(app.conf.broker_url, f"LLEN {app.conf.task_default_queue}"))
