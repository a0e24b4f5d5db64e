"""What binary workbooks, old and new, have in common: packed numbers and numbered errors."""

from __future__ import annotations

import struct

from wbs.lists.cells import ERROR, Cell
from wbs.lists.kinds.values import Formats

MAX_RECORDS = 1_500_000
MAX_STRINGS = 500_000
ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}

_real = struct.Struct("<d").unpack


def real(eight: bytes) -> float:
    return float(_real(eight)[0])


def packed_number(packed: int) -> float:
    """A number in four bytes: a whole one of 30 bits or the upper half of a real one, or a hundredth of either."""
    if packed & 2:
        number: float = (packed >> 2) - (1 << 30 if packed & 0x80000000 else 0)
    else:
        number = real(struct.pack("<Q", (packed & 0xFFFFFFFC) << 32))
    return number / 100 if packed & 1 else number


def number_cell(formats: Formats, value: float, style: int) -> Cell:
    whole = int(value)
    return formats.reader(style)(str(whole)) if whole == value else formats.number(value, style)


def error_cell(code: int) -> Cell:
    name = ERRORS.get(code, "#N/A")
    return [ERROR, name, name]


def truth(code: int) -> Cell:
    return str(bool(code)).upper()
