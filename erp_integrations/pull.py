"""The interface of adapters whose ERP calls us: a connector fetches one message, runs it, and brings the answer.

The adapter writes messages and reads answers; it keeps nothing and calls nobody. Which message is due, and what an
answer does to the codes, is decided in `exports`; the envelope that carries messages is not the adapter's either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from erp_integrations.base import Adapter, CodeData, Delivery, GLAccountData, Outcome, Receipt
from erp_integrations.errors import ERPError


@dataclass(frozen=True)
class Books:
    """What the connector says of the ERP and of the company's books that are open in it."""

    company: str
    version: str  # "QuickBooks Enterprise Solutions 24.0"
    owner_key: str = ""  # what we stamped into these books when the connector was added to them; empty: nothing


class NothingStored(ERPError):
    """The ERP holds no answer to a message that was handed out again: whether it ran is not known from it."""


class PullAdapter(Adapter):
    """Base of adapters that are pulled. Every `read_...` gets the text of an answer, which may be hostile or cut short:
    it raises UncertainError for one that cannot be read, ConfigurationError for one that a person must act upon.
    """

    delivery = Delivery.PULL
    owner_id: ClassVar[str] = ""  # GUID under which the connector stamps our key into the books; one for ever
    look_up_size: ClassVar[int] = 1000  # how many codes may one message of `find_message` ask about?

    def read_greeting(self, greeting: str) -> Books:
        """The books that are open. Raises ConfigurationError if this ERP is too old for us."""
        raise NotImplementedError

    def accounts_message(self) -> str:
        raise NotImplementedError

    def read_accounts(self, answer: str) -> list[GLAccountData]:
        """All accounts of the books, inactive ones included."""
        raise NotImplementedError

    def find_message(self, codes: Sequence[CodeData]) -> str:
        """Asks for the items of these codes, at most `look_up_size`, among items of every type, inactive ones too."""
        raise NotImplementedError

    def read_found(self, codes: Sequence[CodeData], answer: str) -> dict[str, Receipt]:
        """Receipts by reference of the items that exist; the absent are absent. As `Adapter.find`."""
        raise NotImplementedError

    def export_message(self, codes: Sequence[CodeData], key: str, done_key: str = "") -> str:
        """Creates the items: at most as many as the option "Codes per Message" says, parents before children.

        `key` (22 characters) names the message, so that the ERP runs it once however often it arrives; `done_key` is
        that of an earlier message whose answer we have, and which the ERP may forget.
        """
        raise NotImplementedError

    def read_outcomes(self, codes: Sequence[CodeData], answer: str) -> list[Outcome]:
        """One outcome per code that the answer speaks of. Raises NothingStored when it is no answer to the message."""
        raise NotImplementedError

    def connector_error(self, code: str, message: str) -> ERPError:
        """What an error that the connector reports instead of an answer means, as an error of ours."""
        raise NotImplementedError
