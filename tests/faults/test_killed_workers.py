"""Real worker and beat processes that are killed, frozen or stopped at the worst moment. Rows 1-8, 20 of the matrix.

The scripted ERP keeps whatever it is sent, so a code that is sent twice is there twice. Rows 1-7 hold for calls of 1, 7
and 50 codes: there are four calls, and when the third is under way the codes of the fourth are claimed.
"""

from __future__ import annotations

import os
import signal

import pytest
from celery import current_app
from django.db.models import F, Min

from companies.models import AuditEvent
from exports import queue, services
from exports.models import Attempt, CodeExport
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import changed, make_many, update
from tests.faults.conftest import Processes
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.processes

SLOW = pytest.mark.slow
SIZES = (1, 7, 50)
CALLS = 4
LONG_TURN = {"EXPORT_TURN_S": str(PATIENCE_S)}  # it is not over before all calls are through


def queue_many(scene: Scene, number: int) -> None:
    make_many(scene, "01", number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    queue.wake([scene.connection.pk])


def set_size(scene: Scene, size: int) -> None:
    """Each call carries so many codes."""
    scene.connection.options["batch_size"] = size
    scene.connection.save(update_fields=["options"])


def queue_calls(scene: Scene, size: int) -> None:
    set_size(scene, size)
    queue_many(scene, CALLS * size)


def hold_third_call(processes: Processes, scene: Scene, size: int) -> None:
    """Return when the ERP has done it, and has not answered; what was answered before is stored."""
    scene.books.tell(Rule("hold", third(size), times=1))
    queue_calls(scene, size)
    stored = CodeExport.objects.filter(status="SUCCESS")
    processes.wait_until(lambda: len(scene.books.items()) == 3 * size and stored.count() == 2 * size)


def third(size: int) -> str:
    """The first code of the third call."""
    return f"01-{2 * size + 1:04}"


def first_tries() -> dict[str, bool]:
    """Of each code, whether the call of its first try began."""
    firsts = Attempt.objects.values("export").annotate(first=Min("pk")).values("first")
    tries = Attempt.objects.filter(pk__in=firsts).annotate(code=F("export__code"))
    return {one.code: one.began_at is not None for one in tries}


def require_freed(scene: Scene, number: int | None = None) -> None:
    """So many codes (None: however many) were claimed for a call that never began; the ERP was not asked about them."""
    ahead = {code for code, has_begun in first_tries().items() if not has_begun}
    assert not ahead & scene.books.asked_about()
    assert number in (None, len(ahead))


def sizes(quick: int) -> pytest.MarkDecorator:
    """Each with `bin/test --all`, and always this one."""
    return pytest.mark.parametrize(
        "size", [size if size == quick else pytest.param(size, marks=SLOW) for size in SIZES]
    )


@sizes(7)
@pytest.mark.parametrize(
    ("crash", "least", "most", "ahead"),  # calls that the ERP had, and those that codes were claimed for
    [
        pytest.param("claimed:1", 0, 0, 0, marks=SLOW),  # row 1
        pytest.param("claimed:2", 1, 1, None, marks=SLOW),
        ("claimed:3", 2, 2, 1),
        pytest.param("answered:1", 1, 1, 0, marks=SLOW),  # row 3
        ("answered:3", 3, 3, 1),
        pytest.param("stored:1", 1, 2, 2, marks=SLOW),
        pytest.param("stored:4", 4, 4, 0, marks=SLOW),  # row 4
    ],
)
def test_a_worker_killed_around_a_call(
    processes: Processes, scene: Scene, crash: str, least: int, most: int, ahead: int | None, size: int
) -> None:
    doomed = processes.worker(CRASH=crash, **LONG_TURN)
    queue_calls(scene, size)
    processes.wait_until(lambda: "signal 9" in doomed.log.read_text())
    doomed.kill()
    assert least * size <= len(scene.books.items()) <= most * size

    processes.worker(**LONG_TURN)
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == CALLS * size
    require_freed(scene, None if ahead is None else ahead * size)


@sizes(1)
@pytest.mark.parametrize(
    ("crash", "renamed", "ahead"),
    [
        pytest.param("claimed:1", 0, 0, marks=SLOW),
        pytest.param("claimed:3", 2, 1, marks=SLOW),
        ("answered:3", 3, 1),
    ],
)
def test_a_worker_killed_around_a_call_of_updates(
    processes: Processes, scene: Scene, crash: str, renamed: int, ahead: int, size: int
) -> None:
    codes = [f"01-{number}" for number in range(100, 100 + CALLS * size)]
    changed(scene, *codes)
    Attempt.objects.all().delete()  # those of their making
    set_size(scene, size)
    doomed = processes.worker(CRASH=crash, **LONG_TURN)
    assert all(update(scene, code).count for code in codes)
    queue.wake([scene.connection.pk])
    processes.wait_until(lambda: "signal 9" in doomed.log.read_text())
    doomed.kill()
    assert len(scene.books.events("updated")) == renamed * size

    processes.worker(**LONG_TURN)
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert {item["description"] for item in scene.books.held()} == {"Renamed here"}
    assert len(scene.books.items()) == CALLS * size
    require_freed(scene, ahead * size)


@sizes(50)
@pytest.mark.parametrize("place", [pytest.param("before the answer", marks=SLOW), "in the middle"])
def test_a_worker_killed_inside_its_call(processes: Processes, scene: Scene, place: str, size: int) -> None:
    """Only the child that makes the call (rows 2, 5 and 6); its worker lives on."""
    processes.worker(**LONG_TURN)
    processes.beat()
    scene.books.tell(Rule("die" if place == "before the answer" else f"die:{size * 3 // 4}", third(size), times=1))

    queue_calls(scene, size)

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == CALLS * size
    assert scene.books.events("rule")
    require_freed(scene, size)


@sizes(1)
def test_a_whole_worker_killed_during_its_call(processes: Processes, scene: Scene, size: int) -> None:
    first = processes.worker(**LONG_TURN)
    hold_third_call(processes, scene, size)
    first.kill()

    processes.worker(**LONG_TURN)
    processes.beat()

    assert processes.finish() == {"SUCCESS"}
    assert Attempt.objects.exclude(began_at=None).count() == CALLS * size  # found, not sent again
    require_freed(scene, size)


@sizes(7)
def test_a_worker_told_to_stop_finishes_its_call(processes: Processes, scene: Scene, size: int) -> None:
    worker = processes.worker(**LONG_TURN)
    hold_third_call(processes, scene, size)

    assert worker.process
    worker.process.send_signal(signal.SIGTERM)
    scene.books.let_go()
    worker.process.wait(PATIENCE_S)

    assert processes.finish() == {"SUCCESS"}
    assert not scene.books.asked_about()


@sizes(50)
def test_a_frozen_worker_finds_its_lease_gone(processes: Processes, scene: Scene, size: int) -> None:
    frozen = processes.worker(**LONG_TURN)
    hold_third_call(processes, scene, size)
    children = frozen.child_ids()
    for pid in children:
        os.kill(pid, signal.SIGSTOP)

    processes.worker(**LONG_TURN)
    processes.beat()
    assert processes.finish() == {"SUCCESS"}
    before = list(CodeExport.objects.order_by("pk").values())
    scene.books.let_go()
    for pid in children:
        os.kill(pid, signal.SIGCONT)
    processes.wait_until(lambda: "Lost the lease" in frozen.log.read_text())

    assert list(CodeExport.objects.order_by("pk").values()) == before
    assert len(scene.books.items()) == CALLS * size
    require_freed(scene, size)


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
    assert AuditEvent.objects.filter(action="export.exporting", label="01-0007").count() == 4
