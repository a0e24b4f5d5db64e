"""What goes wrong on the wire, on real sockets."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from erp_integrations import http
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.http import Conversation, StatusError
from tests.patience import PATIENCE_S
from tests.servers.raw import RawServer
from tests.servers.tls import make_certificate, server_context

pytestmark = pytest.mark.once

SECRET = 'canary"Secret'
BOTH = pytest.mark.parametrize("lost", [TransientError, UncertainError])


def post(url: str, lost: type[ERPError] = TransientError, timeout_s: float = 60) -> Any:
    with Conversation("The ERP", timeout_s, [SECRET]) as conversation:
        return conversation.post_json(url, {"password": SECRET}, lost=lost)


def error_of(url: str, kind: type[ERPError], lost: type[ERPError] = TransientError, timeout_s: float = 60) -> ERPError:
    with pytest.raises(kind) as caught:
        post(url, lost, timeout_s)
    assert type(caught.value) is kind
    assert caught.value.message.strip()
    assert "canary" not in f"{caught.value} {caught.value.detail}"
    return caught.value


def raw(answer: bytes) -> RawServer:
    return RawServer(lambda request, connection: connection.sendall(answer))


def test_it_returns_the_json_and_asks_for_gzip(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/rpc", headers={"Accept-Encoding": "gzip"}).respond_with_json({"result": [1, "ß"]})

    assert post(httpserver.url_for("/rpc")) == {"result": [1, "ß"]}


# Before the request is sent


def test_a_refused_connection_was_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    error_of(f"http://127.0.0.1:{port}/", TransientError, lost=UncertainError)


def test_an_untrusted_certificate_is_for_a_person(tmp_path: Path) -> None:
    with HTTPServer(ssl_context=server_context(make_certificate(tmp_path))) as server:
        error = error_of(server.url_for("/"), ConfigurationError, lost=UncertainError)

    assert "certificate" in error.message


def test_a_request_after_the_time_is_over_is_not_sent(httpserver: HTTPServer) -> None:
    with Conversation("The ERP", 0) as conversation, pytest.raises(TransientError, match="too slow"):
        conversation.post_json(httpserver.url_for("/"), {}, lost=UncertainError)

    assert httpserver.log == []


# Statuses


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_a_refused_request_was_not_executed(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/").respond_with_handler(lambda request: Response(request.data, status))

    error = error_of(httpserver.url_for("/"), StatusError, lost=UncertainError)

    assert isinstance(error, StatusError)
    assert error.status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_not_followed(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/").respond_with_data(status=status, headers={"Location": "/elsewhere"})
    httpserver.expect_request("/elsewhere").respond_with_json({})

    error = error_of(httpserver.url_for("/"), StatusError, lost=UncertainError)

    assert "/elsewhere" in error.detail
    assert len(httpserver.log) == 1


def http_date(**offset: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(**offset), usegmt=True)


def wait_told(httpserver: HTTPServer, **headers: str) -> float | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    httpserver.expect_request("/").respond_with_data("wait", status=429, headers=named)
    error = error_of(httpserver.url_for("/"), TransientError, lost=UncertainError)
    assert isinstance(error, TransientError)
    return error.retry_after_s


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        ("7", 7),
        ("2.5", 2.5),
        ("0", 1),
        ("0.0001", 1),
        ("-5", 1),
        (http_date(hours=-1), 1),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 1),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 1),
        ("Sun Nov  6 08:49:37 1994", 1),
        ("999999", 3600),
        ("9" * 5000, 3600),
        (http_date(days=400), 3600),
    ],
)
def test_too_many_requests_tell_how_long_to_wait_within_reason(
    httpserver: HTTPServer, told: str, wait_s: float
) -> None:
    assert wait_told(httpserver, Retry_After=told) == wait_s


@pytest.mark.parametrize(
    "told",
    ["soon", "", "nan", "inf", "-inf", "1e3", "0x10", "7 seconds", "Sun, 99 Foo 99999 99:99:99 GMT", "\xb2", "1,000"],
)
def test_a_wait_that_makes_no_sense_is_none(httpserver: HTTPServer, told: str) -> None:
    assert wait_told(httpserver, Retry_After=told) is None


def test_no_wait_told_is_none(httpserver: HTTPServer) -> None:
    assert wait_told(httpserver) is None


def test_a_date_to_retry_after_is_understood(httpserver: HTTPServer) -> None:
    assert 280 < (wait_told(httpserver, Retry_After=http_date(minutes=5)) or 0) <= 300


def test_it_is_compared_with_the_clock_of_the_server_that_tells_it(httpserver: HTTPServer) -> None:
    told = {"Date": "Sun, 06 Nov 1994 08:49:37 GMT", "Retry_After": "Sun, 06 Nov 1994 08:51:37 GMT"}

    assert wait_told(httpserver, **told) == 120


def test_a_clock_that_cannot_be_read_is_not_that_of_the_server() -> None:
    answer = f"HTTP/1.1 429 Wait\r\nDate: noon\r\nRetry-After: {http_date(minutes=5)}\r\nContent-Length: 0\r\n\r\n"
    with raw(answer.encode()) as server:
        error = error_of(server.url, TransientError)

    assert isinstance(error, TransientError)
    assert 280 < (error.retry_after_s or 0) <= 300


# After the request was sent: nobody knows


@BOTH
@pytest.mark.parametrize("status", [204, 500, 502, 503, 504])
def test_a_failure_of_the_server_is_lost(httpserver: HTTPServer, status: int, lost: type[ERPError]) -> None:
    httpserver.expect_request("/").respond_with_data(f"<h1>Busy</h1>{SECRET}", status=status)

    error_of(httpserver.url_for("/"), lost, lost)


@BOTH
@pytest.mark.parametrize(
    "body", [b"", b"<html>Welcome</html>", b'{"result": [1, 2', b"\xff\xfe", b"[" * 100_000, SECRET.encode()]
)
def test_an_unreadable_answer_is_lost(httpserver: HTTPServer, body: bytes, lost: type[ERPError]) -> None:
    httpserver.expect_request("/").respond_with_data(body)

    error_of(httpserver.url_for("/"), lost, lost)


@BOTH
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result"',
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
    ],
)
def test_a_broken_answer_is_lost(answer: bytes, lost: type[ERPError]) -> None:
    with raw(answer) as server:
        error_of(server.url, lost, lost)

    assert len(server.requests) == 1


@BOTH
def test_an_answer_that_is_too_large_is_lost(
    httpserver: HTTPServer, lost: type[ERPError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SIZE_LIMIT_BYTES", 1000)
    httpserver.expect_request("/").respond_with_json(["x" * 2000])

    error_of(httpserver.url_for("/"), lost, lost)


@BOTH
def test_answers_that_are_too_large_together_are_lost(
    httpserver: HTTPServer, lost: type[ERPError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BUDGET_BYTES", 5000)
    httpserver.expect_request("/").respond_with_json(["x" * 2000])

    with Conversation("The ERP", PATIENCE_S) as conversation:
        for _ in range(2):
            conversation.post_json(httpserver.url_for("/"), {})
        with pytest.raises(lost, match="The answers of The ERP are too large together"):
            conversation.post_json(httpserver.url_for("/"), {}, lost=lost)


@BOTH
def test_no_answer_in_time_is_lost(lost: type[ERPError]) -> None:
    def wait(request: bytes, connection: socket.socket) -> None:
        over.wait(PATIENCE_S)

    over = threading.Event()
    with RawServer(wait) as server:
        error_of(server.url, lost, lost, timeout_s=2)
        over.set()


# Unpacking


ZIPPED = gzip.compress(b'{"result": [1, 2, 3]}')
HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    "packed",
    [
        ZIPPED,
        ZIPPED + bytes(512),
        gzip.compress(b'{"result": ') + gzip.compress(b"") + gzip.compress(b"[1, 2, 3]}"),
    ],
)
def test_a_packed_answer_is_read_to_its_end(packed: bytes) -> None:
    with raw(HEAD % (b"gzip", len(packed)) + packed) as server:
        assert post(server.url) == {"result": [1, 2, 3]}


@BOTH
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        (b"gzip", ZIPPED[:-9]),
        (b"gzip", ZIPPED[:-1]),
        (b"gzip", ZIPPED + b"more"),
        (b"gzip, gzip", gzip.compress(ZIPPED)),
        (b"br", ZIPPED),
    ],
)
def test_one_that_cannot_be_unpacked_is_lost(encoding: bytes, packed: bytes, lost: type[ERPError]) -> None:
    with raw(HEAD % (encoding, len(packed)) + packed) as server:
        assert "cannot be read" in error_of(server.url, lost, lost).message


@BOTH
def test_one_that_unpacks_to_too_much_is_lost_before_it_is_unpacked(
    lost: type[ERPError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "SIZE_LIMIT_BYTES", 2_000_000)
    packed = gzip.compress(bytes(100_000_000), 1)
    sizes: list[int] = []
    unzipped = http._unzipped

    def measured(received: Iterable[bytes]) -> Iterator[bytes]:
        for piece in unzipped(received):
            sizes.append(len(piece))
            yield piece

    monkeypatch.setattr(http, "_unzipped", measured)
    with raw(HEAD % (b"gzip", len(packed)) + packed) as server:
        assert "too large" in error_of(server.url, lost, lost).message

    assert sum(sizes) <= 2_000_000 + http.PIECE_BYTES
    assert max(sizes) <= http.PIECE_BYTES


def test_a_secret_is_hidden_however_the_server_echoes_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_handler(lambda request: Response(request.data + SECRET.encode(), 400))

    error = error_of(httpserver.url_for("/"), StatusError)

    assert error.detail == 'HTTP 400: {"password": "***"}***'
    assert json.dumps(SECRET)[1:-1] not in error.detail
