"""How PostgreSQL goes about what a turn asks of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.db import connection

from tests.exports.queue.turns import queue_many, turn
from tests.exports.scene import Scene

GROWS = ("exports_codeexport", "exports_attempt", "wbs_hold", "companies_auditevent")


@pytest.mark.pg_only
@pytest.mark.parametrize("share", ["none", "some"])
def test_plans_that_were_made_while_the_tables_were_small_do_not_go_through_them_whole(
    scene: Scene, share: str
) -> None:
    """A prepared statement keeps its plan until its tables are analyzed: on the first day that is long after."""
    statements = prepared(lambda: turn(scene), scene)
    with connection.cursor() as cursor:
        for table in GROWS:  # as on the first day: that of the tests holds what all of them left behind
            cursor.execute(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table} INCLUDING ALL) ON COMMIT DROP")
            if share == "some":
                cursor.execute(f"INSERT INTO {table} SELECT * FROM public.{table} LIMIT 150")  # noqa: S608
                cursor.execute(f"ANALYZE {table}")

    plans = [plan_of(statement) for statement in statements]

    assert len(plans) >= 4  # to claim with a call and ahead of it, to begin, to store
    for plan in plans:
        assert not re.search(rf"Seq Scan on ({'|'.join(GROWS)})", plan), plan


def prepared(run: Callable[[], Any], scene: Scene) -> set[str]:
    """The statements with which this writes to the tables that grow, as they are prepared."""
    queue_many(scene, 160)
    told: set[str] = set()

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if "began_at" in sql or "jsonb_to_recordset" in sql:
            told.add(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        run()
    return told


def plan_of(statement: str) -> str:
    """The one that is made without a look at the values."""
    number = count(1)
    sql = re.sub("%[s%]", lambda mark: f"${next(number)}" if mark[0] == "%s" else "%", statement)
    nothing = ", ".join(["NULL"] * (next(number) - 1))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE planned AS {sql}")
        cursor.execute(f"EXPLAIN EXECUTE planned({nothing})")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        cursor.execute("DEALLOCATE planned")
    return plan
