"""The text rules of codes and descriptions: how they are cleaned, compared, sorted and judged. No database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
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
    """The key by which descriptions and names are searched. Stored, because SQLite's LOWER knows ASCII only."""
    if text.isascii():  # composed as it is
        return text.strip().casefold()
    return unicodedata.normalize("NFC", clean(text).casefold())


def code_key(code: str) -> str:
    """The key under which codes are unique, compared and searched: two codes that read alike have one.

    Case, width, blanks, hyphens and quotes fold, whatever their kind, and what nobody sees is dropped. "m²" is not
    "m2": those two can be told apart. Hence no NFKC, which would also lengthen codes beyond their columns.
    """
    if code.isascii():
        return " ".join(code.split()).casefold()
    return " ".join(reads_like(code).split())


def reads_like(text: str) -> str:
    """Each sign as the plain one that it looks like; all blanks stay, as plain ones.

    Sign by sign: the key of a full code is the keys of its tiers, joined.
    """
    folded = unicodedata.normalize("NFC", text).casefold().translate(_PLAIN)
    return unicodedata.normalize("NFC", folded)


def _width() -> Iterator[tuple[int, str]]:
    """Full-width, half-width and small signs, and the letters and digits that are made for formulas."""
    for first, last in ((0xFE50, 0xFE6B), (0xFF00, 0xFFEE), (0x1D400, 0x1D7FF)):
        for sign in range(first, last + 1):
            kind, _, plain = unicodedata.decomposition(chr(sign)).partition(" ")
            if kind in {"<wide>", "<narrow>", "<small>", "<font>"}:
                yield sign, chr(int(plain, 16)).casefold()


_HYPHENS = [*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D]
# Beyond what str.isspace knows: letters of Hangul and a sign of Braille that show nothing and take room.
_FILLERS = [0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800]
_BLANKS = [0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, *_FILLERS]
# The soft hyphen is among them and no hyphen: it shows only where a line breaks, so that "01\xad00" reads "0100".
_UNSEEN = [
    *(0xAD, 0x34F, 0x61C, 0xFEFF, *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F)),
    *(*range(0x2060, 0x2070), *range(0xFE00, 0xFE10), *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE01F0)),
]
_PLAIN: dict[int, str] = {
    **dict(_width()),
    **dict.fromkeys([0x2018, 0x2019, 0x201A, 0x201B, 0x2032, 0x2BC, 0xB4], "'"),
    **dict.fromkeys([0x201C, 0x201D, 0x201E, 0x201F, 0x2033], '"'),
    **dict.fromkeys(_UNSEEN, ""),
    **dict.fromkeys(_BLANKS, " "),
    **dict.fromkeys(_HYPHENS, "-"),
}

_TO_HYPHEN = dict.fromkeys(_HYPHENS, "-")
_TO_BLANK = dict.fromkeys(_FILLERS, "\xa0")
_FORMULA = re.compile(r'="((?:[^"]|"")*)"')  # what spreadsheets are given so that they leave a code alone


def cleaned_code(text: str, delimiter: str = "") -> str:
    """A code of a list without what crept in on its way: a formula around it, an apostrophe before it, dots behind it,

    blanks around the delimiter, what nobody sees, and hyphens and blanks of other kinds. A code that consists of
    nothing else stays: it is told as it stands.
    """
    if text.isascii() and text.isprintable() and " " not in text and text[:1] not in _FIRST and text[-1:] != ".":
        return text  # most are, and this is quick
    text = " ".join(_without_unseen(text).translate(_TO_HYPHEN).split())
    while (mended := _mended(text, delimiter)) != text:
        text = mended
    return text


_FIRST = ("=", "'")


def _mended(text: str, delimiter: str) -> str:
    if formula := _FORMULA.fullmatch(text):
        text = formula[1].replace('""', '"')
    if text[:1] in {"'", "’"}:
        text = text[1:].strip() or text
    text = text.rstrip(". ") or text
    if delimiter.strip():
        text = re.sub(f" *{re.escape(delimiter)} *", delimiter, text)
    return text.strip()


def cleaned_text(text: str) -> str:
    """A description of a list as one line without what nobody sees.

    Line breaks, tabs and blanks of other kinds become one plain blank, with the blanks beside them. Plain blanks alone
    stay as they are, however many: somebody typed them, and nothing is wrong with them. So do dashes and quotes.
    """
    if text.isascii() and text.isprintable():
        return text
    return _OTHER_BLANKS.sub(" ", _without_unseen(text)).strip()


_OTHER_BLANKS = re.compile(r" *[^\S ]\s*")


def _without_unseen(text: str) -> str:
    """Without format and control characters that are no blanks, and halves of characters; fillers are blanks."""
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_TO_BLANK)
    return "".join(sign for sign in text if sign.isspace() or not _is_unseen(sign))


def _is_unseen(sign: str) -> bool:
    return ord(sign) in _UNSEEN_SIGNS or unicodedata.category(sign) in {"Cc", "Cf", "Cs"}


_UNSEEN_SIGNS = frozenset(_UNSEEN) - frozenset(range(0xFE00, 0xFE10))  # those choose how an emoji looks


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
    if unseen := _shows_nothing(code):
        return f"The code contains an invisible character (U+{ord(unseen):04X}). Take it out."
    if delimiter and (sign := _delimiter_in(code, delimiter)):
        return f"A code may not contain {_named(sign, delimiter)}, which joins the tiers. {ELSEWHERE}"
    if len(code) > MAX_CODE:
        return f"A code may have {MAX_CODE} characters; this one has {len(code)}. Shorten it."
    return ""


def _shows_nothing(code: str) -> str:
    """A sign that takes room and shows nothing, or the first of a code that shows nothing at all."""
    if code.isascii():
        return ""
    filler = next((sign for sign in code if ord(sign) in _FILLERS), "")
    return filler or ("" if code_key(code) else code[0])


def _delimiter_in(code: str, delimiter: str) -> str:
    """The delimiter, or a sign that reads like it; empty where there is none."""
    if code.isascii():
        return delimiter if delimiter in code else ""
    return next((sign for sign in code if delimiter in reads_like(sign)), "")


ELSEWHERE = "Choose its division under Parent."


def _named(sign: str, delimiter: str) -> str:
    """That sign in words: where it reads like the delimiter, the tree would be cut there, too."""
    if sign == delimiter:
        return f"“{delimiter}”"
    shown = f"a blank of another kind (U+{ord(sign):04X})" if sign.isspace() else f"“{sign}”"
    return f"{shown}, which reads like “{delimiter}”"


def full_code_problem(full_code: str, key: str | None = None) -> str:
    if len(full_code) > MAX_FULL_CODE or len(code_key(full_code) if key is None else key) > MAX_FULL_CODE_KEY:
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
