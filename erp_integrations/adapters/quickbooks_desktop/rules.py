"""What QuickBooks would refuse or mangle in a code, beyond what the capabilities state."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

NAME_LIMIT = 31
FULL_CODE_LIMIT = 96
LEVELS = 5


def name_problems(names: tuple[str, ...]) -> Iterator[str]:
    """Of the tiers that become items' names; of a full code as one name alike."""
    if len(names) > LEVELS:
        yield f"QuickBooks allows {LEVELS} levels of items; this code has {len(names)} tiers. Use fewer."
    for name in names:
        if not name.strip():
            yield "A tier of this code is empty. Give it a code."
        elif name != name.strip():
            yield f"“{name}” begins or ends with a blank, which QuickBooks drops. Take it out."
        if len(names) > 1 and len(name) > NAME_LIMIT:
            yield f"QuickBooks allows {NAME_LIMIT} characters for each tier; “{name}” has {len(name)}. Shorten it."


def text_problems(what: str, text: str) -> Iterator[str]:
    """Some releases of QuickBooks keep text as Windows-1252 and turn everything else into question marks."""
    if any(unicodedata.category(character) == "Cc" for character in text):
        yield f"The {what} has a tab, a line break or another control character. Take it out."
    if strange := sorted({character for character in text if not _can_be_held(character)}):
        named = ", ".join(f"{character} (U+{ord(character):04X})" for character in strange)
        yield f"QuickBooks cannot hold these characters of the {what}: {named}. Replace them."


def _can_be_held(character: str) -> bool:
    """Control characters have a sentence of their own."""
    if unicodedata.category(character) == "Cc":
        return True
    try:
        character.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
