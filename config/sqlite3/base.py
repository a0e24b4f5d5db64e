"""Django's SQLite backend, with one form for every moment.

SQLite compares moments as text. Its own clock tells milliseconds, Python's datetimes are written with microseconds, or
without any fraction when they have none: within the same millisecond the two would be in any order. Here all are
written as SQLite's clock tells them.
"""

from __future__ import annotations

from datetime import datetime

from django.db.backends.sqlite3 import base, operations

SECOND = len("2026-11-29 14:05:30")


class DatabaseOperations(operations.DatabaseOperations):
    def adapt_datetimefield_value(self, value: datetime | None) -> str | None:
        text = super().adapt_datetimefield_value(value)
        return text and f"{text[:SECOND]}.{text[SECOND + 1 : SECOND + 4]:0<3}"


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
