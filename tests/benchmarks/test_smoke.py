"""The benchmarks run: what they measure is for `bin/test --all`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.servers.programs import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.slow]

NAMES = ("page: ", "auto-save: ", "overhead ", "poll: ", "growth: ", "pipeline: ", "tree: ", "import: ", "dripping: ")
NAMES += ("save beside: ", "longest statement ", "one by one: ", "long import: ")


@pytest.mark.pg_only
def test_every_benchmark_can_be_taken() -> None:
    command = [sys.executable, "-W", "error", "-m", "benchmarks", "--smoke"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name in NAMES if f"\n{name}" not in done.stdout] == []
