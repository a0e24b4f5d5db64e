"""One conversation with an ERP over HTTP: whatever goes wrong on the wire becomes a kind of errors.py.

A request that never began to be sent is a TransientError. Once it began, `lost` says what a missing or unreadable
answer means: TransientError for a call that only reads, UncertainError for one that writes.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Any, NoReturn, Self

import httpcore2
import httpx2

from erp_integrations.addresses import require_allowed
from erp_integrations.errors import ConfigurationError, ERPError, TransientError
from erp_integrations.wire import Deadline, Wire

SIZE_LIMIT_BYTES = 8 * 1024 * 1024  # of an answer, on the wire and unpacked
BUDGET_BYTES = 64 * 1024 * 1024  # of all answers of a conversation, unpacked
PIECE_BYTES = 256 * 1024  # unpacked at once
KEEPALIVE_S = 5.0
DETAIL_LIMIT = 500
SHORTEST_WAIT_S, LONGEST_WAIT_S = 1.0, 3600.0
HEADERS = {
    "User-Agent": "Tieback",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Content-Type": "application/json",
}


class StatusError(ConfigurationError):
    """The ERP refused the request as such (401, 403, 404, ...): nothing was done, and a person must mend it."""

    def __init__(self, message: str, detail: str, status: int) -> None:
        super().__init__(message, detail)
        self.status = status


class Conversation:
    """The requests of one adapter call; all of them together may last `timeout_s`. Use it with `with`.

    It follows no redirect and no proxy of the environment: what is connected to is what was allowed.
    """

    def __init__(self, label: str, timeout_s: float, secrets: Sequence[str] = ()) -> None:
        self.label = label
        self.timeout_s = timeout_s
        self.secrets = {form for secret in secrets if secret for form in (secret, json.dumps(secret)[1:-1])}
        self.deadline = Deadline.after(timeout_s)
        self.read_bytes = 0  # of all answers so far
        self.wire = Wire(self.deadline)
        self.pool = httpcore2.ConnectionPool(
            ssl_context=_trusted(), keepalive_expiry=KEEPALIVE_S, network_backend=self.wire
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.close()

    def post_json(
        self, url: str, body: Any, headers: Mapping[str, str] | None = None, lost: type[ERPError] = TransientError
    ) -> Any:
        """The parsed JSON of a 200 answer; anything else is raised."""
        status, answered, content = self._send(
            require_allowed(url), json.dumps(body).encode(), HEADERS | dict(headers or {}), lost
        )
        if status != 200:
            self._refuse(status, answered, content, lost)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise self._unreadable(f"HTTP 200, not JSON: {self._excerpt(content)}", lost) from None

    def redact(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def _excerpt(self, content: bytes) -> str:
        return self.redact(" ".join(content.decode("utf-8", "replace").split()))[:DETAIL_LIMIT]

    def _send(
        self, url: httpx2.URL, body: bytes, headers: Mapping[str, str], lost: type[ERPError]
    ) -> tuple[int, dict[str, str], bytes]:
        if self.deadline.left_s() <= 0:
            raise TransientError(f"{self.label} is too slow.", f"{self.timeout_s:g} s were over before this request")
        self.wire.has_sent = False
        target = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        try:
            named = {"Host": url.netloc.decode(), **headers}
            with self.pool.stream("POST", target, headers=list(named.items()), content=body) as answer:
                answer.extensions["network_stream"].allowance_bytes += SIZE_LIMIT_BYTES
                told = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                return answer.status, told, self._read(_unpacked(answer.iter_stream(), told), lost)
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise self._broken(error, lost) from error
        except zlib.error as error:
            raise self._unreadable(str(error), lost) from error

    def _read(self, pieces: Iterable[bytes], lost: type[ERPError]) -> bytes:
        content = bytearray()
        for piece in pieces:
            content += piece
            self.read_bytes += len(piece)
            if self.read_bytes > BUDGET_BYTES:
                raise lost(f"The answers of {self.label} are too large together.", f"more than {BUDGET_BYTES} bytes")
            if len(content) > SIZE_LIMIT_BYTES:
                raise lost(f"{self.label} gave an answer that is too large.", f"more than {SIZE_LIMIT_BYTES} bytes")
            if self.deadline.left_s() <= 0:
                raise lost(f"{self.label} did not answer in time.", f"answer unfinished after {self.timeout_s:g} s")
        return bytes(content)

    def _broken(self, error: Exception, lost: type[ERPError]) -> ERPError:
        detail = self.redact(f"{type(error).__name__}: {error}")
        if self.wire.has_sent and isinstance(error, httpcore2.TimeoutException):
            return lost(f"{self.label} did not answer in time.", detail)
        if self.wire.has_sent:
            return lost(f"The connection to {self.label} broke before its answer was complete.", detail)
        if _comes_from(error, ssl.SSLCertVerificationError):
            message = f"The certificate of {self.label} is not trusted. Check the address, or mend the certificate."
            return ConfigurationError(message, detail)
        if _comes_from(error, socket.gaierror):
            return TransientError(f"{self.label} cannot be reached: the name in its address is not known.", detail)
        return TransientError(f"{self.label} cannot be reached.", detail)

    def _unreadable(self, detail: str, lost: type[ERPError]) -> ERPError:
        return lost(f"{self.label} gave an answer that cannot be read.", detail)

    def _refuse(self, status: int, headers: Mapping[str, str], content: bytes, lost: type[ERPError]) -> NoReturn:
        detail = f"HTTP {status}: {self._excerpt(content)}"
        if status in (408, 425, 429):
            raise TransientError(f"{self.label} asks to wait.", detail, _retry_after_s(headers))
        if status >= 500 or status < 300:
            raise lost(f"{self.label} had a failure of its own.", detail)
        if status < 400:
            detail = self.redact(f"HTTP {status} to {headers.get('location', 'nowhere')}")[:DETAIL_LIMIT]
            raise StatusError(f"{self.label} sends on to another address. Enter the final one.", detail, status)
        if status in (401, 403):
            raise StatusError(f"{self.label} refuses these credentials. Check them and their rights.", detail, status)
        raise StatusError(f"{self.label} does not know this request. Check the address.", detail, status)


@cache
def _trusted() -> ssl.SSLContext:
    """Once per process: reading the certificates takes longer than many a call."""
    return httpx2.create_ssl_context(trust_env=False)


def _unpacked(received: Iterable[bytes], headers: Mapping[str, str]) -> Iterable[bytes]:
    """We ask for gzip alone; whatever else comes is left as it is, and is no JSON."""
    is_gzip = headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
    return _unzipped(received) if is_gzip else received


def _unzipped(received: Iterable[bytes]) -> Iterator[bytes]:
    """In small pieces, however much a few bytes unpack to, and empty ones too, so that the reader sees the time pass.

    Raises zlib.error for what is no gzip, or not all of it.
    """
    unzip = None  # until a member of the file begins
    for rest in received:
        while rest := rest if unzip else rest.lstrip(b"\0"):  # zeros may follow the last member
            unzip = unzip or zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            yield unzip.decompress(rest, PIECE_BYTES)
            rest = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
            unzip = None if unzip.eof else unzip
    if unzip:
        raise zlib.error("the answer breaks off")


def _comes_from(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds, from either form of the header, never so few that we would run hot, nor more than an hour.

    None where it says nothing that makes sense: the caller waits by its own rules.
    """
    told = headers.get("retry-after", "").strip()
    try:
        wait_s = float(told) if re.fullmatch(r"[+-]?\d+(\.\d*)?", told, re.ASCII) else _seconds_until(told, headers)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)


def _seconds_until(http_date: str, headers: Mapping[str, str]) -> float:
    """By the server's own clock, if it tells the time: ours may differ."""
    moment = _moment(http_date)
    try:
        now = _moment(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        now = datetime.now(UTC)  # noqa: TID251 (of an answer, stored nowhere)
    return (moment - now).total_seconds()


def _moment(http_date: str) -> datetime:
    moment = parsedate_to_datetime(http_date)
    return moment.replace(tzinfo=moment.tzinfo or UTC)
