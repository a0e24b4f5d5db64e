"""Threads that come to the same step at the same moment: the heart of every test of a race."""

from __future__ import annotations

import time
from collections.abc import Callable

import psycopg

from tests.patience import PATIENCE_S
from tests.servers.celery import test_database_url

HELD_BACK = """SELECT EXISTS (SELECT FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock')"""


def wait_unless_held_back(has_come: Callable[[], bool]) -> None:
    """Wait for what another thread does, unless PostgreSQL holds that thread back by a lock."""
    with psycopg.connect(test_database_url(), autocommit=True) as watch:
        wait_for(lambda: has_come() or bool(watch.execute(HELD_BACK).fetchone()[0]))


def wait_for(has_come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not has_come():
        assert time.monotonic() < deadline, "nobody else came"
        time.sleep(0.01)


class Meeting:
    """Who comes goes on when all have come, or when PostgreSQL holds one of the others back."""

    def __init__(self, number: int = 2) -> None:
        self.number = number
        self.come: list[None] = []  # appended to by any thread

    def wait(self) -> None:
        self.come.append(None)
        wait_unless_held_back(lambda: len(self.come) >= self.number)
