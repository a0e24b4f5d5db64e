"""Lets the tests with real transactions empty all tables between them; the audit trail's triggers refuse it else.

The guard is lifted inside the transaction that empties the tables, and nowhere else. PostgreSQL deletes what is there:
a TRUNCATE makes the files of all tables and indexes anew, which takes longer than most tests.

What the last test's browser asked of the test's server is first let come to its end: emptying tables under a request is
a deadlock, and what that request still writes would be the next test's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.commands import flush
from django.core.signals import request_finished, request_started
from django.db.backends.base.operations import BaseDatabaseOperations

from tests.patience import PATIENCE_S

MADE_BY_MIGRATIONS = {"auth_permission", "django_content_type"}  # nothing changes them
LARGE_BYTES = 1 << 20  # what deleted rows leave behind is not let grow beyond


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
        is_on_sqlite = self.connection.vendor == "sqlite"
        execute_sql_flush(self, _on_sqlite(self, sql_list) if is_on_sqlite else _on_postgresql(self))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", lifting)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: None)  # it makes anew what is kept
        yield


def _on_sqlite(operations: BaseDatabaseOperations, sql_list: list[str]) -> list[str]:
    with operations.connection.cursor() as cursor:
        triggers = cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    emptying = [sql for sql in sql_list if not any(f'"{table}"' in sql for table in MADE_BY_MIGRATIONS)]
    return [*(f'DROP TRIGGER "{name}"' for name, _ in triggers), *emptying, *(sql for _, sql in triggers)]


def _on_postgresql(operations: BaseDatabaseOperations) -> list[str]:
    tables = operations.connection.introspection.django_table_names(only_existing=True, include_views=False)
    with operations.connection.cursor() as cursor:
        sizes = "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)"
        cursor.execute(sizes, [list(set(tables) - MADE_BY_MIGRATIONS)])
        used = {f'"{name}"': size for name, size in cursor.fetchall() if size}
    large = [name for name, size in used.items() if size > LARGE_BYTES]
    trail = "ALTER TABLE companies_auditevent"
    truncate = [f"TRUNCATE {', '.join(large)} CASCADE"] if large else []  # before rows are deleted, which locks it out
    delete = [f"DELETE FROM {name}" for name in used if name not in large]  # noqa: S608
    return [f"{trail} DISABLE TRIGGER USER", *truncate, *delete, f"{trail} ENABLE TRIGGER USER"]
