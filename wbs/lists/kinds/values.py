"""Cells of workbooks that keep numbers and styles apart: what a stored value shows under the format of its style."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from wbs.lists.cells import DATE, NUMBER, Cell
from wbs.lists.date_formats import EPOCH, EPOCH_1904
from wbs.lists.number_formats import BUILT_IN, GENERAL, cell, text_shown, zero_template

LONGEST_DIGITS = 11  # of a number that General shows as it is


class Formats:
    """The number formats of a workbook by style."""

    def __init__(self) -> None:
        self.own: dict[int, str] = {}  # by their number in the workbook
        self.styles: list[int] = []  # the number of the format of each style
        self.is_1904 = False
        self._numbers: dict[int, Callable[[str], Cell]] = {}

    def code(self, style: int) -> str:
        if not 0 <= style < len(self.styles):
            return GENERAL
        id = self.styles[style]
        return self.own.get(id) or BUILT_IN.get(id, GENERAL)

    def number(self, value: float, style: int) -> Cell:
        if not math.isfinite(value):
            raise ValueError("That is no number.")
        return cell(value, self.code(style), self.is_1904)

    def reader(self, style: int) -> Callable[[str], Cell]:
        """Makes cells of the digits of numbers; most are short whole ones under a simple format."""
        if style not in self._numbers:
            self._numbers[style] = self._reader(style)
        return self._numbers[style]

    def _reader(self, style: int) -> Callable[[str], Cell]:
        code = self.code(style)
        zeros, template = (LONGEST_DIGITS, "") if code in (GENERAL, "@") else zero_template(code)

        def read(digits: str) -> Cell:
            if digits.isdecimal() and len(digits) <= zeros and digits[0] != "0":
                return [NUMBER, template.format(*digits.zfill(zeros)) if template else digits, digits]
            return self.number(float(digits), style)

        return read

    def has_text(self, style: int) -> bool:
        """Whether its format adds something to a text."""
        code = self.code(style)
        return "@" in code and code != "@"

    def text(self, text: str, style: int) -> str:
        return text_shown(text, self.code(style)) if text and self.has_text(style) else text

    def date(self, iso: str, style: int) -> Cell:
        """A date that is written as one: 2026-03-10T00:00:00."""
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(iso.rstrip("Z")).replace(tzinfo=None)
            days = (moment - (EPOCH_1904 if self.is_1904 else EPOCH)).total_seconds() / 86_400
            found = cell(days, self.code(style), self.is_1904)
            if found[0] == DATE:
                return found
            shown = iso.replace("T", " ").removesuffix(" 00:00:00")
            return [DATE, shown, shown]
        return [DATE, iso, iso]
