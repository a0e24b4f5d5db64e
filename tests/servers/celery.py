"""The product's own background processes, as production starts them, on the database of the test run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from tests.servers.forks import Forked
from tests.servers.programs import ROOT
from tests.servers.server import Server


def test_database_url() -> str:
    """Empty on SQLite, where VAR_DIR tells the file."""
    if connection.vendor == "sqlite":
        return ""
    given = connection.settings_dict
    who = quote(given["USER"]) + (f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else "")
    return f"postgresql://{who}@{quote(given['HOST'], safe='')}:{given['PORT'] or 5432}/{given['NAME']}"


class CeleryProcess(Server):
    """`environment` overrides settings, such as EXPORT_LEASE_S="1"."""

    stop_signal = signal.SIGKILL  # nothing in them is worth a farewell
    ready_words = ""

    def __init__(self, **environment: str) -> None:
        super().__init__()
        own = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": test_database_url(), "LOG_LEVEL": "INFO"}
        self.environment = {**os.environ, **own, **environment}

    @property
    def working_folder(self) -> Path:
        return ROOT

    def spawn(self) -> Forked:
        return Forked(self.command(), self.environment or {}, self.working_folder, self.log)

    def is_ready(self) -> bool:
        return self.ready_words in self.log.read_bytes()[self.log_start :].decode(errors="replace")


class Worker(CeleryProcess):
    name = "Worker"
    ready_words = " ready."

    def command(self) -> list[str]:
        alone = ["--concurrency", "2", "--without-mingle", "--without-gossip", "--hostname", f"worker-{self.port}@%h"]
        return [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", *alone]

    @property
    def parent_id(self) -> int:
        return self.process.pid if self.process else 0

    def child_ids(self) -> list[int]:
        """The processes of the pool, in which the tasks run."""
        parent = self.parent_id
        return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


class WideWorker(Worker):
    """As docker-compose.yml starts it."""

    def command(self) -> list[str]:
        return [{"2": "4"}.get(word, word) for word in super().command()]


class ThreadedWorker(Worker):
    """As bin/run starts it."""

    def command(self) -> list[str]:
        return [*super().command(), "--pool", "threads"]


class Beat(CeleryProcess):
    name = "Beat"
    ready_words = "beat: Starting"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "INFO"]
