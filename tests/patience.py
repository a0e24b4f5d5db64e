"""How long tests wait for what is to come. What comes is waited for no longer than it takes, so this may be generous:
how busy the machine is decides nothing. `tests/test_house.py` holds that no test has a patience of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0


def is_quick(call: Callable[[], object], limit_s: float, tries: int = 5) -> bool:
    """Whether the call can be done within so many seconds: once of some tries, since a machine may be busy."""
    for _ in range(tries):
        started = time.monotonic()
        call()
        if time.monotonic() - started < limit_s:
            return True
    return False
