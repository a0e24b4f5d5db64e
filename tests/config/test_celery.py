"""Workers and their database connections."""

from __future__ import annotations

import pytest
from django.db import connection

from config.celery import app
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


def done(worker: Worker) -> int:
    return worker.log.read_text().count("succeeded in")


def sessions() -> set[int]:
    """Everyone else's on our database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}
