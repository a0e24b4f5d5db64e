"""The wire below a conversation: whatever happens on it ends when the conversation's time is over.

A socket's time-out starts anew with each step, and a server that sends a byte now and then never meets it. Here every
step gets what is left of one deadline. That takes no signals, so it holds in any thread.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpcore2

from erp_integrations.addresses import is_literal, require_public
from erp_integrations.lookup import look_up

CONNECT_TIMEOUT_S = 10.0  # look-up, connection and TLS together
HEAD_LIMIT_BYTES = 256 * 1024  # status and headers, interim answers too; h11 refuses one head of more than 100 KB


@dataclass(frozen=True)
class Deadline:
    at: float  # by time.monotonic()

    @classmethod
    def after(cls, timeout_s: float) -> Deadline:
        return cls(time.monotonic() + timeout_s)

    def within(self, timeout_s: float) -> Deadline:
        return min(self, Deadline.after(timeout_s), key=lambda deadline: deadline.at)

    def left_s(self) -> float:
        return self.at - time.monotonic()

    def require(self, late: type[httpcore2.TimeoutException]) -> float:
        left_s = self.left_s()
        if left_s <= 0:
            raise late("the time is over")
        return left_s


class Wire(httpcore2.NetworkBackend):
    """Connects to the very address that was looked up and found to be allowed."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.has_sent = False  # a byte of the request under way

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        deadline = self.deadline.within(CONNECT_TIMEOUT_S)
        *others, last = self._addresses(host, port, deadline)
        for number, address in enumerate(others):  # each gets its share of the time: the first may be a dead end
            with suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return self._connect(address, port, deadline, 1 + len(others) - number)
        return self._connect(last, port, deadline, 1)

    def _addresses(self, host: str, port: int, deadline: Deadline) -> list[str]:
        try:
            left_s = deadline.require(httpcore2.ConnectTimeout)
            found = [host] if is_literal(host) else look_up(host, left_s)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"the look-up of {host} takes too long") from error
        except OSError as error:
            raise httpcore2.ConnectError(f"{host}: {error}") from error
        require_public(host, port, found)
        return found

    def _connect(self, address: str, port: int, deadline: Deadline, shares: int) -> TimedStream:
        left_s = deadline.require(httpcore2.ConnectTimeout)
        return TimedStream(httpcore2.SyncBackend().connect_tcp(address, port, left_s / shares), self, deadline)


class TimedStream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, wire: Wire, connect_by: Deadline) -> None:
        self.stream = stream
        self.wire = wire
        self.connect_by = connect_by
        self.allowance_bytes = 0

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TimedStream:
        left_s = self.connect_by.require(httpcore2.ConnectTimeout)  # for the whole handshake
        return TimedStream(self.stream.start_tls(ssl_context, server_hostname, left_s), self.wire, self.connect_by)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """A request begins: its answer may have as many bytes as a head needs, until more are allowed."""
        self.allowance_bytes = HEAD_LIMIT_BYTES
        sock, rest = self.get_extra_info("socket"), memoryview(buffer)
        while rest:
            sock.settimeout(self.wire.deadline.require(httpcore2.WriteTimeout))
            self.wire.has_sent = True
            try:
                rest = rest[sock.send(rest) :]
            except TimeoutError as error:
                raise httpcore2.WriteTimeout(str(error)) from error
            except OSError as error:
                raise httpcore2.WriteError(str(error)) from error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self.allowance_bytes <= 0:
            raise httpcore2.ReadError("the answer is too large")
        left_s = self.wire.deadline.require(httpcore2.ReadTimeout)
        received = self.stream.read(min(max_bytes, self.allowance_bytes), left_s)
        self.allowance_bytes -= len(received)
        return received

    def close(self) -> None:
        self.stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)
