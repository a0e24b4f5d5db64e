"""One conversation with an ERP over HTTP: whatever goes wrong on the wire becomes a kind of errors.py.

A request that never began to be sent is a TransientError. Once it began, `lost` says what a missing or unreadable
answer means: TransientError for a call that only reads, UncertainError for one that writes.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Any, NoReturn, Self

import httpx2
from django.conf import settings

from erp_integrations.errors import ConfigurationError, ERPError, TransientError

SIZE_LIMIT_BYTES = 8 * 1024 * 1024
CONNECT_TIMEOUT_S = 10.0
DETAIL_LIMIT = 500
LONGEST_WAIT_S = 3600.0


class StatusError(ConfigurationError):
    """The ERP refused the request as such (401, 403, 404, ...): nothing was done, and a person must mend it."""

    def __init__(self, message: str, detail: str, status: int) -> None:
        super().__init__(message, detail)
        self.status = status


class Conversation:
    """The requests of one adapter call; all of them together may last `timeout_s`. Use it with `with`."""

    def __init__(self, label: str, timeout_s: float, secrets: Sequence[str] = ()) -> None:
        self.label = label
        self.timeout_s = timeout_s
        self.secrets = {form for secret in secrets if secret for form in (secret, json.dumps(secret)[1:-1])}
        self.deadline = time.monotonic() + timeout_s
        self.allowed: set[str] = set()
        self.client = httpx2.Client(
            headers={"User-Agent": "Tieback", "Accept": "application/json", "Accept-Encoding": "gzip"},
            follow_redirects=False,
            trust_env=False,
            verify=_trusted(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    def post_json(
        self, url: str, body: Any, headers: Mapping[str, str] | None = None, lost: type[ERPError] = TransientError
    ) -> Any:
        """The parsed JSON of a 200 answer; anything else is raised."""
        self._require_allowed(url)
        status, answered, content = self._send(url, json.dumps(body).encode(), headers or {}, lost)
        if status != 200:
            self._refuse(status, answered, content, lost)
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            message = f"{self.label} gave an answer that cannot be read."
            raise lost(message, f"HTTP 200, not JSON: {self._excerpt(content)}") from None

    def redact(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def _excerpt(self, content: bytes) -> str:
        return self.redact(" ".join(content.decode("utf-8", "replace").split()))[:DETAIL_LIMIT]

    def _send(
        self, url: str, body: bytes, headers: Mapping[str, str], lost: type[ERPError]
    ) -> tuple[int, httpx2.Headers, bytes]:
        request = self.client.build_request(
            "POST", url, content=body, headers={"Content-Type": "application/json", **headers}, timeout=self._timeout()
        )
        try:
            answer = self.client.send(request, stream=True)
            try:
                return answer.status_code, answer.headers, self._read(answer, lost)
            finally:
                answer.close()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            self._not_connected(error)
        except httpx2.TimeoutException as error:
            raise lost(f"{self.label} did not answer in time.", type(error).__name__) from error
        except httpx2.RequestError as error:
            detail = self.redact(f"{type(error).__name__}: {error}")
            raise lost(f"The connection to {self.label} broke before its answer was complete.", detail) from error

    def _read(self, answer: httpx2.Response, lost: type[ERPError]) -> bytes:
        content = bytearray()
        for chunk in answer.iter_bytes():
            content += chunk
            if len(content) > SIZE_LIMIT_BYTES:
                raise lost(f"{self.label} gave an answer that is too large.", f"more than {SIZE_LIMIT_BYTES} bytes")
            if time.monotonic() > self.deadline:
                raise lost(f"{self.label} did not answer in time.", f"answer unfinished after {self.timeout_s:g} s")
        return bytes(content)

    def _timeout(self) -> httpx2.Timeout:
        left_s = self.deadline - time.monotonic()
        if left_s <= 0:
            raise TransientError(f"{self.label} is too slow.", f"{self.timeout_s:g} s were over before this request")
        return httpx2.Timeout(left_s, connect=min(left_s, CONNECT_TIMEOUT_S))

    def _not_connected(self, error: Exception) -> NoReturn:
        detail = self.redact(f"{type(error).__name__}: {error}")
        if _is_certificate_error(error):
            message = f"The certificate of {self.label} is not trusted. Check the address, or mend the certificate."
            raise ConfigurationError(message, detail) from error
        raise TransientError(f"{self.label} cannot be reached.", detail) from error

    def _refuse(self, status: int, headers: httpx2.Headers, content: bytes, lost: type[ERPError]) -> NoReturn:
        detail = f"HTTP {status}: {self._excerpt(content)}"
        if status in (408, 425, 429):
            raise TransientError(f"{self.label} asks to wait.", detail, _retry_after_s(headers.get("Retry-After")))
        if status >= 500 or status < 300:
            raise lost(f"{self.label} had a failure of its own.", detail)
        if status < 400:
            detail = self.redact(f"HTTP {status} to {headers.get('Location', 'nowhere')}")
            raise StatusError(f"{self.label} sends on to another address. Enter the final one.", detail, status)
        if status in (401, 403):
            raise StatusError(f"{self.label} refuses these credentials. Check them and their rights.", detail, status)
        raise StatusError(f"{self.label} does not know this request. Check the address.", detail, status)

    def _require_allowed(self, url: str) -> None:
        """Nobody may use us to reach into the network that we run in."""
        host, port = host_and_port(url)
        if settings.ERP_ALLOW_PRIVATE_ADDRESSES or host in settings.ERP_ALLOWED_HOSTS or host in self.allowed:
            return
        if not all(map(_is_public, self._addresses(host, port))):
            message = f"{host} is on a private network, which this installation does not allow."
            raise ConfigurationError(message, "see ERP_ALLOWED_HOSTS")
        self.allowed.add(host)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            raise TransientError(f"{self.label} cannot be reached: {host} has no address.", str(error)) from error


@cache
def _trusted() -> ssl.SSLContext:
    """Once per process: reading the certificates takes longer than many a call."""
    return httpx2.create_ssl_context(trust_env=False)


def host_and_port(url: str) -> tuple[str, int]:
    """Raises ConfigurationError for what is not the address of a web server, or carries a password."""
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        parts = httpx2.URL("")
    if parts.scheme not in ("http", "https") or not parts.host or parts.userinfo:
        raise ConfigurationError("The address is not one of a web server. It looks like https://erp.example.com.")
    return parts.host, parts.port or (443 if parts.scheme == "https" else 80)


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return parsed.is_global and not parsed.is_multicast


def _is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _retry_after_s(value: str | None) -> float | None:
    """Seconds, from either form of the header; never longer than an hour."""
    if not value:
        return None
    try:
        wait_s = float(value) if value.strip().isdigit() else _seconds_until(value)
    except (ValueError, TypeError):
        return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)


def _seconds_until(http_date: str) -> float:
    moment = parsedate_to_datetime(http_date)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()  # noqa: TID251 (the ERP's, not stored)
