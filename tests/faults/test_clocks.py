"""Workers whose clocks are wrong: only the database's counts. Row 26 of the matrix."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from exports.models import Attempt
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.faults.conftest import Processes
from tests.faults.test_killed_workers import queue_many
from tests.servers.programs import ROOT

pytestmark = pytest.mark.processes


def off_by(hours: int) -> dict[str, str]:
    return {"DJANGO_SETTINGS_MODULE": "tests.faults.shifted_settings", "CLOCK_OFF_BY_H": str(hours)}


def test_the_clock_of_such_a_process_is_wrong() -> None:
    look = "import django; django.setup(); import time; print(time.time(), time.monotonic())"

    told = subprocess.run(
        [sys.executable, "-c", look],
        env={**os.environ, **off_by(1)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert float(told[0]) - time.time() > 3000  # noqa: TID251 (the machine's own clock is what is asked about)
    assert float(told[1]) <= time.monotonic()


@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_whose_clock_is_an_hour_off_steals_no_lease_and_leaves_nothing(
    processes: Processes, scene: Scene, hours: int
) -> None:
    wrong = processes.worker(**off_by(hours))
    right = processes.worker()
    processes.beat()
    scene.books.tell(Rule("sleep:0.3"), Rule("not sent", "01-0007", times=1), Rule("after:uncertain", times=1))

    queue_many(scene, 120)

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 120
    assert not any("Lost the lease" in worker.log.read_text() for worker in (wrong, right))
    assert Attempt.objects.filter(ended_at=None).count() == 0


def test_a_wrong_clock_alone_brings_everything_home(processes: Processes, scene: Scene) -> None:
    processes.worker(**off_by(1))
    processes.beat(**off_by(-1))
    scene.books.tell(Rule("transient", times=1), Rule("not sent", "01-0003", times=2))

    queue_many(scene, 20)

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 20
