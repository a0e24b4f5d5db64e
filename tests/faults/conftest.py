from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from erp_integrations.models import Connection
from exports.models import UNFINISHED, CodeExport
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene, _scripted_erp, books
from tests.patience import PATIENCE_S
from tests.servers.celery import Beat, CeleryProcess, ThreadedWorker, Worker
from tests.servers.redis import Redis

__all__ = ["_scripted_erp", "books"]

QUICK = {"DJANGO_SETTINGS_MODULE": "tests.exports.scripted_settings", "EXPORT_LEASE_S": "1", "EXPORT_RETRY_S": "0.1"}


class Processes:
    """Worker and beat as production runs them, speaking with the scripted ERP."""

    def __init__(self, scene: Scene, start: Callable[..., Any]) -> None:
        self.scene = scene
        self._start = start
        self.started: list[CeleryProcess] = []

    def worker(self, pool: str = "prefork", **environment: str) -> Worker:
        worker = self._start(ThreadedWorker if pool == "threads" else Worker, **{**QUICK, **environment})
        self.started.append(worker)
        return worker

    def beat(self, **environment: str) -> Beat:
        beat = self._start(Beat, **{**QUICK, **environment})
        self.started.append(beat)
        return beat

    def wait_until(self, is_so: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > deadline:
                pytest.fail(f"{self.scene.states()}\n{self.scene.books.events()[-5:]}\n{self._words()}")
            time.sleep(0.05)

    def _words(self) -> str:
        """What the processes said last."""
        return "\n".join(process.log.read_text(errors="replace")[-5000:] for process in self.started)

    def finish(self) -> set[str]:
        """Wait until nothing is unfinished (I3), call the referee, and return the states."""
        self.wait_until(lambda: not CodeExport.objects.filter(status__in=UNFINISHED).exists())
        for erp in Connection.objects.filter(erp="scripted"):
            if erp.pk == self.scene.connection.pk:
                check_invariants(erp, self.scene.books)
        return set(self.scene.states().values())


@pytest.fixture
def scene(transactional_db: None, _scripted_erp: None, books: Any) -> Scene:
    return Scene(books)


@pytest.fixture
def processes(scene: Scene, start_process: Callable[..., CeleryProcess]) -> Processes:
    return Processes(scene, start_process)


@pytest.fixture
def broker() -> Iterator[Redis]:
    """A Redis of this test's own, to be killed and emptied."""
    from config.celery import app

    before = app.conf.broker_url
    with Redis() as redis:
        app.conf.broker_url = redis.url
        yield redis
    app.conf.broker_url = before
