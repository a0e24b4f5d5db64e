"""What the tests of the services do not show: how the database goes about it."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.bulk import as_json, update_each
from exports.models import CodeExport, Status
from tests.factories import make_connection, make_export


@pytest.mark.django_db
@pytest.mark.pg_only
def test_rows_are_looked_up_by_their_key_and_not_among_all_in_their_state() -> None:
    """Else a portion would take the longer, the more codes wait behind it."""
    erp = make_connection()
    rows = [make_export(f"01-{number}", erp, status=Status.FAILED) for number in range(100, 105)]
    with CaptureQueriesContext(connection) as captured:
        assert (
            update_each(CodeExport, [{"id": row.pk, "message": "x"} for row in rows[:2]], {"status": Status.FAILED})
            == 2
        )

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # so few rows would be read from end to end
        cursor.execute(f"EXPLAIN {captured[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "Index Scan using exports_codeexport_pkey" in plan
    assert "exports_due" not in plan


class TestAsJson:
    @pytest.mark.parametrize(
        ("given", "stored"),
        [
            ("half \ud800 of one", "half ? of one"),
            ("one\0two", "onetwo"),
            ("as it is typed: \\u0000", "as it is typed: \\u0000"),
            ("Ä €", "Ä €"),
            (2**70, 2**70),
        ],
    )
    def test_what_databases_cannot_store_is_left_out_and_all_else_stays(self, given: object, stored: object) -> None:
        assert json.loads(as_json([{"text": given, "inner": {"list": [given]}}])) == [
            {"text": stored, "inner": {"list": [stored]}}
        ]
