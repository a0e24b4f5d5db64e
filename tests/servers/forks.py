"""Processes of Python that begin with the libraries imported: tests start hundreds, and that is most of a start.

One process without a thread imports what the product is built on, and nothing of the product. Each process is forked
off it and does what `python -m MODULE` does, in its own folder and environment. From there on it is like any other:
killed, frozen and measured by its id.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from tests.servers.programs import ROOT

MODULE = [sys.executable, "-m"]
LIBRARIES = [
    "celery.apps.worker",
    "celery.beat",
    "celery.bin.celery",
    "celery.concurrency.asynpool",
    "celery.concurrency.prefork",
    "celery.concurrency.thread",
    "celery.fixups.django",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "cryptography.fernet",
    "defusedxml",
    "django.contrib.staticfiles.finders",
    "django.core.mail",
    "django.core.management",
    "django.db.backends.postgresql.base",
    "django.db.models",
    "django.forms",
    "django.http",
    "django.template",
    "django.views.generic",
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.gthread",
    "httpx2",
    "kombu.transport.redis",
    "lxml.etree",
    "openpyxl",
    "psycopg",
    "redis",
    "whitenoise.middleware",
]
MOST_BYTES = 1 << 20  # of an environment and what else a start is told
NUMBER = 8  # bytes of an id or an exit code


class Forked:
    """As much of `subprocess.Popen` as a server of the tests needs. It leads a group of processes of its own."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path, log: Path) -> None:
        assert command[:2] == MODULE, command
        given = {"arguments": command[2:], "environment": environment, "folder": str(folder), "log": str(log)}
        self._told, tell = os.pipe()
        socket.send_fds(_server(), [json.dumps(given).encode()], [tell])
        os.close(tell)
        self.pid = self._next()
        self.returncode: int | None = None

    def __del__(self) -> None:
        os.close(self._told)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The same when it has ended; raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self.returncode = self._next()
        return self.returncode

    def send_signal(self, how: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, how)

    def _next(self) -> int:
        return int.from_bytes(os.read(self._told, NUMBER), signed=True)


_started: list[socket.socket] = []  # the way to this process's fork server


def _server() -> socket.socket:
    if not _started:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            server = subprocess.Popen([*MODULE, __name__, str(theirs.fileno())], cwd=ROOT, pass_fds=[theirs.fileno()])
        atexit.register(lambda: (ours.close(), server.wait()))
        _started.append(ours)
    return _started[0]


def serve(channel: socket.socket) -> None:
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    running: dict[int, int] = {}  # the end to tell it to, by process
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal's Ctrl-C; whoever asked ends what was started
    while True:
        ready = select.select([channel, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 1000)
            _tell_ends(running)
        if channel in ready:
            asked, ends, _, _ = socket.recv_fds(channel, MOST_BYTES, 1)
            if not asked:
                return
            process = os.fork()
            if not process:
                _become(json.loads(asked), ends[0], [channel.detach(), woken, wake, *running.values()])
            running[process] = ends[0]


def _tell_ends(running: dict[int, int]) -> None:
    while running:
        process, status = os.waitpid(-1, os.WNOHANG)
        if not process:
            return
        end = running.pop(process)
        _tell(end, os.waitstatus_to_exitcode(status))
        os.close(end)


def _tell(end: int, number: int) -> None:
    with suppress(BrokenPipeError):  # nobody asks any more
        os.write(end, number.to_bytes(NUMBER, signed=True))


def _become(given: dict[str, Any], end: int, unneeded: list[int]) -> NoReturn:
    """Go on as `python -m` would have begun."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    _tell(end, os.getpid())
    for descriptor in (end, *unneeded):
        os.close(descriptor)
    log = os.open(given["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, of_process in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, of_process)
    os.chdir(given["folder"])
    os.environ.clear()
    os.environ.update(given["environment"])
    sys.argv, sys.path[0] = given["arguments"], given["folder"]
    for ours in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[ours]  # the folder may have its own
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
