from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from pytest_django import Settings

from config.limits import Limits
from core.clock import in_seconds
from erp_integrations.models import Connection
from exports import queue, tasks
from exports.models import CodeExport, Status
from exports.queue import leases, sweeper
from tests import factories
from tests.exports.scene import Scene
from tests.exports.steps import neighbours
from tests.patience import is_quick
from tests.servers.redis import Redis
from tests.servers.server import free_port


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    ids: list[int] = []
    monkeypatch.setattr(sweeper, "wake", ids.extend)
    return ids


def test_the_sweep_wakes_connections_with_due_work(scene: Scene, woken: list[int]) -> None:
    queue.sweep()
    assert woken == []

    scene.queue("01-100")
    queue.sweep()

    assert woken == [scene.connection.pk]


@pytest.mark.parametrize(
    "values",
    [
        {"state": "paused"},
        {"state": "broken"},
        {"open_until": in_seconds(60)},
        {"lease_until": in_seconds(60)},
    ],
)
def test_the_sweep_lets_alone_who_cannot_or_need_not_be_woken(
    scene: Scene, woken: list[int], values: dict[str, Any]
) -> None:
    scene.queue("01-100")
    Connection.objects.update(**values)

    queue.sweep()

    assert woken == []


def test_the_sweep_lets_alone_what_is_not_due_yet(scene: Scene, woken: list[int]) -> None:
    scene.queue("01-100")
    CodeExport.objects.update(due_at=in_seconds(60))

    queue.sweep()

    assert woken == []


@pytest.mark.parametrize("state", ["active", "paused"])
def test_the_sweep_gives_up_what_a_dead_worker_left(scene: Scene, woken: list[int], settings: Any, state: str) -> None:
    settings.EXPORT_RETRY_S = 60
    scene.queue("01-100")
    Connection.objects.update(lease_token=7, lease_until=in_seconds(-1), state=state)
    CodeExport.objects.update(status=Status.EXPORTING, lease_token=7)

    queue.sweep()

    row = scene.row("01-100")
    assert (row.status, row.message) == ("UNKNOWN", "The export was interrupted.")
    assert woken == []  # whoever went at once might hang in the same call
    Connection.objects.update(open_until=None)
    queue.sweep()
    assert woken == ([scene.connection.pk] if state == "active" else [])


@pytest.mark.pg_only
@pytest.mark.django_db(transaction=True)
def test_a_connection_whose_row_is_held_keeps_the_sweep_from_no_other(
    scene: Scene, woken: list[int], settings: Settings
) -> None:
    held, other = scene.connection, factories.make_connection(erp="scripted", name="Other", slug="other")
    for connection, code in ((held, "01-100"), (other, "02-100")):
        account = factories.make_account(connection, "4900")
        factories.make_export(code, connection, status=Status.EXPORTING, lease_token=7, income_account=account)
    Connection.objects.update(lease_token=7, lease_until=in_seconds(-1))
    settings.DATABASE_LIMITS = {"command": Limits(lock_s=0.1, statement_s=0, idle_s=0)}
    database.close()
    forgotten = database.copy()
    forgotten.set_autocommit(False)

    with forgotten.cursor() as cursor:
        cursor.execute("SELECT 1 FROM erp_integrations_connection WHERE id = %s FOR UPDATE", [held.pk])
        queue.sweep()
    forgotten.close()
    database.close()

    assert scene.states() == {"01-100": "EXPORTING", "02-100": "UNKNOWN"}


def test_the_sweep_wakes_few_that_failed_last_time_and_all_others(
    scene: Scene, woken: list[int], settings: Any
) -> None:
    settings.EXPORT_PROBES = 2
    scene.queue("01-100")
    failing = [erp.pk for erp in neighbours(scene, 4, failures_in_a_row=1)]

    queue.sweep()
    assert woken == [scene.connection.pk, *failing[:2]]

    Connection.objects.filter(pk=failing[3]).update(lease_until=in_seconds(60))  # it hangs again
    woken.clear()
    queue.sweep()
    assert woken == [scene.connection.pk, failing[0]]


def test_the_end_of_a_turn_wakes_what_the_company_may_do_now(
    scene: Scene, woken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.queue("01-100")
    mine = [erp.pk for erp in neighbours(scene, 2)]
    neighbours(scene, 1, factories.make_company("Other Builders", "other-builders"))
    monkeypatch.setattr("exports.queue.wake", woken.extend)

    tasks.export_connection(scene.connection.pk)
    assert woken == mine

    woken.clear()
    tasks.export_connection(scene.connection.pk)  # with nothing to do it wakes nobody: they would wake each other
    assert woken == []


def test_the_sweep_leaves_a_living_worker_alone(scene: Scene, woken: list[int]) -> None:
    scene.queue("01-100")
    lease = leases.take(Connection.objects.all())
    assert lease
    CodeExport.objects.update(status=Status.EXPORTING, lease_token=lease.token)

    queue.sweep()

    assert scene.states() == {"01-100": "EXPORTING"}


@pytest.fixture
def broker(settings: Any) -> Iterator[Redis]:
    """A broker of this test's own, to be killed."""
    from config.celery import app

    before = app.conf.broker_url
    with Redis() as redis:
        app.conf.broker_url = redis.url
        yield redis
    app.conf.broker_url = before


def test_a_dead_broker_fails_no_click_and_is_used_again_when_it_is_back(broker: Redis) -> None:
    from config.celery import app
    from tests.servers.redis import ask

    queue.wake([1])
    broker.kill()
    assert is_quick(lambda: queue.wake([1, 2, 3]), 2)
    broker.restart()

    waiting = f"LLEN {app.conf.task_default_queue}"
    before = ask(broker.url, waiting)
    queue.wake([4])

    assert ask(broker.url, waiting) == before + 1


def test_a_broker_that_does_not_answer_is_waited_for_two_seconds_at_most(broker: Redis) -> None:
    import os
    import signal

    queue.wake([1])
    os.kill(broker.process_id, signal.SIGSTOP)
    try:
        assert is_quick(lambda: queue.wake([1]), 3)
    finally:
        os.kill(broker.process_id, signal.SIGCONT)


def test_without_any_broker_a_click_is_not_held_up(broker: Redis) -> None:
    from config.celery import app

    app.conf.broker_url = f"redis://127.0.0.1:{free_port()}/0"

    assert is_quick(lambda: queue.wake([1, 2, 3]), 2)
