"""The soak itself, in small: it runs, and its referee sees every planted error. `bin/test --soak N` is the real one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers.programs import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.once]


def test_a_small_soak_holds_and_its_referee_sees_what_is_planted() -> None:
    command = [sys.executable, "-m", "tests.faults.soak", "60", "--seconds", "8", "--seed", "small"]
    ours = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}

    done = subprocess.run(command, cwd=ROOT, env=ours, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "planted errors that the referee found: 14 of 14" in done.stdout
