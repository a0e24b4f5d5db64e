"""What a cell shows: a number under the number format of its cell, as a spreadsheet lays it out.

A format has up to four sections, for numbers above zero, below it, zero, and texts. Whatever is not sure to be shown
as a spreadsheet does it (fractions, what is mixed with dates, digits of other languages) is told as `UNSHOWN`.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from wbs.lists.cells import DATE, NUMBER, UNSHOWN
from wbs.lists.date_formats import date_text, iso_text

GENERAL = "General"
LONGEST_FORMAT = 255  # as a spreadsheet's own
LONGEST_SHOWN = 40  # of what a code or an account can be
LONGEST_GENERAL = 10**11  # General shows what is longer as a rounded number
UNKNOWN = "?"  # what a number shows whose format we cannot apply

_MONEY = ("$#,##0_);($#,##0)", "$#,##0.00_);($#,##0.00)")
_BOOKS = ('_(* #,##0_);_(* (#,##0);_(* "-"_);_(@_)', '_(* #,##0.00_);_(* (#,##0.00);_(* "-"??_);_(@_)')

# The formats that need no words, by their number. Those of dates follow where a language has some of its own.
BUILT_IN = {
    0: GENERAL,
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    5: _MONEY[0],
    6: _MONEY[0],
    7: _MONEY[1],
    8: _MONEY[1],
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    14: "m/d/yyyy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yyyy h:mm",
    37: "#,##0_);(#,##0)",
    38: "#,##0_);(#,##0)",
    39: "#,##0.00_);(#,##0.00)",
    40: "#,##0.00_);(#,##0.00)",
    41: _BOOKS[0],
    42: _BOOKS[0].replace("* ", "$* "),
    43: _BOOKS[1],
    44: _BOOKS[1].replace("* ", "$* "),
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    48: "##0.0E+0",
    49: "@",
    59: "0",
    60: "0.00",
    61: "#,##0",
    62: "#,##0.00",
    67: "0%",
    68: "0.00%",
    69: "# ?/?",
    70: "# ??/??",
    **dict.fromkeys([*range(27, 37), *range(50, 59), *range(71, 82)], "yyyy-mm-dd"),
}

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|_(?P<pad>.)|\*(?P<fill>.)|\[(?P<bracket>[^\]]*)\]|(?P<general>General)'
    r"|(?P<exponent>E[+-])|(?P<date>AM/PM|A/P|y+|m+|d+|h+|s+|e+|g+|b+)|(?P<digit>[0#?])|(?P<sign>[.,%/@])"
    r"|(?P<literal>.)",
    re.IGNORECASE | re.DOTALL,
)
_COLOUR = re.compile(r"black|blue|cyan|green|magenta|red|white|yellow|colou?r ?\d+", re.IGNORECASE)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_ENGLISH = re.compile(r"(?:|0*[0-9A-F]?(?:409|809|1009|c09|1409|1809))", re.IGNORECASE)  # F800 and F400: the system's


class Part(NamedTuple):
    kind: str  # "literal", "pad", "digit", "date", "elapsed", "exponent", "general", or the sign itself: . , % / @
    text: str


class Section(NamedTuple):
    parts: tuple[Part, ...]
    condition: tuple[str, float] | None = None
    is_strange: bool = False  # holds what we cannot apply
    is_foreign: bool = False  # its months have the names of another language

    def has(self, kind: str) -> bool:
        return any(part.kind == kind for part in self.parts)


def shown(value: float, code: str, is_1904: bool = False) -> tuple[str, str]:
    """The kind of cell that a number is (NUMBER, DATE or UNSHOWN), and what it shows."""
    if code == GENERAL or not code:
        return _general(value)
    sections = _sections(code)
    section = _section_of(sections, value)
    if section is None or section.is_strange:
        return UNSHOWN, UNKNOWN
    if section.has("date") or section.has("elapsed"):
        return _date(section, value, is_1904)
    if section.has("exponent"):
        return UNSHOWN, _signed(sections, value, _scientific(section, value))
    if section.has("general") or section.has("@"):
        kind, text = _general(abs(value))
        laid = "".join(text if part.kind in ("general", "@") else part.text for part in section.parts)
        return kind, _signed(sections, value, laid)
    text = _laid_out(section, value)
    return NUMBER, _signed(sections, value, text).strip() if section.has("pad") else _signed(sections, value, text)


def cell(value: float, code: str, is_1904: bool = False) -> list[str]:
    """The number as a cell of a grid. Raises ValueError for what is no number."""
    kind, text = shown(value, code, is_1904)
    if len(text) > LONGEST_SHOWN:
        kind, text = UNSHOWN, UNKNOWN
    return [kind, text, iso_text(value, is_1904) or held(value) if kind == DATE else held(value)]


def text_shown(text: str, code: str) -> str:
    """What a text shows under a format: mostly itself."""
    if "@" not in code or code == "@":
        return text
    *_, section = _sections(code)
    if not section.has("@") or section.is_strange:
        return text
    return "".join(text if part.kind == "@" else part.text for part in section.parts).strip()


def held(value: float) -> str:
    """1.1, and 100 for 100.0."""
    if value == int(value) and abs(value) < 10**15:
        return str(int(value))
    return repr(value)


@cache  # of a workbook, whose formats are bounded, in a process of its own
def zero_template(code: str) -> tuple[int, str]:
    """For a format of zeros and literals alone: how many zeros, and `str.format` for as many digits. Else 0."""
    sections = _sections(code)
    parts = sections[0].parts
    zeros = sum(part.kind == "digit" for part in parts)
    is_plain = all(part.kind == "literal" or part == Part("digit", "0") for part in parts)
    if not zeros or not is_plain or sections[0].is_strange or sections[0].condition or len(sections) > 3:
        return 0, ""
    return zeros, "".join("{}" if part.kind == "digit" else re.sub(r"[{}]", r"\g<0>\g<0>", part.text) for part in parts)


@lru_cache(maxsize=10_000)
def _sections(code: str) -> tuple[Section, ...]:
    if len(code) > LONGEST_FORMAT:
        return (Section((), is_strange=True),)
    sections: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(code):
        if token["literal"] == ";":
            sections.append([])
        else:
            sections[-1].append(token)
    return tuple(_section(tokens) for tokens in sections[:4])


def _section(tokens: list[re.Match[str]]) -> Section:
    parts: list[Part] = []
    condition, is_strange, is_foreign = None, False, False
    for token in tokens:
        kind, text = token.lastgroup or "", token[token.lastgroup or 0]
        if kind == "bracket":
            if text.startswith("$"):
                symbol, _, language = text[1:].partition("-")
                parts.append(Part("literal", symbol))
                is_foreign |= not _ENGLISH.fullmatch(language)
            elif _ELAPSED.fullmatch(text):
                parts.append(Part("elapsed", text.lower()))
            elif found := _CONDITION.fullmatch(text):
                condition = found[1], float(found[2])
            else:
                is_strange |= not _COLOUR.fullmatch(text)
        elif kind in ("quoted", "escaped", "literal"):
            parts.append(Part("literal", text))
        elif kind == "pad":
            parts.append(Part("pad", " "))
        elif kind != "fill":  # what fills the width of a column is not a part of the text
            parts.append(Part(text if kind == "sign" else kind, text))
    section = Section(tuple(parts), condition, is_strange, is_foreign)
    return section._replace(is_strange=is_strange or _is_mixed(section))


def _is_mixed(section: Section) -> bool:
    """Whether things stand together that no plain format has: a date and digits, a fraction, two exponents."""
    kinds = [part.kind for part in section.parts]
    if "date" in kinds or "elapsed" in kinds:
        before = [part for part in section.parts if part.kind not in ("literal", "pad")]
        digits = [at for at, part in enumerate(before) if part.kind == "digit"]
        fraction = all(before[at - 1].kind in (".", "digit") for at in digits) and "." in kinds
        seconds = any(part.text[:1] in "sS" and part.kind in ("date", "elapsed") for part in before)
        is_plain = not digits or (fraction and seconds)
        return not is_plain or any(kind in kinds for kind in ("general", "@", "exponent"))
    if "/" in kinds and "digit" in kinds:
        return True
    return kinds.count("exponent") > 1 or (("general" in kinds or "@" in kinds) and "digit" in kinds)


def _section_of(sections: tuple[Section, ...], value: float) -> Section | None:
    """The section for a number; None when it is not sure which."""
    has_text = sections[-1].has("@")
    numeric = sections[:-1] if (has_text and len(sections) > 1) or len(sections) == 4 else sections
    if any(section.condition for section in numeric):
        return _by_condition(numeric, value)
    if value < 0 and len(numeric) > 1:
        return numeric[1]
    return numeric[2] if value == 0 and len(numeric) > 2 else numeric[0]


def _by_condition(sections: tuple[Section, ...], value: float) -> Section | None:
    if value < 0 or len(sections) < 2:
        return None
    for section, usual in zip(sections[:2], ((">", 0.0), ("<", 0.0)), strict=True):
        sign, bound = section.condition or (usual if len(sections) > 2 or section is sections[0] else (">=", value))
        holds = {"<": value < bound, ">": value > bound, "=": value == bound}
        if (sign == "<>" and value != bound) or (sign != "<>" and any(holds[each] for each in sign)):
            return section
    return sections[2] if len(sections) > 2 else None


def _signed(sections: tuple[Section, ...], value: float, text: str) -> str:
    """With a minus, where no section is there for what is below zero."""
    numeric = len(sections) - (sections[-1].has("@") and len(sections) > 1)
    return f"-{text}" if value < 0 and numeric < 2 and re.search("[1-9]", text) else text


def _general(value: float) -> tuple[str, str]:
    if value == int(value) and abs(value) < LONGEST_GENERAL:
        return NUMBER, str(int(value))
    if 1e-4 <= abs(value) < LONGEST_GENERAL:
        whole = len(str(int(abs(value))))
        decimals = min(max(10 - whole, 0), 9)
        text = str(_rounded(value, decimals))
        return NUMBER, text.rstrip("0").rstrip(".") if "." in text else text
    if abs(value) < 1e-4 and len(text := f"{Decimal(repr(value)):f}") <= 11:
        return NUMBER, text
    digits, _, exponent = f"{value:.5E}".partition("E")
    return UNSHOWN, f"{digits.rstrip('0').rstrip('.')}E{exponent}"


def _rounded(value: float, decimals: int) -> Decimal:
    """Half away from zero, by the digits that a person sees."""
    number = Decimal(repr(value))
    if number.adjusted() + decimals >= 25:
        return number
    return number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _date(section: Section, value: float, is_1904: bool) -> tuple[str, str]:
    if value < 0 or not (iso := iso_text(value, is_1904)):
        return UNSHOWN, "########"
    if section.is_foreign and any(part.kind == "date" and len(part.text) > 2 for part in section.parts):
        return DATE, iso
    return DATE, date_text(section.parts, value, is_1904) or iso


def _scientific(section: Section, value: float) -> str:
    at = next(at for at, part in enumerate(section.parts) if part.kind == "exponent")
    front, back = section.parts[:at], section.parts[at + 1 :]
    whole = sum(part.kind == "digit" for part in front[: _point(front)])
    if whole != 1 or not all(part.kind in ("digit", ".") for part in front):
        return UNKNOWN
    decimals = sum(part.kind == "digit" for part in front) - whole
    digits, _, exponent = f"{abs(value):.{decimals}E}".partition("E")
    width = sum(part.kind == "digit" for part in back)
    sign = "-" if exponent[0] == "-" else "+" if section.parts[at].text.endswith("+") else ""
    return f"{digits}E{sign}{exponent[1:].lstrip('0').zfill(width)}"


def _point(parts: tuple[Part, ...]) -> int:
    return next((at for at, part in enumerate(parts) if part.kind == "."), len(parts))


def _laid_out(section: Section, value: float) -> str:
    """The digits of a number in their places."""
    parts = section.parts
    point = _point(parts)
    if not any(part.kind == "digit" for part in parts):
        return "".join(part.text for part in parts)
    decimals = sum(part.kind == "digit" for part in parts[point:])
    last = max(at for at, part in enumerate(parts) if part.kind == "digit")
    scale = _commas_after(parts, last) + (_commas_after(parts, point - 1) if point < last else 0)
    groups = any(part.kind == "," and _is_inside(parts[:point], at) for at, part in enumerate(parts[:point]))
    number = abs(value) * 100 ** sum(part.kind == "%" for part in parts) / 1000**scale
    whole, _, fraction = f"{_rounded(number, decimals):f}".partition(".")
    front = _front(parts[:point], whole.lstrip("0"), groups)
    return front + _back(parts[point:], fraction.ljust(decimals, "0"))


def _commas_after(parts: tuple[Part, ...], at: int) -> int:
    count = 0
    while at + 1 + count < len(parts) and parts[at + 1 + count].kind == ",":
        count += 1
    return count


def _is_inside(parts: tuple[Part, ...], at: int) -> bool:
    return any(part.kind == "digit" for part in parts[:at]) and any(part.kind == "digit" for part in parts[at:])


def _front(parts: tuple[Part, ...], digits: str, groups: bool) -> str:
    """Before the point, from the right: each place takes a digit, the first one all that are left."""
    places = sum(part.kind == "digit" for part in parts)
    if not places:
        return "".join(part.text for part in parts if part.kind != ",") + digits
    laid: list[str] = []  # from the right
    taken = 0

    def put(digit: str) -> None:
        nonlocal taken
        if groups and taken and taken % 3 == 0:
            laid.append(",")
        laid.append(digit)
        taken += 1

    for part in reversed(parts):
        if part.kind != "digit":
            laid.append(part.text if part.kind != "," else "")
            continue
        places -= 1
        if digits:
            put(digits[-1])
            digits = digits[:-1]
        elif part.text != "#":
            put("0" if part.text == "0" else " ")
        while not places and digits:
            put(digits[-1])
            digits = digits[:-1]
    return "".join(reversed(laid))


def _back(parts: tuple[Part, ...], digits: str) -> str:
    """The point and what follows it."""
    laid = []
    for part in parts:
        if part.kind == "digit":
            rest, digits = digits, digits[1:]
            laid.append(rest[0] if part.text == "0" or rest.strip("0") else " " * (part.text == "?"))
        elif part.kind != ",":
            laid.append(part.text)
    return "".join(laid)
