"""A scripted Web Connector: the program that stands between our SOAP service and QuickBooks, and what can befall it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.quickbooks.company import QuickBooks
from tests.quickbooks.schema import QBError
from tests.quickbooks.transports import ProtocolError, RawTransport, Result, Send, expect, over_http

VERSION = "34.0.1001.20"  # a build newer than any that is written about
COULD_NOT_START, COULD_NOT_OPEN = "0x80040408", "0x80040401"
MOST_PAUSES = 20  # of a session; the real one would go on for ever
MOST_PATHS = 5
MOST_MESSAGES = 1000


class Transport(Protocol):
    def call(self, operation: str, *values: str | int) -> Result: ...


class ConnectorDied(Exception):
    """Its computer was switched off: no word to the service any more."""


@dataclass(frozen=True)
class Call:
    operation: str
    arguments: tuple[str | int, ...]
    result: Result

    def __str__(self) -> str:
        words = ", ".join(text if len(text := repr(each)) < 60 else f"{text[:57]}..." for each in self.arguments)
        return f"{self.operation}({words}) = {self.result!r}"


@dataclass
class PollReport:
    calls: list[Call] = field(default_factory=list)
    percents: list[int] = field(default_factory=list)
    outcome: str = ""  # work, none, nvu, busy, postponed, refused (the version), no quickbooks, error, died
    last_error: str | None = None
    warning: str | None = None
    postponed_s: int | None = None
    every_s: int | None = None
    pauses: int = 0
    closed: str | None = None  # what the service said at the end; None if it was not asked

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.calls]

    @property
    def soap_calls(self) -> int:
        return len(self.calls)

    @property
    def requests(self) -> list[str]:
        """The documents that QuickBooks was given."""
        sent = [each.result for each in self.calls if each.operation == "sendRequestXML"]
        return [each for each in sent if isinstance(each, str) and each not in ("", "NoOp")]


@dataclass
class Faults:
    """What befalls this poll. Messages are counted from 1; 0 is never."""

    lose_request_before_run: int = 0  # the connector dies with the n-th message in hand
    lose_response_after_run: int = 0  # QuickBooks has executed the n-th message, the connector dies
    lose_answer: int = 0  # the service has the n-th response, the connector dies without hearing the percent
    deliver_twice: bool = False
    truncate_response: int | None = None  # characters that are left
    hresult: str = ""  # the request processor throws, before it executes anything
    message: str = "The request processor failed."
    connection_errors: int = 0  # QuickBooks cannot be opened, the first times
    connection_hresult: str = COULD_NOT_START


class WebConnector:
    """`poll()` is one update, whole; `open`, `fetch`, `run`, `deliver`, `close` are its steps.

    `transport` makes the way to speak: `RawTransport`, `ZeepTransport`, or a partial of the first with options.
    A poll raises ProtocolError where the service breaks the contract, and ServiceFault where it answers a fault.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        quickbooks: QuickBooks,
        *,
        send: Send = over_http,
        transport: Callable[[str, Send], Any] = RawTransport,
        faults: Faults | None = None,
    ) -> None:
        self.username = username
        self.password = password
        self.quickbooks = quickbooks  # replace it to have another company file open
        self.transport: Transport = transport(url, send)
        self.faults = faults or Faults()
        self._begin()

    def _begin(self) -> None:
        self.report = PollReport()
        self.ticket = ""
        self.messages = 0
        self.request = ""
        self.response, self.hresult, self.message = "", "", ""

    def poll(self) -> PollReport:
        try:
            if self.open():
                while self.fetch():
                    self.run()
                    if not self.deliver():
                        break
            self.close()
        except ConnectorDied:
            self.report.outcome = "died"
        return self.report

    # The steps

    def open(self) -> bool:
        """Whether there is work and QuickBooks is open for it. Else `close` is what is left to do."""
        self._begin()
        self._text("serverVersion")
        return self._version_is_welcome() and self._authenticate() and self._open_quickbooks()

    def fetch(self) -> bool:
        """Whether there is a message for QuickBooks, in `request`."""
        while True:
            self.request = self._ask()
            if self.request not in ("", "NoOp"):
                self.messages += 1
                expect(self.messages <= MOST_MESSAGES, "this session", "has no end")
                return True
            error = self._text("getLastError", self.ticket)
            if error != "NoOp":
                expect(error != "Interactive mode", "getLastError", "starts an interactive session")
                self.report.last_error = error
                return False
            self.report.pauses += 1
            expect(self.report.pauses <= MOST_PAUSES, "this session", "does nothing but pause")

    def run(self) -> None:
        """Lets QuickBooks execute the message; the answer is in `response`, or in `hresult` and `message`."""
        if self.faults.lose_request_before_run == self.messages:
            raise ConnectorDied
        self.response, self.hresult, self.message = "", self.faults.hresult, self.faults.message
        if not self.hresult:
            self._run()
        if self.faults.lose_response_after_run == self.messages:
            raise ConnectorDied

    def _run(self) -> None:
        try:
            self.response, self.message = self.quickbooks.run(self.request), ""
        except QBError as error:
            self.hresult, self.message = error.hresult, error.message
        if self.faults.truncate_response is not None:
            self.response = self.response[: self.faults.truncate_response]

    def deliver(self) -> bool:
        """Whether the service wants to go on."""
        percent = self._deliver_once()
        if self.faults.lose_answer == self.messages:
            raise ConnectorDied
        if self.faults.deliver_twice:
            percent = self._deliver_once()
        if percent < 0:
            self.report.outcome = "error"
            self.report.last_error = self._text("getLastError", self.ticket)
        return 0 <= percent < 100

    def close(self) -> None:
        """Nothing, if the service has given no ticket."""
        if self.ticket:
            self.report.closed = self._text("closeConnection", self.ticket)

    # Their parts

    def _version_is_welcome(self) -> bool:
        answer = self._text("clientVersion", VERSION)
        kind, _, words = answer.partition(":")
        expect(answer == "" or kind in ("W", "E", "O"), "clientVersion", f"is {answer!r}")
        if kind == "W":
            self.report.warning = words
        if kind in ("E", "O"):
            self.report.outcome, self.report.last_error = "refused", words
            return False
        return True

    def _authenticate(self) -> bool:
        answer = self._call("authenticate", self.username, self.password)
        expect(isinstance(answer, list) and 2 <= len(answer) <= 4, "authenticate", f"is {answer!r}, not 2 to 4 strings")
        self.ticket, path, *seconds = answer
        expect(self.ticket != "", "authenticate", "gives no ticket")
        postponed, every = ([seconds_of(each) for each in seconds] + [None, None])[:2]
        self.report.postponed_s, self.report.every_s = postponed, every
        if postponed is not None:
            self.report.outcome = "postponed"
        elif path.lower() in ("none", "nvu", "busy"):
            expect(path == path.lower(), "authenticate", f"says {path!r}; write it small")
            self.report.outcome = path
        else:
            self.report.outcome = "work"
            self.path = path
        return self.report.outcome == "work"

    def _open_quickbooks(self) -> bool:
        for attempt in range(1, MOST_PATHS + 1):
            hresult = self._hindrance(attempt)
            if not hresult:
                self.quickbooks.begin_session()
                return True
            answer = self._text("connectionError", self.ticket, hresult, "Could not open QuickBooks.")
            if answer.lower() == "done":
                self.report.outcome = "no quickbooks"
                return False
            self.path = answer
        raise ProtocolError("connectionError never says done")

    def _hindrance(self, attempt: int) -> str:
        """The HRESULT of opening the file at `path`; empty is the one that is open."""
        if attempt <= self.faults.connection_errors:
            return self.faults.connection_hresult
        return "" if self.path in ("", self.quickbooks.path) else COULD_NOT_OPEN

    def _ask(self) -> str:
        is_first = "sendRequestXML" not in self.report.operations
        major, minor = self.quickbooks.newest_version.split(".")
        hcp = self.quickbooks.host_response() if is_first else ""
        return self._text("sendRequestXML", self.ticket, hcp, self.quickbooks.path, "US", int(major), int(minor))

    def _deliver_once(self) -> int:
        percent = self._call("receiveResponseXML", self.ticket, self.response, self.hresult, self.message)
        expect(
            type(percent) is int and percent <= 100, "receiveResponseXML", f"is {percent!r}, more than 100 or no int"
        )
        assert isinstance(percent, int)
        self.report.percents.append(percent)
        return percent

    def _text(self, operation: str, *values: str | int) -> str:
        answer = self._call(operation, *values)
        expect(isinstance(answer, str), operation, f"is {answer!r}, not a string")
        return str(answer)

    def _call(self, operation: str, *values: str | int) -> Result:
        result = self.transport.call(operation, *values)
        shown = tuple("***" if operation == "authenticate" and each == self.password else each for each in values)
        self.report.calls.append(Call(operation, shown, result))
        return result


def seconds_of(text: str) -> int | None:
    expect(text == "" or text.isdecimal(), "authenticate", f"says {text!r} where seconds belong")
    return int(text) if text else None
