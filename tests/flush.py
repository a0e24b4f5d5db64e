"""Lets the tests with real transactions empty all tables between them; the audit trail's triggers refuse it else.

The guard is lifted inside the transaction that empties the tables, and nowhere else. What the last test's browser asked
of the test's server is first let come to its end: emptying tables under a request is a deadlock, and what that request
still writes would be the next test's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db.backends.base.operations import BaseDatabaseOperations

from tests.patience import PATIENCE_S


class Requests:
    """How many the server of the tests has begun and not ended. A test's own client is not counted."""

    def __init__(self) -> None:
        self._under_way = 0
        self._changed = threading.Condition()

    def begin(self, sender: type | None, **_: Any) -> None:
        self._count(sender, 1)

    def end(self, sender: type | None, **_: Any) -> None:
        self._count(sender, -1)

    def _count(self, sender: type | None, by: int) -> None:
        if sender is not None and issubclass(sender, WSGIHandler):
            with self._changed:
                self._under_way += by
                self._changed.notify_all()

    def wait_for_the_last(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way == 0, PATIENCE_S):
                raise TimeoutError(f"{self._under_way} requests of the last test have not ended.")


@pytest.fixture(autouse=True, scope="session")
def emptying_lifts_triggers() -> Iterator[None]:
    execute_sql_flush = BaseDatabaseOperations.execute_sql_flush
    requests = Requests()
    request_started.connect(requests.begin)
    request_finished.connect(requests.end)

    def lifting(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
        requests.wait_for_the_last()
        lift, restore = _on_sqlite(self) if self.connection.vendor == "sqlite" else _on_postgresql()
        execute_sql_flush(self, [*lift, *sql_list, *restore])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", lifting)
        yield


def _on_sqlite(operations: BaseDatabaseOperations) -> tuple[list[str], list[str]]:
    with operations.connection.cursor() as cursor:
        triggers = cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    return [f'DROP TRIGGER "{name}"' for name, _ in triggers], [sql for _, sql in triggers]


def _on_postgresql() -> tuple[list[str], list[str]]:
    table = "ALTER TABLE companies_auditevent"
    return [f"{table} DISABLE TRIGGER USER"], [f"{table} ENABLE TRIGGER USER"]
