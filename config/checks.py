"""System checks of a deployment: what would work, but not as anybody means it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning


def check_broker(**_: Any) -> list[CheckMessage]:
    if settings.REDIS_URL:
        return []
    return [
        CheckWarning(
            "REDIS_URL is not set: web servers and workers in processes of their own cannot wake each other.",
            hint="Set REDIS_URL, or start everything in one process with bin/run.",
            id="config.W001",
        )
    ]
