"""Real worker and beat processes that are killed, frozen or stopped at the worst moment. Rows 1-8, 20 of the matrix.

The scripted ERP keeps whatever it is sent, so a code that is sent twice is there twice.
"""

from __future__ import annotations

import os
import signal

import pytest
from celery import current_app

from companies.models import AuditEvent
from exports import queue, services
from exports.models import Attempt, CodeExport
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import changed, make_many, update
from tests.faults.conftest import Processes
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.processes


def queue_many(scene: Scene, number: int) -> None:
    make_many(scene, "01", number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    queue.wake([scene.connection.pk])


@pytest.mark.parametrize(
    ("crash", "sent_before"),
    [
        pytest.param("claimed:1", 0, id="K1 before the call", marks=pytest.mark.slow),
        pytest.param("answered:1", 10, id="K3 before the outcome is stored"),
        pytest.param("stored:1", 10, id="K4 before the task is done", marks=pytest.mark.slow),
    ],
)
def test_a_worker_killed_around_its_call(processes: Processes, scene: Scene, crash: str, sent_before: int) -> None:
    doomed = processes.worker(CRASH=crash)
    queue_many(scene, 10)
    processes.wait_until(lambda: "signal 9" in doomed.log.read_text())
    doomed.kill()
    assert len(scene.books.items()) == sent_before

    processes.worker()
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 10


@pytest.mark.parametrize("crash", ["claimed:2", pytest.param("stored:1", marks=pytest.mark.slow)])
def test_a_worker_killed_between_two_calls_of_its_turn(processes: Processes, scene: Scene, crash: str) -> None:
    doomed = processes.worker(CRASH=crash, EXPORT_TURN_S="60")
    queue_many(scene, 120)
    processes.wait_until(lambda: "signal 9" in doomed.log.read_text())
    doomed.kill()
    assert 50 <= len(scene.books.items()) <= 100

    processes.worker()
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 120


@pytest.mark.parametrize(
    ("crash", "renamed"), [pytest.param("claimed:1", 0, marks=pytest.mark.slow), ("answered:1", 10)]
)
def test_a_worker_killed_around_the_call_of_an_update(
    processes: Processes, scene: Scene, crash: str, renamed: int
) -> None:
    codes = [f"01-{number}" for number in range(100, 110)]
    changed(scene, *codes)
    doomed = processes.worker(CRASH=crash)
    assert all(update(scene, code).count for code in codes)
    queue.wake([scene.connection.pk])
    processes.wait_until(lambda: "signal 9" in doomed.log.read_text())
    doomed.kill()
    assert len(scene.books.events("updated")) == renamed

    processes.worker()
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert {item["description"] for item in scene.books.held()} == {"Renamed here"}
    assert len(scene.books.items()) == 10


@pytest.mark.parametrize(
    "place",
    [
        pytest.param("die", id="K2 before the answer", marks=pytest.mark.slow),
        pytest.param("die:37", id="K5 in the middle of a portion"),
    ],
)
def test_a_worker_killed_inside_its_call(processes: Processes, scene: Scene, place: str) -> None:
    processes.worker()
    processes.beat()
    scene.books.tell(Rule(place, times=1))

    queue_many(scene, 60)

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 60
    assert scene.books.events("rule")


def test_a_whole_worker_killed_during_its_call(processes: Processes, scene: Scene) -> None:
    first = processes.worker()
    scene.books.tell(Rule("sleep:0.8", times=1))
    queue_many(scene, 10)
    processes.wait_until(lambda: len(scene.books.items()) == 10)
    first.kill()

    processes.worker()
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert Attempt.objects.count() == 10  # found, not sent again


def test_a_worker_told_to_stop_finishes_its_call(processes: Processes, scene: Scene) -> None:
    worker = processes.worker()
    scene.books.tell(Rule("sleep:0.8", times=1))
    queue_many(scene, 10)
    processes.wait_until(lambda: len(scene.books.items()) == 10)

    assert worker.process
    worker.process.send_signal(signal.SIGTERM)
    worker.process.wait(PATIENCE_S)

    assert processes.finish() == {"SUCCESS"}


def test_a_frozen_worker_finds_its_lease_gone(processes: Processes, scene: Scene) -> None:
    frozen = processes.worker()
    scene.books.tell(Rule("sleep:0.5", times=1))
    queue_many(scene, 10)
    processes.wait_until(lambda: len(scene.books.items()) == 10)
    children = frozen.child_ids()
    for pid in children:
        os.kill(pid, signal.SIGSTOP)

    processes.worker()
    processes.beat()
    assert processes.finish() == {"SUCCESS"}
    before = list(CodeExport.objects.order_by("pk").values())
    for pid in children:
        os.kill(pid, signal.SIGCONT)
    processes.wait_until(lambda: "Lost the lease" in frozen.log.read_text())

    assert list(CodeExport.objects.order_by("pk").values()) == before
    assert len(scene.books.items()) == 10


def test_a_task_delivered_many_times_runs_once(processes: Processes, scene: Scene) -> None:
    scene.books.tell(Rule("sleep:0.3"))
    make_many(scene, "01", 60)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    for _ in range(5):
        current_app.send_task("exports.tasks.export_connection", [scene.connection.pk])
    processes.worker()
    processes.worker()

    assert processes.finish() == {"SUCCESS"}
    assert [len(event["codes"]) for event in scene.books.events("start")] == [50, 10]


def test_a_code_that_kills_each_worker_takes_no_other_with_it(processes: Processes, scene: Scene) -> None:
    processes.worker()
    processes.beat()
    scene.books.tell(Rule("die:0", "01-0007"))

    queue_many(scene, 20)

    assert processes.finish() == {"SUCCESS", "ATTENTION"}
    assert [code for code, state in scene.states().items() if state == "ATTENTION"] == ["01-0007"]
    assert AuditEvent.objects.filter(action="export.sending", label="01-0007").count() == 4
