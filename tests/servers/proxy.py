"""Stands between a client and a server, and fails as networks do: without a word, or in the middle of one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(eq=False)
class Link:
    client: socket.socket
    server: socket.socket
    is_silent: bool = False  # bytes go in and never come out, and nobody hangs up
    is_doomed: bool = False  # cut as soon as the server has answered, which nobody hears

    def cut(self) -> None:
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """`with Proxy(port) as proxy`: use `proxy.port` in place of the server's. `hears` is given what clients send."""

    def __init__(self, port: int, hears: Callable[[Link, bytes], None] = lambda link, data: None) -> None:
        self.server_port = port
        self.hears = hears
        self.links: list[Link] = []
        self.listener = socket.create_server(("127.0.0.1", 0))

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def silence(self) -> None:
        """The connections of now are half-open from now on; new ones work."""
        for link in self.links:
            link.is_silent = True

    def cut(self) -> None:
        for link in self.links:
            link.cut()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # when the listener is shut
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.server_port))
                except OSError:
                    client.close()
                    continue
                link = Link(client, server)
                self.links.append(link)
                threading.Thread(target=self._pump, args=[link, client, server], daemon=True).start()
                threading.Thread(target=self._pump, args=[link, server, client], daemon=True).start()

    def _pump(self, link: Link, source: socket.socket, sink: socket.socket) -> None:
        with source, suppress(OSError):
            while data := source.recv(65536):
                if source is link.client:
                    self.hears(link, data)
                elif link.is_doomed:
                    link.cut()
                    return
                if not link.is_silent:
                    sink.sendall(data)
        if not link.is_silent:
            link.cut()
