"""The settings of production, with ERPs of our own and a view that does the least."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import ERP_ADAPTERS, STORAGES

ERP_ADAPTERS = [
    *ERP_ADAPTERS,
    "benchmarks.instant.InstantAdapter",
    "benchmarks.naive.OneByOneAdapter",
    "benchmarks.turns.InstantInTurns",
    "benchmarks.turns.PacedAdapter",
    "benchmarks.turns.PacedInTurns",
    "benchmarks.turns.TrytonInTurns",
]
CELERY_IMPORTS = ["benchmarks.naive"]
ROOT_URLCONF = "benchmarks.urls"
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
