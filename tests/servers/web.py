"""The web process as docker-compose.yml starts it, on the database of the test run."""

from __future__ import annotations

import os
import sys
import urllib.request
from pathlib import Path

from tests.patience import PATIENCE_S
from tests.servers.celery import CeleryProcess


class Web(CeleryProcess):
    name = "Web"

    def command(self) -> list[str]:
        alone = [f"--bind=127.0.0.1:{self.port}", "--workers=1", "--threads=8", "--keep-alive=5"]
        return [sys.executable, "-m", "gunicorn", "config.wsgi", "--worker-class=gthread", *alone]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=PATIENCE_S) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def begin_measuring(self) -> int:
        """Forget the most memory that it ever had; what it has now, in bytes."""
        Path(f"/proc/{self._worker_id}/clear_refs").write_text("5")
        return self._memory("VmRSS")

    def most_memory(self) -> int:
        """Bytes, since `begin_measuring`."""
        return self._memory("VmHWM")

    def processor_s(self) -> float:
        """Seconds of the processor that it has used: what it costs, however busy the machine is."""
        fields = Path(f"/proc/{self._worker_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _memory(self, name: str) -> int:
        lines = Path(f"/proc/{self._worker_id}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

    @property
    def _worker_id(self) -> int:
        """The process that answers, below gunicorn's own."""
        parent = self.process.pid if self.process else 0
        return int(Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])
