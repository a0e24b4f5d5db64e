"""What QuickBooks would refuse or mangle in a code, beyond what the capabilities state."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

NAME_LIMIT = 31
FULL_CODE_LIMIT = 96
LEVELS = 5


def tier_problems(tiers: tuple[str, ...]) -> Iterator[str]:
    """Of tiers that become items, one below the other."""
    if len(tiers) > LEVELS:
        yield f"QuickBooks allows {LEVELS} levels of items; this code has {len(tiers)} tiers. Use fewer."
    for tier in tiers:
        if len(tier) > NAME_LIMIT:
            yield f"QuickBooks allows {NAME_LIMIT} characters for each tier; “{tier}” has {len(tier)}. Shorten it."


def name_problems(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if not name.strip():
            yield "A tier of this code is empty. Give it a code."
        elif name != name.strip():
            yield f"“{name}” begins or ends with a blank, which QuickBooks drops. Take it out."


def text_problems(what: str, text: str) -> Iterator[str]:
    """Some releases of QuickBooks keep text as Windows-1252 and turn everything else into question marks."""
    if text.isascii() and text.isprintable():  # most are, and this is quick
        return
    if any(unicodedata.category(character) == "Cc" for character in text):
        yield f"The {what} has a tab, a line break or another control character. Take it out."
    if strange := sorted({character for character in text if not _can_be_held(character)}):
        named = ", ".join(f"{character} (U+{ord(character):04X})" for character in strange)
        yield f"QuickBooks cannot hold these characters of the {what}: {named}. Replace them."


def blank_problems(description: str) -> Iterator[str]:
    if description.strip() and description != description.strip():
        yield "The description begins or ends with a blank, which QuickBooks drops. Take it out."


def _can_be_held(character: str) -> bool:
    """Control characters have a sentence of their own."""
    if unicodedata.category(character) == "Cc":
        return True
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
