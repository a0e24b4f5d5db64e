"""Servers that answer with whatever bytes they are told to, or swallow the answers of a real one."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from types import TracebackType
from typing import Self

Answer = Callable[[bytes, socket.socket], None]  # gets the request; writes the answer, or does not


class RawServer:
    """One thread accepts; each request gets a thread of its own and its connection is closed after `answer`.

    A deaf one answers without reading the request.
    """

    def __init__(
        self, answer: Answer, tls: ssl.SSLContext | None = None, is_deaf: bool = False, host: str = "127.0.0.1"
    ) -> None:
        self.answer = answer
        self.tls = tls
        self.is_deaf = is_deaf
        self.requests: list[bytes] = []
        self.listener = socket.create_server((host, 0))
        self.threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.listener.getsockname()[0]}:{self.port}"

    def __enter__(self) -> Self:
        self.threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):  # when the listener is shut
            while True:
                connection, _ = self.listener.accept()
                self.threads.append(threading.Thread(target=self._serve, args=[connection]))
                self.threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError):
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with closing(connection):
                request = b"" if self.is_deaf else read_request(connection)
                self.requests.append(request)
                self.answer(request, connection)


@contextmanager
def lossy(port: int, loses: Callable[[bytes], bool]) -> Iterator[RawServer]:
    """Stands before the server on this port. Requests of which `loses` is true are carried out, their answers lost."""

    def forward(request: bytes, connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.sendall(request)
            answer = b"".join(iter(lambda: server.recv(65536), b""))
        if not loses(request):
            connection.sendall(answer)

    with RawServer(forward) as proxy:
        yield proxy


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while b"\r\n\r\n" not in request or len(request.partition(b"\r\n\r\n")[2]) < _length(request):
        received = connection.recv(65536)
        if not received:
            break
        request += received
    return request


def _length(request: bytes) -> int:
    head = request.partition(b"\r\n\r\n")[0].lower()
    return next((int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.startswith(b"content-length")), 0)
