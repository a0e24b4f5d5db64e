"""With a broker of its own (REDIS_URL): web, worker and beat as three processes that live and end together."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from django.core.management import CommandError

FAREWELL_S = 10


def serve(port: int, lock: int, announce: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, or until a child ends by itself, which is a CommandError.

    The children keep `lock` open too, so that nobody starts beside what a kill -9 of ours may have left.
    """
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands(port).items():
            children[name] = subprocess.Popen(
                command, pass_fds=[lock], start_new_session=True, preexec_fn=end_with_parent
            )
        is_announced = False
        while True:
            for name, child in children.items():
                if child.poll() is not None:
                    raise CommandError(f"The {name} ended by itself; its last words are above.")
            if not is_announced and answers(port):
                announce()
                is_announced = True
            time.sleep(0.2)
    finally:
        end(list(children.values()))


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
