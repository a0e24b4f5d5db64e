"""The product as `bin/run` starts it, with a var/ of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from pathlib import Path

from tests.patience import PATIENCE_S
from tests.servers.programs import ROOT
from tests.servers.server import Server

MACHINE = ("PATH", "HOME", "LANG", "TMPDIR")


class Product(Server):
    """`environment` is all that it sees beside its port and its var/."""

    name = "Tieback"
    stop_signal = signal.SIGINT

    def __init__(self, *arguments: str, **environment: str) -> None:
        super().__init__()
        self.arguments = arguments
        self.given = environment

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def working_folder(self) -> Path:
        return ROOT

    def prepare(self) -> None:
        machine = {name: os.environ[name] for name in MACHINE if name in os.environ}
        self.environment = machine | {"PORT": str(self.port), "VAR_DIR": str(self.var)} | self.given

    def command(self) -> list[str]:
        return ["bin/run", *self.arguments]

    def is_ready(self) -> bool:
        return f"Tieback runs at {self.url}" in self.words and self.get("/healthz") == "ok"

    @property
    def words(self) -> str:
        """What it printed since its last start."""
        return self.log.read_bytes()[self.log_start :].decode()

    def get(self, path: str) -> str:
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:  # noqa: S310
                return str(answer.read().decode())
        except OSError as error:
            return str(error)

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A start that is to end by itself."""
        again = {**(self.environment or {}), **environment}
        return subprocess.run(
            ["bin/run", *arguments], cwd=ROOT, env=again, capture_output=True, text=True, timeout=PATIENCE_S
        )

    def children(self, word: str) -> list[int]:
        """Processes that it started, by a word of their command."""
        parent = self.process.pid if self.process else 0
        ids = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [int(pid) for pid in ids if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]

    def interrupt(self) -> int:
        """Ctrl-C; returns the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)
