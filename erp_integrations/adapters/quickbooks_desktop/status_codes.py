"""What QuickBooks' status codes and the Web Connector's errors mean: what follows, and a sentence for people.

From Intuit's public lists of codes and what others have recorded of them; QuickBooks' own words go to `detail`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.pull import NothingStored


class Then(Enum):
    """What follows for the code."""

    DONE = auto()  # the item is there, if the answer shows it
    RETRY = auto()  # not done; tried again by itself
    LOOK_UP = auto()  # QuickBooks is asked
    REFUSED = auto()  # a person acts on this code
    NO_PARENT = auto()  # likewise, on the item above it first
    NEW_ACCOUNT = auto()  # likewise, and the GL accounts are read again
    STOP = auto()  # a person acts in QuickBooks; other codes would fare no better


@dataclass(frozen=True)
class Meaning:
    then: Then
    sentence: str

    @property
    def is_retried(self) -> bool:
        return self.then is Then.RETRY


OURS = "This is a fault of Tieback: tell whoever runs this server."
TOOK = Meaning(Then.DONE, "QuickBooks has it.")
TOOK_PART = Meaning(Then.DONE, "QuickBooks has it, but did not keep or show all of it. Look at the item there.")
BAD_VALUE = Meaning(
    Then.REFUSED, "QuickBooks does not take a value of this code. Correct its code or description; its answer tells."
)
NO_ACCOUNT = Meaning(
    Then.NEW_ACCOUNT,
    "QuickBooks does not take an account of this code: it is gone, or of a wrong type. Choose another.",
)
LOCKED = Meaning(Then.RETRY, "Someone is working with the list of items in QuickBooks.")
NO_RIGHT = "Ask the QuickBooks administrator to give it the right in Integrated Applications."
BROKEN_REQUEST = Meaning(Then.REFUSED, f"QuickBooks does not understand what it was sent. {OURS}")
OTHERWISE = Meaning(Then.REFUSED, "QuickBooks refused this code. Its answer tells why; mend that, then retry.")

STATUSES: dict[int, Meaning] = {
    0: TOOK,
    1: Meaning(Then.DONE, "QuickBooks has nothing of what it was asked for."),
    500: Meaning(Then.DONE, "QuickBooks does not have all of what it was asked for."),
    **dict.fromkeys((501, 510, 530, 531, 550, 560, 570), TOOK_PART),
    600: Meaning(Then.LOOK_UP, "QuickBooks has no record of this message. It is asked about the code."),
    1000: Meaning(Then.RETRY, "QuickBooks had an internal error."),
    1010: Meaning(Then.RETRY, "QuickBooks was not available."),
    1030: Meaning(Then.STOP, "This QuickBooks does not know what Tieback asks of it. Update QuickBooks."),
    1060: BROKEN_REQUEST,
    3000: NO_ACCOUNT,  # a bad id; the accounts' are the only ones that we send
    3100: Meaning(Then.LOOK_UP, "QuickBooks already has an item of this name. It is asked whose it is."),
    3120: NO_ACCOUNT,
    3130: Meaning(
        Then.NO_PARENT, "QuickBooks does not have the item {parent} above it. Export that one first, then retry this."
    ),
    3140: NO_ACCOUNT,
    **dict.fromkeys((3150, 3151), BROKEN_REQUEST),
    3160: Meaning(Then.REFUSED, "QuickBooks does not delete what is in use."),
    3161: Meaning(Then.REFUSED, "The books are closed for that date in QuickBooks. Open the period, then retry."),
    3162: Meaning(
        Then.REFUSED, "QuickBooks does not allow this in multi-user mode. Switch to single-user mode, then retry."
    ),
    3170: Meaning(Then.REFUSED, "QuickBooks cannot change this item. Its answer tells why; mend that, then retry."),
    3171: Meaning(
        Then.REFUSED, "The books are closed for that date in QuickBooks. Change the closing date, then retry."
    ),
    3175: LOCKED,
    3176: LOCKED,
    3177: LOCKED,
    3180: Meaning(Then.REFUSED, "QuickBooks could not save this code. Its answer tells why; mend that, then retry."),
    3200: Meaning(Then.LOOK_UP, "The item was changed in QuickBooks meanwhile. QuickBooks is asked what it holds."),
    **dict.fromkeys((3205, 3210), BAD_VALUE),
    3220: Meaning(Then.REFUSED, "QuickBooks has that number already. Choose another, then retry."),
    3231: Meaning(Then.RETRY, "QuickBooks did not get to this code."),
    3240: NO_ACCOUNT,
    3250: Meaning(
        Then.STOP, "A feature that is needed is off, or not in this edition of QuickBooks. Turn it on in Preferences."
    ),
    3260: Meaning(Then.STOP, f"The QuickBooks user may not add items. {NO_RIGHT}"),
    3261: Meaning(Then.STOP, f"Tieback has no access to this data of QuickBooks. {NO_RIGHT}"),
    3262: Meaning(Then.STOP, f"Tieback has no access to personal data in QuickBooks. {NO_RIGHT}"),
    3263: Meaning(Then.STOP, f"Tieback may not sign in while QuickBooks is closed. {NO_RIGHT}"),
    3270: Meaning(Then.STOP, "A preference that is needed is not set in QuickBooks. Its answer tells which; set it."),
}
MAYBE_LOCKED = frozenset({3170, 3175, 3176, 3180})
LOCK_PHRASES = (
    "list has been modified by another user",
    "internals could not be locked",
    "failed to acquire the lock",
    "list element is in use",
)

# What a message that was handed out again comes back with, as a whole: did QuickBooks keep its first answer?
MESSAGE_SETS: dict[int, tuple[type[ERPError], str]] = {
    600: (NothingStored, "QuickBooks has no record of this message."),
    9001: (UncertainError, "QuickBooks has another message under this name."),
    9002: (NothingStored, "QuickBooks did not keep its answer to this message."),
    9003: (NothingStored, "QuickBooks did not keep its answer to this message."),
    9004: (NothingStored, f"QuickBooks does not take the name of this message. {OURS}"),
    9005: (NothingStored, "QuickBooks could not keep its answer to this message."),
}

UNATTENDED = (
    "Tieback may not open this company file. Open it in QuickBooks as the administrator and allow it in "
    "Edit > Preferences > Integrated Applications."
)
# By what cures them: a person who gives a right, a version or a certificate (ConfigurationError: nothing is tried until
# that is done); or someone at that computer, or time (TransientError: tried again, a limited number of times).
CONNECTOR_ERRORS: dict[int, tuple[type[ERPError], str]] = {
    0x80040400: (ConfigurationError, f"QuickBooks could not read the message and did nothing. {OURS}"),
    0x80040401: (TransientError, "The Web Connector could not reach QuickBooks."),
    0x80040402: (UncertainError, "QuickBooks failed in an unexpected way. It is asked what it holds."),
    0x80040408: (TransientError, "QuickBooks could not be started."),
    0x8004040A: (
        TransientError,
        "Another company file is open in QuickBooks. Open the right one, or close QuickBooks.",
    ),
    0x8004040D: (TransientError, "The Web Connector's session with QuickBooks ended."),
    0x80040410: (
        TransientError,
        "The company file is open in another mode in QuickBooks. Switch the file to multi-user mode in its File menu.",
    ),
    0x80040414: (TransientError, "QuickBooks shows a window that waits for an answer. Close it."),
    0x80040416: (TransientError, "QuickBooks is not running. Start it and open the company file."),
    0x80040418: (ConfigurationError, UNATTENDED),
    0x8004041A: (ConfigurationError, UNATTENDED),
    0x8004041B: (TransientError, "QuickBooks was too busy to let Tieback into the company file."),
    0x8004041C: (ConfigurationError, UNATTENDED),
    0x8004041D: (ConfigurationError, UNATTENDED),
    0x8004041E: (ConfigurationError, UNATTENDED),  # what it allowed has expired
    0x8004041F: (
        ConfigurationError,
        "This edition of QuickBooks lets no other program in. Tieback needs QuickBooks Pro, Premier or Enterprise.",
    ),
    0x80040420: (ConfigurationError, UNATTENDED),
    0x80040421: (UncertainError, "QuickBooks did not do it, and gave no reason."),
    0x80040422: (
        TransientError,
        (
            "QuickBooks needs single-user access to the company file, and another program is using it. "
            "Close that program, or switch the file to single-user mode."
        ),
    ),
    0x80040423: (ConfigurationError, "This QuickBooks is too old to understand Tieback. Update it."),
    0x80040424: (TransientError, "QuickBooks has not finished starting."),
    0x80040427: (ConfigurationError, "This QuickBooks is not registered. Register it in its Help menu."),
    0x8004042A: (
        ConfigurationError,
        "QuickBooks lets no program of another computer in. Install the Web Connector on the computer of QuickBooks.",
    ),
    0x8004042C: (
        ConfigurationError,
        "QuickBooks no longer trusts the certificate of this server. Have whoever runs it renew the certificate.",
    ),
}
PASSED_THROUGH = 0x80040421  # whatever QuickBooks itself has to say
WORDS_LIMIT = 300  # of QuickBooks' own words in a sentence of ours
UNKNOWN_ERROR = (UncertainError, "The Web Connector reported an error. QuickBooks is asked what it holds.")


def meaning_of(status: int, words: str = "") -> Meaning:
    """Words are QuickBooks' own: some codes mean a lock that passes, or a fault that stays."""
    if status in MAYBE_LOCKED and any(phrase in words.casefold() for phrase in LOCK_PHRASES):
        return LOCKED
    if status in STATUSES:
        return STATUSES[status]
    if status < 1000:
        return TOOK if status < 500 else TOOK_PART
    if 3000 <= status < 3100:
        return BAD_VALUE
    return OTHERWISE


def connector_error(code: str, words: str) -> ERPError:
    number, told = hresult(code), " ".join(words.split())
    kind, sentence = CONNECTOR_ERRORS.get(number, UNKNOWN_ERROR)
    if number == PASSED_THROUGH and told:
        sentence = f"QuickBooks says: “{told[:WORDS_LIMIT]}”."
    return kind(sentence, f"{code} {told}".strip())


def hresult(code: str) -> int:
    """The number of an error as Windows has it, from any of its three spellings; 0 if the text is none.

    0x80040400 is the Web Connector's, 80040400 the log's, -2147220480 that of programs that count with a sign.
    """
    text = code.strip()
    try:
        return int(text, 16 if re.fullmatch("[0-9A-Fa-f]{8}", text) else 0) & 0xFFFFFFFF
    except ValueError:
        return 0
