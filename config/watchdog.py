"""Ends a worker that no longer hears what it is asked, so that whoever started it starts it anew.

Celery's workers have been seen to sit there idle, connected to Redis and deaf. Of a connection that was cut without a
word kombu takes notice itself, within a minute; this does not ask why.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

from celery import bootsteps, signals
from celery.worker import WorkController, state
from django.conf import settings

from core import broker

LOOKS = 4  # one after the other that find it deaf, until it ends
FAREWELL_S = 60  # for the portions under way; what takes longer is asked about at the ERP by the next worker

logger = logging.getLogger(__name__)


class Watchdog(bootsteps.StartStopStep):
    """Looks from outside, by a connection of its own: calls wait, hands are free, and yet none is taken."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: WorkController, **_: Any) -> None:
        self.worker = worker
        self.taken = 0
        self.deaf_looks = 0
        self.thrown_away = 0  # came too late, which is heard all the same
        signals.task_revoked.connect(self._count)

    def include_if(self, worker: WorkController) -> bool:
        return bool(settings.REDIS_URL)  # a broker in this process cannot be lost

    def start(self, worker: WorkController) -> None:
        threading.Thread(target=self.watch, name="watchdog", daemon=True).start()

    def _count(self, **_: Any) -> None:
        self.thrown_away += 1

    def watch(self) -> None:
        while state.should_stop is None and state.should_terminate is None:
            time.sleep(settings.WORKER_LOOK_S)
            self.deaf_looks = self.deaf_looks + 1 if self.is_deaf() else 0
            if self.deaf_looks >= LOOKS:
                self.end()

    def is_deaf(self) -> bool:
        """Whether something waits that this worker could have taken since it was looked at last, and did not."""
        taken_before, self.taken = self.taken, state.all_total_count[0] + self.thrown_away
        is_free = len(state.reserved_requests) < self.worker.concurrency
        return is_free and self.taken == taken_before and broker.waiting() > 0

    def end(self) -> None:
        seconds = LOOKS * settings.WORKER_LOOK_S
        logger.critical("Calls wait, and this worker took none in %.0f s. It ends, to be started anew.", seconds)
        state.should_stop = 1  # the exit code
        time.sleep(FAREWELL_S)
        os.kill(os.getpid(), signal.SIGKILL)
