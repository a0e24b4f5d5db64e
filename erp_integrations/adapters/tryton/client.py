"""Tryton's JSON-RPC: sign-in, session, and what its answers mean.

Tryton 8.2 listens at /<database>/rpc/, 7.0 at /<database>/; which of them this is shows at the sign-in.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from erp_integrations.errors import ConfigurationError, ERPError, TransientError
from erp_integrations.http import Conversation, StatusError

LABEL = "Tryton"
DETAIL_LIMIT = 2000
PAGE = 1000
MAX_ROWS = 200_000  # of one question, in all its pages
PATHS = ("rpc/", "")  # after the database's name, the newer series first
NOT_THERE = (404, 405)
UNREADABLE = "Tryton gave an answer that cannot be read."
CHECK_SIGN_IN = "Check Username and Password in Settings."
SLOW_SIGN_IN = f"Tryton did not answer the sign-in in time, as after wrong passwords for this user. {CHECK_SIGN_IN}"
NO_MORE_SIGN_INS = (
    "Tryton asks to wait before this user signs in again: there were too many wrong passwords. " + CHECK_SIGN_IN
)
SECOND_FACTOR = (
    "Tryton wants a second factor from this user{}, which Tieback does not have. Use a user, or a method of "
    "authentication, without one."
)
BUSY = "Someone else is changing the same records in Tryton."
FAILED_INSIDE = "Tryton had a failure of its own. Its log tells more: show it to whoever runs Tryton."
NOT_ANSWERED = (
    "Tryton could not answer: it had a failure of its own, or could not reach its database. If this stays so, its log "
    "tells more: show it to whoever runs Tryton."
)
NO_DATABASE = (
    "There is no Tryton database “{}” at this address, or Tryton cannot reach it just now. Check Address and Database, "
    "and whether Tryton's own database runs."
)
SAME_PAGE = "Tryton gave the same records twice instead of the next ones. Show this to whoever runs Tryton."
TOO_MANY = "Tryton answered with more than {:,} records, which is more than Tieback reads at once."
READS = {"login", "version", "search_read", "fields_get", "get_access"}  # of the methods we call; they change nothing
STATUSES = {
    400: "Tryton, or a proxy before it, cannot read what it was sent. Check that the address is Tryton's own, and that "
    "nothing on the way changes requests.",
    422: "This Tryton does not take requests as Tieback writes them. Tieback knows Tryton 7.0 and later: "
    "have it updated, or tell whoever runs this server.",
}
Parsed = TypeVar("Parsed")

logger = logging.getLogger(__name__)


class AnsweredError(ConfigurationError):
    """Tryton ran the call, took all of it back, and said why. Where that is not expected, a person must look."""


class NoDatabaseError(TransientError):
    """Tryton answers as if the database were not there also while it cannot reach it: only time tells which it is."""


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
        self.numbers = count(1)  # of the calls; an answer carries that of its own
        self.remarks: list[str] = []  # what was left out of answers, each record named
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
        self,
        model: str,
        domain: list[Any],
        fields: list[str],
        parse: Callable[[dict[str, Any]], Parsed],
        lost: type[ERPError] = TransientError,
        otherwise: Callable[[dict[str, Any], str], Parsed | None] = lambda row, why: None,
    ) -> Iterator[Parsed]:
        """All that fit, archived ones too, by id.

        A row that cannot be parsed is named in `remarks`, and left out unless there is something `otherwise`; a page of
        such rows alone is no answer.
        """
        for rows in self._pages(model, domain, fields, lost):
            yield from self._parsed(model, rows, parse, lost, otherwise)

    def _pages(self, model: str, domain: list[Any], fields: list[str], lost: type[ERPError]) -> Iterator[list[Any]]:
        """Until one is not full; of a server whose pages have no end, not for ever."""
        before: list[Any] = []
        for offset in count(0, PAGE):
            rows = self.call(model, "search_read", domain, offset, PAGE, [["id", "ASC"]], fields, lost=lost)
            if not isinstance(rows, list):
                raise lost(UNREADABLE, model)
            if rows and rows == before:
                raise lost(SAME_PAGE, f"{model} from {offset}")
            if rows and offset >= MAX_ROWS:
                raise lost(TOO_MANY.format(MAX_ROWS), model)
            yield rows
            if len(rows) != PAGE:
                return
            before = rows

    def _parsed(
        self,
        model: str,
        rows: list[Any],
        parse: Callable[[dict[str, Any]], Parsed],
        lost: type[ERPError],
        otherwise: Callable[[dict[str, Any], str], Parsed | None],
    ) -> list[Parsed]:
        found: list[Parsed] = []
        broken: list[Parsed] = []
        error: TransientError | None = None
        for row in rows:
            try:
                with readable(model):
                    found.append(parse(row))
            except TransientError as bad:
                error = bad
                self._leave_out(row, bad.detail)
                if isinstance(row, dict) and (instead := otherwise(row, bad.detail)) is not None:
                    broken.append(instead)
        if error and not found:
            raise lost(error.message, error.detail)
        return found + broken

    def _leave_out(self, row: Any, why: str) -> None:
        told = self._shortened(f"Tryton's record {_named(row)} cannot be read: {why}")
        self.remarks.append(told)
        logger.warning("%s", told)

    def version(self) -> str:
        """Such as "8.2" or "7.0.59"."""
        self._sign_in_once()
        return str(self._post(self.address + self.path, "common.server.version", []))

    def _sign_in_once(self) -> None:
        if not self.session:
            self._sign_in()

    def _sign_in(self) -> None:
        """After wrong passwords Tryton answers ever later, and then not at all for a while."""
        try:
            self.path, told = self._first_answer("common.db.login", [self.username, {"password": self.password}, "en"])
        except TransientError as error:
            if error.message.endswith(("did not answer in time.", "is too slow.")):
                raise TransientError(SLOW_SIGN_IN, error.detail) from error
            if error.detail.startswith("HTTP 429"):
                raise TransientError(NO_MORE_SIGN_INS, error.detail, error.retry_after_s) from error
            raise
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
        raise NoDatabaseError(NO_DATABASE.format(self.database), detail)

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
        try:
            number = next(self.numbers)
            told = self.network.post_json(url, {"id": number, "method": method, "params": words}, headers, lost)
        except StatusError as error:
            raise StatusError(STATUSES.get(error.status, error.message), error.detail, error.status) from error
        if not isinstance(told, dict) or ("result" in told) == ("error" in told):
            raise lost(UNREADABLE, method)
        if told.get("id") != number:  # one answer too many came before
            raise lost(UNREADABLE, f"{method}: the answer is that of another call")
        if "error" in told:
            raise self._answered(told["error"], lost if method.rpartition(".")[2] in READS else None)
        return told["result"]

    def _answered(self, error: Any, lost: type[ERPError] | None) -> ERPError:
        """Tryton's error array is [class, words], the words a list or a text; of a failure inside [text, traceback].

        Such a failure is also all that 7.0 tells of a database that it cannot reach. What that means to a call that
        reads, `lost` says; a call that writes was taken back whole.
        """
        kind, *rest = error if isinstance(error, list) and error else (error,)
        words = [str(word or "") for word in (rest[0] if rest and isinstance(rest[0], list) else rest[:1])]
        match kind:
            case "ConcurrencyException":
                return TransientError(BUSY, self._shortened(" ".join(filter(None, [kind, *words]))))
            case "LoginException":
                asked = f" (“{self._shortened(words[1])}”)" if len(words) > 1 else ""
                return ConfigurationError(
                    SECOND_FACTOR.format(asked), self._shortened(" ".join(filter(None, [kind, *words])))
                )
            case "UserError" | "UserWarning":
                return self._refusal(words[kind == "UserWarning" :])
        detail = self._shortened(str(kind))
        return lost(NOT_ANSWERED, detail) if lost else AnsweredError(FAILED_INSIDE, detail)

    def _refusal(self, words: list[str]) -> AnsweredError:
        """In Tryton's own words: a sentence and an explanation; a domain that may follow is as long as a page."""
        sentence, _, rest = self._shortened("\n".join(filter(None, words[:2]))).partition("\n")
        return AnsweredError(sentence or "Tryton refused without a word.", rest)

    def _shortened(self, text: str) -> str:
        return self.network.redact(text)[:DETAIL_LIMIT]


def _named(row: Any) -> str:
    """A record that cannot be read, by what of it can."""
    told = [f"{name} {row[name]}" for name in ("id", "code", "name") if row.get(name)] if isinstance(row, dict) else []
    return ", ".join(told)[:100] or "without an id"


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Whatever is not where it belongs in an answer makes that answer unreadable."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise TransientError(UNREADABLE, f"{what}: {error!r}") from error
