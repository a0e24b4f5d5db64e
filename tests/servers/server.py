"""What every server of the tests is: a process of our own on a free port, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tests.patience import PATIENCE_S

if TYPE_CHECKING:
    from tests.servers.forks import Forked


class ServerError(RuntimeError):
    """A server could not be found or started. A test run without it proves nothing, so it ends here."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_ready():
        if time.monotonic() > deadline:
            raise ServerError(f"{what} did not come within {PATIENCE_S:g} s.")
        time.sleep(0.02)


class Server:
    """Start with `start()` or `with`. `kill()` is kill -9; `restart()` then goes on with the same data and port."""

    name = "server"
    stop_signal = signal.SIGTERM

    def __init__(self) -> None:
        self.port = 0
        self.folder = Path()
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.environment: dict[str, str] | None = None  # None: ours
        self.log_start = 0  # of the process that runs now

    @property
    def url(self) -> str:
        raise NotImplementedError

    def prepare(self) -> None:
        """Fill `self.folder`, once."""

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Answers, and is the process that we started."""
        raise NotImplementedError

    def start(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"tieback-{self.name.lower()}-"))
        self.port = free_port()
        try:
            self.prepare()
            return self.restart()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> Self:
        try:
            wait_until(self._launch, self.name)
        except ServerError as error:
            raise ServerError(f"{error} Its last words:\n{self.log.read_text(errors='replace')[-2000:]}") from error
        return self

    def stop(self) -> None:
        self._end(self.stop_signal)
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    @property
    def working_folder(self) -> Path:
        return self.folder

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def _launch(self) -> bool:
        """False when it ended at once, as a server does whose killed predecessor is not quite gone."""
        self.log.touch()
        self.log_start = self.log.stat().st_size
        process = self.process = self.spawn()
        wait_until(lambda: process.poll() is not None or self.is_ready(), self.name)
        return process.poll() is None

    def spawn(self) -> subprocess.Popen[bytes] | Forked:
        """The process, at the head of a group of its own."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(),
                env=self.environment,
                cwd=self.working_folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        try:
            if how != signal.SIGKILL:
                process.send_signal(how)
                process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
