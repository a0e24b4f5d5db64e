from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from exports.pages.counts import Progress

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
