from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings

from core.crashpoints import crashpoint
from tests.servers.programs import ROOT

pytestmark = pytest.mark.once
PASS_TWICE = "import django; django.setup(); from core.crashpoints import crashpoint as c; c('K'); print(1); c('K')"


def pass_twice(crash: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "CRASH": crash}
    return subprocess.run([sys.executable, "-c", PASS_TWICE], env=environment, cwd=ROOT, capture_output=True)


def test_without_crash_in_the_environment_nothing_happens() -> None:
    assert settings.CRASH == ""

    crashpoint("claimed")

    assert pass_twice("").returncode == 0


def test_the_nth_pass_kills_the_process() -> None:
    done = pass_twice("K:2")

    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"1\n")
    assert pass_twice("other:1").returncode == 0


def test_production_does_not_set_it() -> None:
    for name in (".env.example", "docker-compose.yml", "Dockerfile"):
        text = (ROOT / name).read_text() if (ROOT / name).exists() else ""
        assert "CRASH" not in text
