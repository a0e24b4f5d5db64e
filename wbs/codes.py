"""The text rules of codes and descriptions: how they are cleaned, compared, sorted and judged. No database."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_TIERS = 5
MAX_CODE = 100  # characters of one tier
MAX_FULL_CODE = 255
MAX_DESCRIPTION = 4095
MAX_NAME = 60  # of a segment

# The columns that hold folded text are wider: folding lengthens some letters ("ß" becomes "ss").
MAX_FULL_CODE_KEY = 300
MAX_DESCRIPTION_KEY = 4200
MAX_SORT_KEY = 1000

# Between the tiers of a sort key, and after a tier with leading zeros. Both sort below every character that a code may
# have, so that whatever lies below "01" follows it at once, before "01 A" and before "1".
_TIER, _ZERO = "\x1e", "\x1f"


def clean(text: str) -> str:
    """The text as it is kept: composed (NFC), so that é is one however it was typed, and without blanks at the ends."""
    return (text if text.isascii() else unicodedata.normalize("NFC", text)).strip()


def fold(text: str) -> str:
    """The key under which codes are unique and text is searched. Stored, because SQLite's LOWER knows ASCII only."""
    if text.isascii():  # composed as it is
        return text.strip().casefold()
    return unicodedata.normalize("NFC", clean(text).casefold())


def split(full_code: str, delimiter: str) -> tuple[str, ...]:
    """The tiers of a full code; one when codes are flat."""
    return tuple(full_code.split(delimiter)) if delimiter else (full_code,)


def natural_key(code: str) -> str:
    """Sort key in which 2 comes before 10: digits are padded to ten places."""
    return re.sub(r"\d+", lambda digits: digits[0].zfill(10), code.casefold())


def order_key(tiers: tuple[str, ...]) -> str:
    """Sort key of a full code: natural order tier by tier, parents directly before what lies below them.

    Compared character by character; hence COLLATE "C" on PostgreSQL (migration 0002).
    """
    return _TIER.join(map(_tier_key, tiers))[:MAX_SORT_KEY]


@lru_cache(maxsize=2048)  # a division's is asked for with every code below it
def _tier_key(tier: str) -> str:
    return natural_key(tier) + _ZERO * (len(tier) - len(tier.lstrip("0")))


def code_problem(code: str, delimiter: str) -> str:
    """What is wrong with the code of one tier, as a sentence; empty when nothing is."""
    if not code:
        return "Write a code."
    if problem := _invisible("code", code):
        return problem
    if delimiter and delimiter in code:
        return f"A code may not contain “{delimiter}”, which joins the tiers. Choose its division under Parent."
    if len(code) > MAX_CODE:
        return f"A code may have {MAX_CODE} characters; this one has {len(code)}. Shorten it."
    return ""


def full_code_problem(full_code: str) -> str:
    if len(full_code) > MAX_FULL_CODE or len(fold(full_code)) > MAX_FULL_CODE_KEY:
        return f"The full code may have {MAX_FULL_CODE} characters; this one has {len(full_code)}. Shorten it."
    return ""


def description_problem(description: str) -> str:
    """What is wrong with a description, as a sentence; empty when nothing is."""
    if not description:
        return "Write a description."
    if len(description) > MAX_DESCRIPTION or len(fold(description)) > MAX_DESCRIPTION_KEY:
        return f"A description may have {MAX_DESCRIPTION:,} characters; this one has {len(description):,}. Shorten it."
    return _invisible("description", description)


def name_problem(name: str) -> str:
    """What is wrong with the name of a segment, as a sentence; empty when nothing is."""
    return short_text_problem("name", name, MAX_NAME)


def short_text_problem(noun: str, text: str, limit: int) -> str:
    """What is wrong with a name or a number, as a sentence; empty when nothing is."""
    if not text:
        return f"Write a {noun}."
    if len(text) > limit:
        return f"A {noun} may have {limit} characters; this one has {len(text)}. Shorten it."
    return _invisible(noun, text)


def _invisible(noun: str, text: str) -> str:
    """Control and format characters, line breaks included: nobody sees them, and two codes would look the same."""
    if text.isascii() and text.isprintable():  # most are, and this is quick
        return ""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
            name = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}.get(
                character, f"an invisible character (U+{ord(character):04X})"
            )
            return f"The {noun} contains {name}. Take it out."
    return ""
