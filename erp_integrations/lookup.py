"""Looking up the addresses of a host name within a given time.

The operating system's look-up cannot be interrupted, so each runs in a thread of its own, which may outlive those who
wait for it. Whoever asks for a host whose look-up is under way waits for that one: a host holds one thread at most.
"""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import Future

MOST_AT_ONCE = 32

_lock = threading.Lock()
_under_way: dict[str, Future[list[str]]] = {}
os.register_at_fork(after_in_child=_under_way.clear)  # their threads are the parent's


def look_up(host: str, timeout_s: float) -> list[str]:
    """The addresses of a host, best first. Raises TimeoutError, and another OSError where there are none."""
    return _join(host).result(max(timeout_s, 0))


def _join(host: str) -> Future[list[str]]:
    with _lock:
        if host in _under_way:
            return _under_way[host]
        if len(_under_way) >= MOST_AT_ONCE:
            raise TimeoutError(f"{MOST_AT_ONCE} other look-ups are under way")
        found: Future[list[str]] = Future()
        threading.Thread(target=_finish, args=[host, found], name=f"look-up of {host}", daemon=True).start()
        _under_way[host] = found
        return found


def _finish(host: str, found: Future[list[str]]) -> None:
    outcome = _ask(host)
    with _lock:
        del _under_way[host]
    if isinstance(outcome, Exception):
        found.set_exception(outcome)
    else:
        found.set_result(outcome)


def _ask(host: str) -> list[str] | Exception:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except Exception as error:  # whatever it is: those who wait raise it
        return error
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))
