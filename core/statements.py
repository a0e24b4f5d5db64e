"""Statements that are put together once per process and run again and again: PostgreSQL keeps their plans, too.

Django sends each statement with its values written into it, so that the database plans it anew each time: for the few
statements of which a portion of exports is made, that costs more than what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

BY_ITSELF_NEVER = 2**31


class _Prepared(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **how: Any) -> _Prepared:
        super().execute(query, params, prepare=True, **how)
        if connection.queries_logged:  # Django's log of queries reads it there
            self._query = self._convert_query(query, params)
        return self


def run(sql: str, params: Sequence[Any]) -> CursorWrapper:
    """Run the statement and return its cursor, to be used as a context."""
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        # Django sets None, with which psycopg prepares nothing, whatever `execute` is told. Other cursors are not
        # concerned: they write the values into their statements.
        connection.connection.prepare_threshold = BY_ITSELF_NEVER
        cursor = connection._prepare_cursor(_Prepared(connection.connection))  # type: ignore[attr-defined]
    else:
        cursor = connection.cursor()
    cursor.execute(sql, params)
    return cursor
