"""One deadline over all that happens on the wire, on real sockets: whatever drips, floods or hangs ends with it."""

from __future__ import annotations

import gzip
import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from erp_integrations import http, lookup
from erp_integrations.errors import ERPError, TransientError, UncertainError
from erp_integrations.http import Conversation
from tests.servers.raw import RawServer, read_request
from tests.servers.tls import client_context, make_certificate, server_context

pytestmark = pytest.mark.once

DEADLINE_S = 3.0  # long enough for a busy machine to begin all these calls at once
AT_MOST_S = 60.0
DRIPS_FOR_S = 120.0  # then a call without a deadline ends, too, and is found to be late
OK = b"HTTP/1.1 200 OK\r\n"
NO_ANSWER_YET = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"
PACKED = gzip.compress(random.Random(1).randbytes(100_000))  # noqa: S311

Drops = Callable[[], Iterable[bytes]]


def bytes_of(start: bytes, again: bytes) -> Drops:
    return lambda: itertools.chain([start], (bytes([byte]) for byte in itertools.cycle(again)))


def pieces_of(start: bytes, again: bytes) -> Drops:
    return lambda: itertools.chain([start], itertools.repeat(again))


DRIPPED: dict[str, Drops] = {
    "status line": bytes_of(b"HTTP/1.1 200 ", b"O"),
    "headers": bytes_of(OK, b"X-Name: value\r\n"),
    "one header": bytes_of(OK + b"X-Name: ", b"x"),
    "interim answers": pieces_of(b"", NO_ANSWER_YET),
    "bytes of interim answers": bytes_of(b"", NO_ANSWER_YET),
    "body": bytes_of(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "body without a length": bytes_of(OK + b"\r\n", b" "),
    "chunks": pieces_of(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "size of a chunk": bytes_of(OK + b"Transfer-Encoding: chunked\r\n\r\n1;x=", b"x"),
    "trailers": bytes_of(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X-Name: value\r\n"),
    "packed body": bytes_of(OK + b"Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n", PACKED),
    "empty packed bodies": pieces_of(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"")),
    "body of a refusal": bytes_of(b"HTTP/1.1 404 Gone\r\nContent-Length: 100000\r\n\r\n", b" "),
}
# How much of a large request is read every now and then.
HARDLY_READ = {"request that is not read": 0, "request that is read slowly": 8000}
LARGE = "x" * 12_000_000
BOTH = pytest.mark.parametrize("lost", [TransientError, UncertainError])
Call = tuple[str, str, type[ERPError]]
CALLS: list[Call] = list(
    itertools.product([*DRIPPED, *HARDLY_READ], ["http", "https"], [TransientError, UncertainError])
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    certificate = make_certificate(tmp_path_factory.mktemp("tls"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "_trusted", lambda: client_context(certificate))
        yield certificate


def drip(drops: Drops) -> Callable[[bytes, socket.socket], None]:
    def answer(request: bytes, connection: socket.socket) -> None:
        ends_at = time.monotonic() + DRIPS_FOR_S
        for drop in itertools.takewhile(lambda _: time.monotonic() < ends_at, drops()):
            connection.sendall(drop)
            time.sleep(0.05)

    return answer


def hardly_read(size: int, is_over: threading.Event) -> Callable[[bytes, socket.socket], None]:
    def answer(request: bytes, connection: socket.socket) -> None:
        ends_at = time.monotonic() + DRIPS_FOR_S
        while time.monotonic() < ends_at and not is_over.wait(0.01):
            _ = size and connection.recv(size)

    return answer


def post(url: str, lost: type[ERPError], body: Any = "hello", timeout_s: float = DEADLINE_S) -> Any:
    with Conversation("The ERP", timeout_s) as conversation:
        return conversation.post_json(url, body, lost=lost)


@contextmanager
def ends_in_time(kind: type[ERPError], match: str = "in time") -> Iterator[None]:
    started = time.monotonic()
    with pytest.raises(kind, match=match) as caught:
        yield
    assert type(caught.value) is kind
    assert time.monotonic() - started < AT_MOST_S


# What drips, all at once and each in a thread of its own, as in a web server


@pytest.fixture(scope="module")
def under_way(certificate: Path) -> Iterator[dict[Call, Future[None]]]:
    with ThreadPoolExecutor(len(CALLS)) as threads:
        yield {call: threads.submit(make_call, certificate, *call) for call in CALLS}


def make_call(certificate: Path, what: str, scheme: str, lost: type[ERPError]) -> None:
    tls, is_over = server_context(certificate) if scheme == "https" else None, threading.Event()
    is_read = what in DRIPPED
    answer = drip(DRIPPED[what]) if is_read else hardly_read(HARDLY_READ[what], is_over)
    with RawServer(answer, tls, is_deaf=not is_read) as server:
        server.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        try:
            with ends_in_time(lost):
                post(server.url, lost, "hello" if is_read else LARGE)
        finally:
            is_over.set()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}, {call[1]}, {call[2].__name__}")
def test_what_drips_is_lost_when_the_time_is_over(call: Call, under_way: dict[Call, Future[None]]) -> None:
    under_way[call].result()


def test_all_requests_of_a_conversation_have_one_deadline() -> None:
    """Of two, which each would be in time."""

    def answer(request: bytes, connection: socket.socket) -> None:
        while request:
            time.sleep(DEADLINE_S * 0.6)
            connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")
            request = read_request(connection)

    with RawServer(answer) as server, Conversation("The ERP", DEADLINE_S) as conversation:
        conversation.post_json(server.url, "first")
        with ends_in_time(UncertainError):
            conversation.post_json(server.url, "second", lost=UncertainError)


# What floods


@BOTH
@pytest.mark.parametrize(
    ("start", "again"),
    [
        (b"", NO_ANSWER_YET),
        (OK, b"X-Name: value\r\n"),
        (OK + b"X-Name: ", b"x" * 1000),
        (b"HTTP/1.1 200 ", b"O" * 1000),
    ],
)
def test_a_flood_before_the_answer_ends_long_before_the_deadline(
    start: bytes, again: bytes, lost: type[ERPError]
) -> None:
    def answer(request: bytes, connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(again * 100)

    with RawServer(answer) as server, ends_in_time(lost, "broke"):
        post(server.url, lost, timeout_s=1000)


@BOTH
def test_a_flood_of_tiny_chunks_ends_long_before_the_deadline(
    lost: type[ERPError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SIZE_LIMIT_BYTES", 100_000)

    def answer(request: bytes, connection: socket.socket) -> None:
        connection.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1;%s\r\n \r\n" % (b"x" * 100) * 100)

    with RawServer(answer) as server, ends_in_time(lost, "broke"):
        post(server.url, lost, timeout_s=1000)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_connection_serves_all_requests_of_a_conversation(scheme: str, certificate: Path) -> None:
    def answer(request: bytes, connection: socket.socket) -> None:
        while request:
            connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")
            request = read_request(connection)

    tls = server_context(certificate) if scheme == "https" else None
    with RawServer(answer, tls) as server:
        with Conversation("The ERP", 60) as conversation:
            assert [conversation.post_json(server.url, number) for number in range(20)] == [{}] * 20
        assert len(server.requests) == 1  # the first of each connection


# Before the request begins: nothing was done, whatever a lost answer would mean


def test_a_handshake_that_drips_is_transient() -> None:
    record = bytes_of(b"\x16\x03\x03\x40\x00", b"\x00")
    with RawServer(drip(record), is_deaf=True) as server, ends_in_time(TransientError, "cannot be reached"):
        post(server.url.replace("http", "https"), UncertainError)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The hosts that are looked up; each look-up hangs until the test is over."""
    asked: list[str] = []
    over = threading.Event()

    def hang(host: str, *words: Any, **named: Any) -> list[Any]:
        asked.append(host)
        over.wait(DRIPS_FOR_S)
        raise socket.gaierror(socket.EAI_AGAIN, "over")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    over.set()
    while lookup._under_way:
        time.sleep(0.01)


@pytest.mark.usefixtures("hanging")
def test_a_look_up_that_hangs_is_transient() -> None:
    with ends_in_time(TransientError, "cannot be reached"):
        post("https://erp.example.com/", UncertainError)


def test_a_host_whose_look_up_hangs_holds_one_thread(hanging: list[str]) -> None:
    for _ in range(3):
        with ends_in_time(TransientError, "cannot be reached"):
            post("https://erp.example.com/", UncertainError, timeout_s=0.1)

    assert hanging == ["erp.example.com"]


def test_so_many_look_ups_may_hang_and_no_more(hanging: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_AT_ONCE", 2)

    for number in range(4):
        with ends_in_time(TransientError, "cannot be reached"):
            post(f"https://erp{number}.example.com/", UncertainError, timeout_s=0.1)

    assert hanging == ["erp0.example.com", "erp1.example.com"]


def test_a_host_is_looked_up_again_once_it_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find(host: str, *words: Any, **named: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))] * 2

    monkeypatch.setattr(socket, "getaddrinfo", find)
    found = [lookup.look_up("erp.example.com", 60) for _ in range(2)]

    assert found == [["127.0.0.1"]] * 2
    assert asked == ["erp.example.com"] * 2
