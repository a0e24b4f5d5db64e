"""A PostgreSQL that restarts, loses backends, or is cut off at a COMMIT. Rows 12 and 13 of the matrix."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from django.db import connection

from companies.models import AuditEvent
from exports.models import Batch, CodeExport
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import make_many
from tests.faults.conftest import Processes
from tests.faults.own_server import _on_it as _on_it
from tests.faults.own_server import browse, end_backends, reconnect, stop
from tests.faults.own_server import processes as processes
from tests.faults.own_server import scene as scene
from tests.faults.own_server import server as server
from tests.faults.test_killed_workers import queue_many
from tests.servers.postgres import PostgreSQL
from tests.servers.proxy import Link, Proxy

pytestmark = [pytest.mark.processes, pytest.mark.pg_only]
NUMBER = 200


def test_row_12_a_restart_in_the_middle_loses_nothing_and_people_are_told(
    processes: Processes, scene: Scene, server: PostgreSQL
) -> None:
    processes.worker()
    processes.beat()
    scene.books.tell(Rule("sleep:0.5"))
    scene.ready("09-100")
    with browse(processes) as alice:
        queue_many(scene, NUMBER)
        processes.wait_until(scene.books.items)

        stop(server)
        page, click, poll = alice.get(), alice.click("export"), alice.click("poll")
        ready = alice.http.get("/readyz")
        server.restart()
        reconnect()

        assert [answer.status_code for answer in (page, click, poll, ready)] == [503] * 4
        assert [answer.headers["Retry-After"] for answer in (page, click, poll)] == ["5"] * 3
        assert 'http-equiv="refresh"' in page.text
        assert click.text.startswith("The database cannot be reached just now.")
        assert processes.finish() == {"SUCCESS"}
        assert len(scene.books.items()) == NUMBER + 1
        assert alice.get().status_code == alice.click("poll").status_code == 200


@pytest.mark.parametrize("how", ["pg_terminate_backend", "kill -9"])
def test_row_12_backends_that_are_ended_in_the_middle_lose_nothing(
    processes: Processes, scene: Scene, how: str
) -> None:
    """After a kill -9 of one the server ends all others too and recovers."""
    processes.worker()
    processes.beat()
    scene.books.tell(Rule("sleep:0.1"))
    queue_many(scene, NUMBER)

    for _ in range(3):
        before = len(scene.books.items())
        processes.wait_until(lambda before=before: len(scene.books.items()) > before)
        end_backends(how)
        reconnect()

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == NUMBER


class Cutter:
    """Cuts connections at what commits: before the server hears it, or before the client hears that it is done.

    That is a COMMIT, and each prepared statement under a lease, which is a transaction by itself between two calls.
    """

    PREPARED = re.compile(rb"(_pg3_\d+)\0WITH held AS \(UPDATE")

    def __init__(self, is_done: bool, every: int) -> None:
        self.is_done = is_done
        self.every = every
        self.heard = self.cut = 0
        self.is_on = False
        self.prepared: defaultdict[Link, set[bytes]] = defaultdict(set)

    def __call__(self, link: Link, data: bytes) -> None:
        names = self.prepared[link]
        names.update(self.PREPARED.findall(data))
        commits = b"COMMIT\0" in data or any(b"\0%b\0" % name in data for name in names)
        if not (self.is_on and commits):
            return
        self.heard += 1
        if self.heard % self.every == 0:
            self.cut += 1
            if self.is_done:
                link.is_doomed = True
            else:
                link.cut()


def through(proxy: Proxy) -> str:
    return f"postgresql://tieback@127.0.0.1:{proxy.port}/{connection.settings_dict['NAME']}"


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
def test_row_13_a_click_cut_off_at_its_commit_is_done_once_or_not_at_all(
    processes: Processes, scene: Scene, server: PostgreSQL, is_done: bool
) -> None:
    make_many(scene, "01", 20)
    cutter = Cutter(is_done, every=1)
    with Proxy(server.port, cutter) as proxy, browse(processes, DATABASE_URL=through(proxy)) as alice:
        cutter.is_on = True
        lost = alice.click("export")
        cutter.is_on = False
        shown = alice.get()
        queued = set(scene.states().values())
        again = alice.click("export")

    assert (lost.status_code, lost.headers["Retry-After"], cutter.cut) == (503, "5", 1)
    assert queued == ({"QUEUED"} if is_done else {"READY"})
    assert (shown.status_code, again.status_code) == (200, 200)
    assert list(Batch.objects.filter(kind=Batch.Kind.EXPORT).values_list("count", flat=True)) == [20]
    assert AuditEvent.objects.filter(action="export.queued").count() == 20
    processes.worker()
    processes.beat()
    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 20


@pytest.mark.parametrize("is_done", [True, False], ids=["done", "not done"])
def test_row_13_a_worker_cut_off_at_its_commits_sends_nothing_twice(
    processes: Processes, scene: Scene, server: PostgreSQL, is_done: bool
) -> None:
    cutter = Cutter(is_done, every=3)
    with Proxy(server.port, cutter) as proxy:
        processes.worker(DATABASE_URL=through(proxy))
        processes.beat()
        cutter.is_on = True
        queue_many(scene, 500)

        processes.wait_until(lambda: cutter.cut >= 5 or not CodeExport.objects.due().exists())
        cutter.is_on = False

        assert processes.finish() == {"SUCCESS"}
    assert cutter.cut >= 3
    assert len(scene.books.items()) == 500
