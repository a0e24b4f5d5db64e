from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.clock import in_seconds
from exports.models import Batch
from exports.pages.counts import Progress
from tests.exports.review_pages import Desk

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("by_status", "told"),
    [
        ({"QUEUED": 100}, ""),
        ({"SUCCESS": 100}, ""),
        ({"SUCCESS": 60, "QUEUED": 50, "EXPORTING": 10}, "about 31 s left"),
        ({"SUCCESS": 2, "FAILED": 1, "QUEUED": 30}, "about 6 min left"),
        ({"SUCCESS": 383, "UNKNOWN": 1}, ""),  # it is asked about, again and again perhaps
    ],
)
def test_the_time_left_is_told_of_what_is_under_way(by_status: dict[str, int], told: str) -> None:
    progress = Progress((1,), by_status, NOW - timedelta(seconds=30))

    assert progress.time_left(NOW) == told


@pytest.mark.django_db
def test_codes_that_are_put_off_are_left_out_of_the_time() -> None:
    desk = Desk()
    batch = Batch.objects.create(company=desk.connection.company, connection=desk.connection, kind=Batch.Kind.EXPORT)
    desk.ready("01-100", status="SUCCESS", remote_id="1", export_batch=batch)
    now = desk.ready("01-150", status="QUEUED", due_at=in_seconds(0), export_batch=batch)
    later = desk.ready("01-200", status="QUEUED", due_at=in_seconds(60), export_batch=batch)

    def told() -> str:
        progress = Progress.read(desk.connection, [])
        assert progress.started_at
        return progress.time_left(progress.started_at + timedelta(seconds=1))

    assert told() == "about 2 s left", "of the one that is due"

    desk.connection.code_exports.filter(pk=later.pk).update(due_at=in_seconds(0))
    assert told() == "about 3 s left"

    desk.connection.code_exports.filter(pk__in=(now.pk, later.pk)).update(due_at=in_seconds(60))
    assert told() == ""
