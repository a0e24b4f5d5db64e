"""Workers and their database connections."""

from __future__ import annotations

import pytest
from django.db import connection

from config.celery import app
from core import broker
from tests.patience import PATIENCE_S
from tests.servers.celery import Worker
from tests.servers.server import wait_until

CHILDREN = 2


@pytest.mark.pg_only
class TestConnections:
    def sweep(self, worker: Worker, times: int = 3 * CHILDREN) -> None:
        before = done(worker)
        for _ in range(times):
            app.send_task("exports.tasks.sweep")
        wait_until(lambda: done(worker) == before + times, "The end of the tasks")

    def test_a_worker_keeps_its_connections_from_task_to_task(self, worker: Worker) -> None:
        self.sweep(worker)
        first = sessions()
        self.sweep(worker)

        assert 1 <= len(first) <= CHILDREN
        assert first <= sessions()
        assert len(sessions()) <= CHILDREN

    def test_a_connection_that_broke_is_opened_anew(self, worker: Worker) -> None:
        self.sweep(worker)
        broken = sessions()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) AS pid", [list(broken)])
        self.sweep(worker)

        assert sessions()
        assert not sessions() & broken


def test_what_beat_asks_for_does_not_wait_for_ever_for_a_worker() -> None:
    """And stands clocks that are two hours apart, as tests/faults/test_clocks.py has them."""
    for entry in app.conf.beat_schedule.values():
        assert 2 * 3600 < entry["options"]["expires"] <= 4 * 3600


@pytest.mark.pg_only
def test_a_worker_throws_away_what_came_too_late_and_goes_on(worker: Worker) -> None:
    for _ in range(3):
        app.send_task("exports.tasks.sweep", expires=-1)
    app.send_task("exports.tasks.sweep", expires=PATIENCE_S)

    wait_until(lambda: done(worker) == 1, "The end of the task")
    assert worker.log.read_text().count("Discarding revoked task: exports.tasks.sweep") == 3
    assert broker.waiting() == 0


def done(worker: Worker) -> int:
    return worker.log.read_text().count("succeeded in")


def sessions() -> set[int]:
    """Everyone else's on our database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}
