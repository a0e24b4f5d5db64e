"""Statements that take too long, deadlocks, failed serializations, a disk that is full. Row 14 of the matrix.

Each really happens in PostgreSQL. A click is answered in a sentence, a portion fails visibly and is done later; neither
leaves anything half-done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from companies.models import AuditEvent
from config import limits
from config.limits import Limits
from config.trouble import FULL, HELD_UP, TOO_LONG
from exports.models import Attempt, Batch
from tests.exports.scene import Scene
from tests.faults.conftest import Processes
from tests.faults.own_server import _on_it as _on_it
from tests.faults.own_server import end_backends
from tests.faults.own_server import processes as processes
from tests.faults.own_server import scene as scene
from tests.faults.own_server import server as server
from tests.servers.postgres import PostgreSQL
from tests.servers.server import wait_until
from wbs.models import Project

pytestmark = [pytest.mark.processes, pytest.mark.pg_only]


@pytest.fixture
def patient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what the test provokes shall end a statement."""
    settings.DATABASE_LIMITS = {"web": Limits(lock_s=60, statement_s=0, idle_s=0)}
    monkeypatch.setattr(limits, "_of_process", "web")


def click(scene: Scene) -> tuple[int, str]:
    """Alice exports all that is ready; what she is answered."""
    client = Client(raise_request_exception=False)
    client.force_login(scene.alice.user)
    page = f"/companies/{scene.alice.company.slug}/erp-integrations/{scene.connection.slug}/standard-cost-codes/"
    seen = scene.seen()
    data = {"filter": "ready-to-export", "seen_at": f"{seen.seen_at.isoformat()} {seen.seen_batch}"}
    answer = client.post(f"{page}export/", data, headers={"HX-Request": "true"})
    return answer.status_code, answer.content.decode()


def nothing_was_done(scene: Scene) -> bool:
    left = Batch.objects.filter(kind=Batch.Kind.EXPORT), AuditEvent.objects.filter(action="export.queued")
    return set(scene.states().values()) == {"READY"} and not any(rows.exists() for rows in left)


@contextmanager
def slow(table: str) -> Iterator[None]:
    """Each INSERT into the table takes three seconds."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS "
                       "$$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$")  # fmt: skip
        cursor.execute(f"CREATE TRIGGER nap BEFORE INSERT ON {table} EXECUTE FUNCTION nap()")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION nap CASCADE")


class TestStatementTimeout:
    def test_a_click_that_takes_too_long_is_given_up(self, scene: Scene, settings: Settings, patient: None) -> None:
        scene.ready("01-100")
        settings.DATABASE_LIMITS = {"web": Limits(lock_s=60, statement_s=0.5, idle_s=0)}

        with slow("exports_batch"):
            connection.close()
            assert click(scene) == (503, TOO_LONG.sentence)

        assert nothing_was_done(scene)
        assert click(scene)[0] == 200

    def test_a_portion_that_takes_too_long_is_done_later(self, scene: Scene, settings: Settings, patient: None) -> None:
        scene.queue("01-100")
        settings.DATABASE_LIMITS = {"web": Limits(lock_s=60, statement_s=0.5, idle_s=0)}

        with slow("exports_attempt"):
            connection.close()
            with pytest.raises(OperationalError, match="statement timeout"):
                scene.portion()

        assert (scene.states(), Attempt.objects.count()) == ({"01-100": "QUEUED"}, 0)
        assert scene.books.items() == []
        scene.drain()
        assert scene.states() == {"01-100": "SUCCESS"}


@contextmanager
def another() -> Iterator[BaseDatabaseWrapper]:
    """Someone else's transaction."""
    database = connection.copy()
    database.set_autocommit(False)
    try:
        yield database
    finally:
        database.rollback()
        database.close()


def while_clicking(scene: Scene, act: Callable[[], object]) -> tuple[int, str]:
    """Do something once alice's click waits for a lock; what she is answered."""
    answers: list[tuple[int, str]] = []
    ours = connections["default"]  # each thread has connections of its own

    def clicks() -> None:
        connections["default"] = ours.copy()
        try:
            answers.append(click(scene))
        finally:
            connection.close()

    thread = threading.Thread(target=clicks)
    thread.start()
    wait_until(someone_waits, "The click's wait for a lock")
    act()
    thread.join()
    return answers[0]


def someone_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return cursor.fetchone() is not None


def test_a_click_that_a_deadlock_ends_is_told_and_undone(
    scene: Scene, patient: None, caplog: pytest.LogCaptureFixture
) -> None:
    scene.ready("01-100")
    set_default("deadlock_timeout", "3s")  # the click, which waits first, is the one to look

    with another() as other, other.cursor() as cursor:
        cursor.execute("SET LOCAL deadlock_timeout = '1h'")
        cursor.execute("SELECT 1 FROM exports_codeexport FOR UPDATE")
        answer = while_clicking(scene, lambda: cursor.execute("SELECT 1 FROM erp_integrations_connection FOR UPDATE"))

    assert answer == (503, HELD_UP.sentence)
    assert "deadlock detected" in caplog.text
    assert nothing_was_done(scene)
    assert click(scene)[0] == 200


def test_a_click_that_cannot_be_serialized_is_told_and_undone(
    scene: Scene, patient: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Only where the operator asked for it; PostgreSQL's own default never fails so."""
    scene.ready("01-100")
    set_default("default_transaction_isolation", "repeatable read")

    with another() as other, other.cursor() as cursor:
        cursor.execute("UPDATE exports_codeexport SET version = version + 1")
        answer = while_clicking(scene, other.commit)

    assert answer == (503, HELD_UP.sentence)
    assert "could not serialize access" in caplog.text
    assert nothing_was_done(scene)
    assert click(scene)[0] == 200


def set_default(name: str, value: str) -> None:
    """For all connections to this test's database from now on."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE \"{connection.settings_dict['NAME']}\" SET {name} = '{value}'")
    connection.close()


@contextmanager
def full_disk(server: PostgreSQL, table: str) -> Iterator[None]:
    """The (still empty) table lies on a device that has no room left."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_filepath(%s)", [table])
        path = server.data / cursor.fetchone()[0]
    assert path.stat().st_size == 0
    connection.close()
    kept = path.rename(path.with_name(f"{path.name}.kept"))
    path.symlink_to("/dev/full")
    yield
    connection.close()
    path.unlink()
    kept.rename(path)
    end_backends()  # one that has the device open would go on writing there
    connection.close()


def test_a_click_on_a_full_disk_is_told_and_undone(scene: Scene, server: PostgreSQL, patient: None) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(scene.dora.user)
    page = reverse("wbs:add_project", args=[scene.dora.company.slug])
    project = {"number": "P-1", "name": "Tower"}

    with full_disk(server, "wbs_project"):
        answer = client.post(page, project, headers={"HX-Request": "true"})

    assert (answer.status_code, answer.content.decode()) == (503, FULL.sentence)
    assert not AuditEvent.objects.filter(action="project.added").exists()
    assert client.post(page, project).status_code == 302
    assert Project.objects.count() == 1


def test_codes_wait_while_the_disk_is_full_and_go_when_there_is_room(
    processes: Processes, scene: Scene, server: PostgreSQL
) -> None:
    scene.queue("01-100")

    with full_disk(server, "exports_attempt"):
        worker = processes.worker()
        processes.beat()
        processes.wait_until(lambda: "No space left on device" in worker.log.read_text())
        assert scene.states() == {"01-100": "QUEUED"}
        assert scene.books.items() == []

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 1
