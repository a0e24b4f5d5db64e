"""Envelopes that should hurt, sent to a real web process: refused at once, and nobody else notices."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse

import pytest

from tests import factories
from tests.exports.web_connector.hostile import MIB, documents, envelope
from tests.patience import PATIENCE_S
from tests.quickbooks.transports import NAMESPACE
from tests.servers.celery import CeleryProcess
from tests.servers.web import Web

pytestmark = pytest.mark.either

MOST_MEMORY, MOST_TIME_S = 50 * MIB, 1
SOUND = envelope().encode()
LONG_TEXT = envelope(content=f"<ticket>{'x' * 7 * MIB}</ticket>").encode()
REFUSED_TEXTS = {
    **documents(envelope(), "<ticket>"),
    "SOAP 1.2": envelope(soap="http://www.w3.org/2003/05/soap-envelope"),
    "an unknown operation": envelope("dropTables"),
    "another namespace": envelope().replace(NAMESPACE, "urn:another"),
    "no operation": f"{envelope().partition('<getLastError')[0]}</s:Body></s:Envelope>",
    "no envelope": "<getLastError/>",
}
REFUSED = {
    **{name: text.encode() for name, text in REFUSED_TEXTS.items()},
    "bytes that are no UTF-8": SOUND.replace(b"<ticket>", b"<ticket>\xe9"),
    "a declared encoding that it is not in": b'<?xml version="1.0" encoding="utf-16"?>' + SOUND,
    "an unknown encoding": b'<?xml version="1.0" encoding="x-none"?>' + SOUND,
    "UTF-7": b'<?xml version="1.0" encoding="utf-7"?>' + SOUND.replace(b"<", b"+ADw-").replace(b">", b"+AD4-"),
    "EBCDIC": f'<?xml version="1.0" encoding="cp037"?>{SOUND.decode()}'.encode("cp037"),
    "noughts": bytes(1000),
}
TOO_LARGE = {
    "an attribute of 20 MB": SOUND.replace(b"<s:Body>", b'<s:Body a="%s">' % (b"x" * 20 * MIB)),
    "a text of 20 MB": SOUND.replace(b"<ticket>", b"<ticket>" + b"x" * 20 * MIB),
    "one byte too many": SOUND.ljust(8 * MIB + 1),
}
HARMLESS = {
    "an attribute of 7 MB": SOUND.replace(b"<ticket>", b'<ticket a="%s">' % (b"x" * 7 * MIB)),
    "a ticket of 7 MB": LONG_TEXT,
    "a ticket of 1.4 million references": LONG_TEXT.replace(b"xxxxx", b"&amp;"),
    "a ticket of 7 MB with one wide character": LONG_TEXT.replace(b"xxxx", "😀".encode(), 1),
    "a stranger's document of 7 MB with one wide character": envelope(
        "receiveResponseXML", content=f"<ticket>x</ticket><response>😀{'x' * 7 * MIB}</response>"
    ).encode(),
}


@pytest.fixture
def web(start_process: Callable[..., CeleryProcess]) -> Web:
    web = start_process(Web)
    assert isinstance(web, Web)
    return web


@pytest.fixture
def path(transactional_db: None) -> str:
    """The address of a connection whose connector never signed in."""
    return f"/web-connector/{factories.make_connection(erp='quickbooks-desktop', slug='quickbooks').guid}/"


def test_it_is_refused_at_once_in_little_memory_while_others_are_answered(web: Web, path: str) -> None:
    send(web, path, SOUND)

    found = {
        **{name: complaints(web, path, body, status=400) for name, body in REFUSED.items()},
        **{name: complaints(web, path, body, status=413) for name, body in TOO_LARGE.items()},
        **{name: complaints(web, path, body, status=200) for name, body in HARMLESS.items()},
        "a bomb of zip": complaints(web, path, gzip.compress(bytes(100 * MIB)), "Content-Encoding: gzip", status=415),
        "an unknown coding": complaints(web, path, SOUND, "Content-Encoding: br", status=415),
        "in chunks": complaints(web, path, in_chunks(SOUND), "Transfer-Encoding: chunked", status=400),
        "20 MB in chunks": complaints(web, path, in_chunks(bytes(20 * MIB)), "Transfer-Encoding: chunked", status=400),
    }

    assert {name: words for name, words in found.items() if words} == {}


def complaints(web: Web, path: str, body: bytes, *headers: str, status: int) -> list[str]:
    before = web.begin_measuring()
    began_s = web.processor_s()
    found, content = send(web, path, body, *headers)
    took_s, grown = web.processor_s() - began_s, web.most_memory() - before
    is_fault = "<faultcode>soap:Client</faultcode>" in content
    wrong = {
        f"answered {found}, not {status}": found != status,
        f"says {content[:200]}": is_fault != (status != 200),
        f"took {took_s:.2f} s of the processor": took_s > MOST_TIME_S,
        f"took {grown / MIB:.0f} MiB": grown > MOST_MEMORY,
    }
    return [words for words, is_so in wrong.items() if is_so]


def send(web: Web, path: str, body: bytes, *headers: str) -> tuple[int, str]:
    """Status and content. While one half of it has arrived, someone else is answered."""
    length = () if any("chunked" in header for header in headers) else (f"Content-Length: {len(body)}",)
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: text/xml", "Connection: close", *length]
    with socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S) as connection:
        with suppress(ConnectionError):  # it need not listen to the end
            connection.sendall("\r\n".join([*head, *headers, "", ""]).encode() + body[: len(body) // 2])
            assert web.is_ready(), "someone else waits for it"
            connection.sendall(body[len(body) // 2 :])
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode()


def in_chunks(body: bytes) -> bytes:
    pieces = [body[start : start + MIB] for start in range(0, len(body), MIB)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
