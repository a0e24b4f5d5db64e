"""Brokers that forget, die and come back; ERPs that are down; a connection that is paused. Rows 9, 10, 15, 27."""

from __future__ import annotations

import time

import pytest

from exports import queue, services
from exports.models import CodeExport
from exports.queue.decisions import AGAIN
from tests import factories
from tests.exports.scene import Scene
from tests.exports.scripted import Books, Rule
from tests.exports.steps import make_many
from tests.faults.conftest import Processes
from tests.faults.test_killed_workers import queue_many
from tests.patience import is_quick
from tests.servers.redis import Redis

pytestmark = pytest.mark.processes


def test_a_wake_up_call_that_never_came_is_made_up_for(processes: Processes, scene: Scene) -> None:
    scene.queue("01-100")

    processes.worker()
    processes.beat()

    assert processes.finish() == {"SUCCESS"}


def test_a_broker_emptied_in_the_middle_loses_nothing(processes: Processes, scene: Scene, broker: Redis) -> None:
    processes.worker(REDIS_URL=broker.url)
    processes.beat(REDIS_URL=broker.url)
    scene.books.tell(Rule("sleep:0.2"))
    queue_many(scene, 200)
    processes.wait_until(scene.books.items)

    for _ in range(10):
        broker.empty()
        time.sleep(0.05)

    assert processes.finish() == {"SUCCESS"}
    assert len(scene.books.items()) == 200


def test_with_the_broker_down_the_click_answers_and_the_codes_go_later(
    processes: Processes, scene: Scene, broker: Redis
) -> None:
    processes.worker(REDIS_URL=broker.url)
    processes.beat(REDIS_URL=broker.url)
    make_many(scene, "01", 20)
    broker.kill()

    result = services.queue_codes(scene.alice, scene.connection, scene.seen())
    assert is_quick(lambda: queue.wake([scene.connection.pk]), 3)
    time.sleep(1)
    assert (result.count, scene.books.events()) == (20, [])
    broker.restart()
    broker.empty()

    assert processes.finish() == {"SUCCESS"}


def test_an_erp_that_is_down_holds_up_no_other(processes: Processes, scene: Scene, tmp_path_factory: object) -> None:
    other_books = Books(scene.books.path.with_name("other"))
    other = factories.make_connection(
        erp="scripted", name="Other ERP", slug="other-erp", options={"journal": str(other_books.path)}
    )
    other_books.tell(Rule("transient"))
    account = factories.make_account(other, "4000")
    services.send_codes(scene.dora, other, scene.add_codes("09-100"))
    CodeExport.objects.filter(connection=other).update(income_account=account)
    services.queue_codes(scene.alice, other, scene.seen(other))
    processes.worker()
    processes.beat()
    processes.wait_until(lambda: other_books.events("start"))

    queue_many(scene, 100)
    mine = CodeExport.objects.filter(connection=scene.connection)
    processes.wait_until(lambda: set(mine.values_list("status", flat=True)) == {"SUCCESS"})

    down = CodeExport.objects.filter(connection=other).values_list("status", "message")
    processes.wait_until(lambda: down.get() == ("QUEUED", f"The ERP cannot be reached. {AGAIN}"))  # between probes
    other_books.tell()
    processes.wait_until(lambda: CodeExport.objects.get(connection=other).status == "SUCCESS")


def test_after_a_pause_nothing_more_is_sent_until_it_is_resumed(processes: Processes, scene: Scene) -> None:
    processes.worker()
    processes.beat()
    scene.books.tell(Rule("sleep:0.3"))
    queue_many(scene, 150)
    processes.wait_until(scene.books.items)

    scene.connection.pause(scene.dora.user)
    processes.wait_until(lambda: not CodeExport.objects.filter(status="EXPORTING").exists())
    sent = len(scene.books.items())
    time.sleep(1.5)

    assert len(scene.books.items()) == sent < 150
    scene.connection.resume(scene.dora.user)
    assert processes.finish() == {"SUCCESS"}
