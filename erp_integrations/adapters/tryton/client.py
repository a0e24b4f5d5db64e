"""Tryton's JSON-RPC: sign-in, session, and what its answers mean.

Tryton 8.2 listens at /<database>/rpc/, 7.0 at /<database>/; which of them this is shows at the sign-in.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from erp_integrations.errors import ConfigurationError, ERPError, TransientError
from erp_integrations.http import Conversation, StatusError

LABEL = "Tryton"
DETAIL_LIMIT = 2000
PAGE = 1000
PATHS = ("rpc/", "")  # after the database's name, the newer series first
NOT_THERE = (404, 405)
UNREADABLE = "Tryton gave an answer that cannot be read."
Parsed = TypeVar("Parsed")


class AnsweredError(ConfigurationError):
    """Tryton ran the call, took all of it back, and said why. Where that is not expected, a person must look."""


class TrytonClient:
    """Signs in at the first call and keeps the session; `with` opens the network for the calls of one question."""

    def __init__(self, address: str, database: str, username: str, password: str, timeout_s: float) -> None:
        self.address = address.rstrip("/") + "/"
        self.database = database
        self.database_url = f"{self.address}{quote(database, safe='')}/"
        self.username = username
        self.password = password
        self.timeout_s = timeout_s
        self.path = ""  # known once signed in
        self.session = ""
        self.context: dict[str, Any] = {"language": "en", "active_test": False}  # archived ones are shown too

    def __enter__(self) -> Self:
        self.network = Conversation(LABEL, self.timeout_s, [self.password])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.network.__exit__(kind, error, trace)

    def call(self, model: str, method: str, *words: Any, lost: type[ERPError] = TransientError) -> Any:
        """`lost` says what a lost answer to this call means. A session that has ended is renewed once."""
        self._sign_in_once()
        try:
            return self._call(model, method, words, lost)
        except StatusError as error:
            if error.status != 401:
                raise
        self._sign_in()
        return self._call(model, method, words, lost)

    def search_read(
        self, model: str, domain: list[Any], fields: list[str], parse: Callable[[dict[str, Any]], Parsed]
    ) -> Iterator[Parsed]:
        """All that fit, archived ones too, by id; a row that cannot be parsed makes the answer unreadable."""
        offset, size = 0, PAGE
        while size == PAGE:
            rows = self.call(model, "search_read", domain, offset, PAGE, [["id", "ASC"]], fields)
            with readable(model):
                found = [parse(row) for row in rows]
            yield from found
            offset, size = offset + PAGE, len(found)

    def version(self) -> str:
        """Such as "8.2" or "7.0.59"."""
        self._sign_in_once()
        return str(self._post(self.address + self.path, "common.server.version", []))

    def _sign_in_once(self) -> None:
        if not self.session:
            self._sign_in()

    def _sign_in(self) -> None:
        self.path, told = self._first_answer("common.db.login", [self.username, {"password": self.password}, "en"])
        with readable("common.db.login"):
            user, token = int(told[0]), str(told[1])
        self.session = b64encode(f"{self.username}:{user}:{token}".encode()).decode()
        self.network.secrets |= {token, self.session}

    def _first_answer(self, method: str, words: list[Any]) -> tuple[str, Any]:
        """The path of the series that this server is of, and its answer."""
        for path in PATHS:
            try:
                return path, self._post(self.database_url + path, method, words)
            except StatusError as error:
                detail = error.detail
                if error.status == 401:
                    raise ConfigurationError("Tryton refuses this username or password.", detail) from error
                if error.status not in NOT_THERE:
                    raise
        message = f"There is no Tryton database “{self.database}” at this address. Check Address and Database."
        raise ConfigurationError(message, detail)

    def _call(self, model: str, method: str, words: tuple[Any, ...], lost: type[ERPError]) -> Any:
        headers = {"Authorization": f"Session {self.session}"}
        return self._post(
            self.database_url + self.path, f"model.{model}.{method}", [*words, self.context], headers, lost
        )

    def _post(
        self,
        url: str,
        method: str,
        words: list[Any],
        headers: dict[str, str] | None = None,
        lost: type[ERPError] = TransientError,
    ) -> Any:
        told = self.network.post_json(url, {"id": 1, "method": method, "params": words}, headers, lost)
        if not isinstance(told, dict) or ("result" in told) == ("error" in told):
            raise lost(UNREADABLE, method)
        if "error" in told:
            raise self._answered(told["error"])
        return told["result"]

    def _answered(self, error: Any) -> ERPError:
        """Tryton's error array is [class, [sentence, explanation, ...]]; a warning has its name first."""
        kind, words = (error[0], error[1]) if isinstance(error, list) and len(error) > 1 else (error, [])
        if kind == "ConcurrencyException":
            return TransientError("Someone else is changing the same records in Tryton.", str(kind))
        if kind not in ("UserError", "UserWarning") or not isinstance(words, list):
            return AnsweredError("Tryton had a failure of its own.", self._shortened(str(kind)))
        told = "\n".join(str(word) for word in words[kind == "UserWarning" :][:2] if word)
        sentence, _, rest = self._shortened(told).partition("\n")
        return AnsweredError(sentence or "Tryton refused without a word.", rest)

    def _shortened(self, text: str) -> str:
        return self.network.redact(text)[:DETAIL_LIMIT]


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Whatever is not where it belongs in an answer makes that answer unreadable."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise TransientError(UNREADABLE, f"{what}: {error!r}") from error
