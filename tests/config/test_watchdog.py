"""When a worker is deaf, and when it only looks so. tests/faults/test_broker_lost.py has one that is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from celery.worker import WorkController, state
from celery.worker.request import Request

from config.celery import app
from config.watchdog import Watchdog
from core import broker
from exports.tasks import sweep

pytestmark = pytest.mark.once


@pytest.fixture
def watchdog(monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """Of a worker with free hands, for which calls wait at any moment."""
    monkeypatch.setattr(broker, "waiting", lambda: 7)
    watchdog = Watchdog(cast("WorkController", SimpleNamespace(concurrency=2)))
    watchdog.is_deaf()
    return watchdog


def throw_one_away() -> None:
    """As a worker does with a message that came too late."""
    with app.connection_for_read() as connection:
        queue = app.amqp.queues[app.conf.task_default_queue](connection.default_channel)
        queue.purge()  # what other tests woke, and nobody took
        sweep.apply_async(expires=-1)
        message = queue.get(no_ack=True)
    assert Request(message, app=app, task=sweep).revoked()


def test_one_that_takes_nothing_of_what_waits_is_deaf(watchdog: Watchdog) -> None:
    assert watchdog.is_deaf()


def test_one_that_takes_something_is_not(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "all_total_count", [state.all_total_count[0] + 1])

    assert not watchdog.is_deaf()
    assert watchdog.is_deaf()


def test_one_that_clears_away_what_came_too_late_is_not(watchdog: Watchdog) -> None:
    for _ in range(3):
        throw_one_away()
        assert not watchdog.is_deaf()

    assert watchdog.is_deaf()


def test_one_for_which_nothing_waits_is_not(watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "waiting", lambda: 0)

    assert not watchdog.is_deaf()
