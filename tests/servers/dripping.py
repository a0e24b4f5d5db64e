"""An ERP that never comes to an end: it answers each request one byte at a time, as long as anybody listens."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

PAUSE_S = 0.2


class DrippingServer:
    """Start it with `with`; `url` is its address, `hanging` how many callers wait for it just now."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.let_off = threading.Event()
        self.hanging = 0
        self.most = 0
        self._counts = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go()
        self.socket.close()

    def let_go(self) -> None:
        """Hang up on whoever waits now; whoever calls later hangs again."""
        self.let_off, let_off = threading.Event(), self.let_off
        let_off.set()

    def _serve(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                caller, _ = self.socket.accept()
                threading.Thread(target=self._drip, args=(caller,), daemon=True).start()

    def _drip(self, caller: socket.socket) -> None:
        let_off = self.let_off
        with self._counts:
            self.hanging += 1
            self.most = max(self.most, self.hanging)
        with caller, suppress(OSError):
            caller.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not let_off.wait(PAUSE_S):
                caller.sendall(b"a")
        with self._counts:
            self.hanging -= 1
