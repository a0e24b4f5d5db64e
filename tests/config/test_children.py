from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError

from config import children
from config.children import Child
from tests.servers.server import wait_until

pytestmark = pytest.mark.once
STAYS = "import time; time.sleep(600)"


@pytest.fixture
def lock(tmp_path: Path) -> Iterator[int]:
    with (tmp_path / "lock").open("w") as file:
        yield file.fileno()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "FIRST_WAIT_S", 0.01)


def make(program: str, lock: int) -> Child:
    return Child("worker", [sys.executable, "-c", program], lock)


def look_until(child: Child, is_so: Callable[[], object]) -> None:
    def looks() -> bool:
        child.look_after()
        return bool(is_so())

    wait_until(looks, "What was looked for")


def test_a_child_that_ended_by_itself_is_started_again(lock: int, caplog: pytest.LogCaptureFixture) -> None:
    child = make(STAYS, lock)
    child.look_after()
    assert child.process
    first = child.process.pid

    os.kill(first, signal.SIGKILL)
    look_until(child, lambda: child.process and child.process.pid != first)

    assert "The worker ended by itself (exit code -9). It is started again" in caplog.text
    children.end([child.process])
    assert child.process.poll() is not None


def test_one_that_cannot_be_started_is_given_up_and_says_so(lock: int) -> None:
    child = make("raise SystemExit('no')", lock)

    with pytest.raises(CommandError, match="The worker ends as soon as it is started"):
        look_until(child, lambda: False)

    assert child.in_vain == children.STARTS


def test_the_wait_grows_with_each_start_in_vain(lock: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "FIRST_WAIT_S", 100)
    child = make(STAYS, lock)

    waits = []
    for _ in range(children.STARTS - 1):
        child.started = time.monotonic()
        child._has_ended(1)
        waits.append(round(child.due - time.monotonic()))

    assert waits == [200, 400, 800]


def test_one_that_ran_for_a_while_begins_anew_to_count(lock: int) -> None:
    child = make(STAYS, lock)
    child.in_vain = children.STARTS - 1
    child.started = time.monotonic() - children.SOON_S

    child._has_ended(-9)

    assert child.in_vain == 0
