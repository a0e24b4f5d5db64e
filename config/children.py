"""With a broker of its own (REDIS_URL): web, worker and beat as three processes, each started again when it ends."""

from __future__ import annotations

import ctypes
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from django.core.management import CommandError

FAREWELL_S = 10
SOON_S = 10  # who ends so soon after its start counts as one that could not start
STARTS = 4  # of such, one after the other, until it is given up
FIRST_WAIT_S = 1  # before the next start; doubles

logger = logging.getLogger(__name__)


@dataclass
class Child:
    name: str
    command: list[str]
    lock: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    due: float = 0  # when it is to be started, while it does not run
    in_vain: int = 0  # starts in a row that it did not outlive for long

    def look_after(self) -> None:
        """Start it if it does not run; a CommandError if it cannot be started."""
        if self.process is not None and (code := self.process.poll()) is not None:
            self._has_ended(code)
        if self.process is None and time.monotonic() >= self.due:
            self.started = time.monotonic()
            self.process = subprocess.Popen(
                self.command, pass_fds=[self.lock], start_new_session=True, preexec_fn=end_with_parent
            )

    def _has_ended(self, code: int) -> None:
        self.process = None
        self.in_vain = self.in_vain + 1 if time.monotonic() - self.started < SOON_S else 0
        if self.in_vain >= STARTS:
            raise CommandError(f"The {self.name} ends as soon as it is started; its last words are above.")
        wait_s = FIRST_WAIT_S * 2**self.in_vain
        self.due = time.monotonic() + wait_s
        logger.error("The %s ended by itself (exit code %s). It is started again in %s s.", self.name, code, wait_s)


def serve(port: int, lock: int, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, or until a child cannot be started, which is a CommandError.

    The children keep `lock` open too, so that nobody starts beside what a kill -9 of ours may have left.
    """
    children = [Child(name, command, lock) for name, command in commands(port).items()]
    try:
        is_announced = False
        while True:
            for child in children:
                child.look_after()
            if not is_announced and answers(port):
                announce()
                is_announced = True
            time.sleep(0.2)
    finally:
        end([child.process for child in children if child.process])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def commands(port: int) -> dict[str, list[str]]:
    gunicorn = ["gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "config"]
    return {
        "web": [sys.executable, "-m", *gunicorn, "--threads", "8", "--keep-alive", "5", "--log-level", "warning"],
        "worker": [*celery, "worker", "--pool", "threads", "--concurrency", "4", "--loglevel", "WARNING"],
        "beat": [*celery, "beat", "--loglevel", "WARNING"],
    }


def end_with_parent() -> None:
    """In a session of its own a child does not see Ctrl-C; on Linux it ends when we are killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    deadline = time.monotonic() + FAREWELL_S
    for child in children:
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):  # a second Ctrl-C waits no longer
            child.wait(max(0, deadline - time.monotonic()))
        child.kill()
        child.wait()
