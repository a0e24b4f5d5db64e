"""The Celery app, set up by the CELERY_ values of the settings. Tasks carry one id, may run twice, late or never."""

from __future__ import annotations

import os
import sys

from celery import Celery
from celery.signals import task_prerun, worker_init
from django.db import close_old_connections

from config import limits, redis

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

redis.mend()
app = Celery("tieback")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add("config.watchdog:Watchdog")

# Celery would open a database connection for each task, which is a quarter of what we ourselves take for a portion. So
# tasks keep theirs as requests do: CONN_MAX_AGE, health check. Celery reads this name here alone, not in the settings.
app.conf.CELERY_DB_REUSE_MAX = sys.maxsize
task_prerun.connect(close_old_connections)


@worker_init.connect
def _is_worker(**_: object) -> None:
    limits.become("worker")
