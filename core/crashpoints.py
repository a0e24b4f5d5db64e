"""Places where a test can kill the process: CRASH=name:nth in the environment. Without it they do nothing."""

from __future__ import annotations

import os
import signal
from collections import Counter

from django.conf import settings

_passed: Counter[str] = Counter()


def crashpoint(name: str) -> None:
    """Kill this process, as kill -9 does, when it passes here for the nth time."""
    if not settings.CRASH:
        return
    _passed[name] += 1
    if f"{name}:{_passed[name]}" == settings.CRASH:
        os.kill(os.getpid(), signal.SIGKILL)
