"""The database's clock: the only one that all processes share.

Whatever is stored is told by it and compared with it, in the database: never with Python's clock (ruff's TID251 holds
that), which is another machine's, or more exact than SQLite's.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Func, Value
from django.db.models.functions import Now
from django.db.models.sql import Query


class InSeconds(Func):
    """So many seconds from now; in the past when they are negative."""

    template = "(STATEMENT_TIMESTAMP() + %(expressions)s)"

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(Value(timedelta(seconds=seconds)), output_field=DateTimeField())

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """As Django's Now() has it. An addition of Django's would be in microseconds."""
        shifted = self.copy()
        shifted.set_source_expressions([Value(f"{self.seconds:+.3f} seconds")])
        now = "STRFTIME('%%%%Y-%%%%m-%%%%d %%%%H:%%%%M:%%%%f', 'NOW', %(expressions)s)"
        return shifted.as_sql(compiler, connection, template=now, **context)


def in_seconds(seconds: float) -> InSeconds:
    return InSeconds(seconds)


def clock_sql() -> str:
    """The database's clock, for a statement that is put together by hand and has parameters."""
    sql, _ = Query(None).get_compiler(connection=connection).compile(Now())
    return str(sql)
