"""Python's search for objects that hold each other, paused where very many rows come that do not.

It would look through all of them again and again: of the import of 20,000 codes that was a third of our time.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0  # of all threads: the search is one for the process


@contextmanager
def collector_paused() -> Iterator[None]:
    """Until the last of those who asked for it is done. Whoever turned the search off keeps it off."""
    global _pauses, _was_enabled
    with _lock:
        if _pauses == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if _pauses == 0 and _was_enabled:
                gc.enable()


_was_enabled = True
