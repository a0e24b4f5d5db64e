"""As in `scripted_settings`, for a worker whose kombu never looks whether its connection still lives."""

from __future__ import annotations

from config.settings import CELERY_BROKER_TRANSPORT_OPTIONS
from tests.exports.scripted_settings import *  # noqa: F403

CELERY_BROKER_TRANSPORT_OPTIONS = {**CELERY_BROKER_TRANSPORT_OPTIONS, "health_check_interval": 86_400}
WORKER_LOOK_S = 0.5
