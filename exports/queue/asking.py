"""Asking the ERP about codes: about all of them at once, and in halves where one of them spoils the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from erp_integrations.base import CodeData, Receipt
from erp_integrations.errors import ERPError, UncertainError
from erp_integrations.models import Connection
from exports.queue import erp_calls


@dataclass
class Inquiry:
    """What the ERP told about some codes, in as many calls as it took.

    An answer of no use (UncertainError) may be the fault of one code. Then it is asked in halves, and again, until that
    one is alone: log2(n) calls for one bad code among n; after twice as many the others are left for the next time.
    """

    connection: Connection
    before_call: Callable[[bool], None]  # is given whether it is the first, and raises what forbids another
    calls: int  # that may still be made
    until: float  # of the monotonic clock: no further call begins after that
    receipts: dict[str, Receipt] = field(default_factory=dict)
    errors: dict[str, ERPError] = field(default_factory=dict)  # by reference: codes about which nothing was told
    answered: set[str] = field(default_factory=set)
    error: ERPError | None = None  # what speaks for the connection

    @classmethod
    def make(
        cls, connection: Connection, codes: Sequence[CodeData], before_call: Callable[[bool], None] = lambda _: None
    ) -> Inquiry:
        """Raises what `before_call` does. Codes neither in `answered` nor in `errors` are left for the next time."""
        half_a_call_s = connection.capabilities.call_timeout_s / 2  # an ERP that is slow is not asked in halves
        until = time.monotonic() + half_a_call_s
        inquiry = cls(connection, before_call, 1 + 2 * len(codes).bit_length(), until)
        if error := inquiry._about(codes):
            inquiry._narrow(codes, error)
        if not inquiry.answered:  # it is not the fault of a code
            inquiry._blame(codes, error or inquiry.error)
        elif isinstance(inquiry.error, UncertainError):
            inquiry.error = None
        return inquiry

    def _narrow(self, codes: Sequence[CodeData], error: ERPError) -> None:
        """Ask about each half of codes that come to that error together. If the first is good, the second is not."""
        if len(codes) == 1 and isinstance(error, UncertainError):
            self._blame(codes, error)
            return
        if not isinstance(error, UncertainError) or not self._has_time():
            return
        first, second = codes[: len(codes) // 2], codes[len(codes) // 2 :]
        wrong = self._about(first)
        if wrong is None:
            self._narrow(second, error)
            return
        self._narrow(first, wrong)
        if self._has_time() and (wrong := self._about(second)):
            self._narrow(second, wrong)

    def _has_time(self) -> bool:
        return self.calls > 0 and time.monotonic() < self.until

    def _about(self, codes: Sequence[CodeData]) -> ERPError | None:
        """One call. An error that is not about the codes ends the asking."""
        self.before_call(self.error is None)
        self.calls -= 1
        receipts, error = erp_calls.find(self.connection, codes)
        self.error = error or self.error
        if error is None:
            self.receipts |= receipts
            self.answered |= {code.reference for code in codes}
        elif not isinstance(error, UncertainError):
            self.calls = 0
        return error

    def _blame(self, codes: Sequence[CodeData], error: ERPError | None) -> None:
        if error:
            self.errors |= dict.fromkeys((code.reference for code in codes), error)
