"""What goes wrong on the wire, on real sockets."""

from __future__ import annotations

import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import LazySettings
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from erp_integrations import http
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.http import Conversation, StatusError
from tests.servers.raw import RawServer

pytestmark = pytest.mark.once

SECRET = 'canary"Secret'
BOTH = pytest.mark.parametrize("lost", [TransientError, UncertainError])


def post(url: str, lost: type[ERPError] = TransientError, timeout_s: float = 5) -> Any:
    with Conversation("The ERP", timeout_s, [SECRET]) as conversation:
        return conversation.post_json(url, {"password": SECRET}, lost=lost)


def error_of(url: str, kind: type[ERPError], lost: type[ERPError] = TransientError, timeout_s: float = 5) -> ERPError:
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


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.1.2.3",
        "192.168.0.9",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "[fd00::1]",
    ],
)
def test_a_private_address_is_refused_in_production(host: str, settings: LazySettings) -> None:
    settings.ERP_ALLOW_PRIVATE_ADDRESSES = False

    error_of(f"http://{host}:9/", ConfigurationError)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_a_public_address_is_not(address: str) -> None:
    assert http._is_public(address)


def test_a_private_host_is_reached_once_it_is_listed(httpserver: HTTPServer, settings: LazySettings) -> None:
    settings.ERP_ALLOW_PRIVATE_ADDRESSES = False
    settings.ERP_ALLOWED_HOSTS = ["localhost"]
    httpserver.expect_request("/").respond_with_json({})

    assert post(f"http://localhost:{httpserver.port}/") == {}


@pytest.mark.parametrize(
    "url", ["erp.example.com", "ftp://erp.example.com", "https://", "http://me:pw@erp.example.com"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    error_of(url, ConfigurationError)


def test_a_host_without_an_address_is_transient(settings: LazySettings) -> None:
    settings.ERP_ALLOW_PRIVATE_ADDRESSES = False

    error_of("https://nowhere.invalid/", TransientError, lost=UncertainError)


# Before the request is sent


def test_a_refused_connection_was_not_executed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    error_of(f"http://127.0.0.1:{port}/", TransientError, lost=UncertainError)


def test_an_untrusted_certificate_is_for_a_person(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path))
    with HTTPServer(ssl_context=context) as server:
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


def test_a_redirect_is_told_and_not_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data(status=302, headers={"Location": "/elsewhere"})
    httpserver.expect_request("/elsewhere").respond_with_json({})

    error = error_of(httpserver.url_for("/"), StatusError, lost=UncertainError)

    assert "/elsewhere" in error.detail
    assert len(httpserver.log) == 1


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("7", 7),
        ("999999", 3600),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0),
        ("soon", None),
        (None, None),
    ],
)
def test_too_many_requests_tell_how_long_to_wait(
    httpserver: HTTPServer, header: str | None, wait_s: float | None
) -> None:
    headers = {"Retry-After": header} if header else {}
    httpserver.expect_request("/").respond_with_data("wait", status=429, headers=headers)

    error = error_of(httpserver.url_for("/"), TransientError, lost=UncertainError)

    assert isinstance(error, TransientError)
    assert error.retry_after_s == wait_s


def test_a_date_to_retry_after_is_understood(httpserver: HTTPServer) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(minutes=5), usegmt=True)
    httpserver.expect_request("/").respond_with_data(status=429, headers={"Retry-After": later})

    error = error_of(httpserver.url_for("/"), TransientError)

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
def test_no_answer_in_time_is_lost(httpserver: HTTPServer, lost: type[ERPError]) -> None:
    def sleep(request: Request) -> Response:
        time.sleep(0.6)
        return Response("{}")

    httpserver.expect_request("/").respond_with_handler(sleep)

    error_of(httpserver.url_for("/"), lost, lost, timeout_s=0.2)


@BOTH
def test_an_answer_that_drips_is_lost_when_the_time_is_over(lost: type[ERPError]) -> None:
    def drip(request: bytes, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    started = time.monotonic()
    with RawServer(drip) as server:
        error_of(server.url, lost, lost, timeout_s=0.5)
        assert time.monotonic() - started < 2


def test_a_secret_is_hidden_however_the_server_echoes_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_handler(lambda request: Response(request.data + SECRET.encode(), 400))

    error = error_of(httpserver.url_for("/"), StatusError)

    assert error.detail == 'HTTP 400: {"password": "***"}***'
    assert json.dumps(SECRET)[1:-1] not in error.detail


def make_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    )
    file = folder / "certificate.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
        + builder.sign(key, hashes.SHA256()).public_bytes(pem)
    )
    return file
