"""What can go wrong with a whole call to an ERP. Each kind has one consequence, taken in `exports` alone.

An error has a `message` (a sentence for the approver: what happened, what to do) and a `detail` (for operators:
status, the ERP's own words, secrets removed).
"""

from __future__ import annotations


class ERPError(Exception):
    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class TransientError(ERPError):
    """Definitely not executed (refused connect, 429, ...): everything of the call is retried at a stored time."""

    def __init__(self, message: str, detail: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, detail)
        self.retry_after_s = retry_after_s


class ConfigurationError(ERPError):
    """Not executed, and it will not be until a person mends credentials, rights or options: pauses the connection."""


class UncertainError(ERPError):
    """Perhaps executed (time-out or reset after the first byte, 5xx, unreadable answer): the ERP is asked."""


class UnsupportedFeature(ERPError):
    """We called what the adapter's capabilities deny: a bug of ours."""
