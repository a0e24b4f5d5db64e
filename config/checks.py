"""System checks of a deployment: what would work, but not as anybody means it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Warning as CheckWarning


def check_mail(**_: Any) -> list[CheckMessage]:
    if settings.EMAIL_HOST:
        return []
    return [
        CheckWarning(
            "EMAIL_HOST is not set: nobody is told by mail of rejections, failures and what waits.",
            hint="Set EMAIL_HOST and what belongs to it. See .env.example.",
            id="config.W002",
        )
    ]


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
