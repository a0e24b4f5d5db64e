"""Lets the tests with real transactions empty all tables between them; the audit trail's triggers refuse it else.

The guard is lifted inside the transaction that empties the tables, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db.backends.base.operations import BaseDatabaseOperations


@pytest.fixture(autouse=True, scope="session")
def emptying_lifts_triggers() -> Iterator[None]:
    execute_sql_flush = BaseDatabaseOperations.execute_sql_flush

    def lifting(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
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
