"""What a date shows: the days since a spreadsheet's beginning of time, under the letters of a number format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a spreadsheet knows no time zone
LAST_DAY = 2_958_466  # in the year 10000
LEAP_DAY = 60  # 29 February 1900, which there never was: before it the count is one day behind
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def iso_text(value: float, is_1904: bool = False) -> str:
    """2026-03-10, with the time behind it unless that is midnight; of less than a day the time alone. Or nothing."""
    if not 0 <= value < LAST_DAY:
        return ""
    moment = _moment(value, is_1904)
    if value < 1 and not is_1904 and value:
        return f"{moment:%H:%M:%S}"
    day = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    return day if not (moment.hour or moment.minute or moment.second) else f"{day} {moment:%H:%M:%S}"


def date_text(parts: Sequence[tuple[str, str]], value: float, is_1904: bool = False) -> str:
    """What the parts of a format show, of which each is a kind and a text. Empty where that is not sure."""
    letters = [(at, text.lower()) for at, (kind, text) in enumerate(parts) if kind in ("date", "elapsed")]
    before, after = [" ", *(text[0] for _, text in letters)], [*(text[0] for _, text in letters[1:]), " "]
    minutes = {
        at
        for (at, text), left, right in zip(letters, before, after, strict=False)
        if text in ("m", "mm") and (left == "h" or right == "s")
    }
    moment, has_noon = _moment(value, is_1904), any(text in ("am/pm", "a/p") for _, text in letters)
    laid = []
    for at, (kind, text) in enumerate(parts):
        if kind == "elapsed":
            laid.append(_elapsed(text.lower(), value))
        elif kind == "date":
            name = text.lower()
            part = _minute(name, moment) if at in minutes else _part(name, moment, has_noon)
            if not part:
                return ""
            laid.append(part)
        elif kind == "digit" or (kind == "." and at + 1 < len(parts) and parts[at + 1][0] == "digit"):
            return ""  # parts of seconds
        else:
            laid.append(text)
    return "".join(laid).strip()


def _moment(value: float, is_1904: bool) -> datetime:
    day = timedelta(days=1 if not is_1904 and value < LEAP_DAY else 0)
    return (EPOCH_1904 if is_1904 else EPOCH) + day + timedelta(seconds=round(value * 86_400))


def _elapsed(letters: str, value: float) -> str:
    seconds = round(value * 86_400)
    return str(seconds // {"h": 3600, "m": 60, "s": 1}[letters[0]]).zfill(len(letters))


def _minute(letters: str, moment: datetime) -> str:
    return str(moment.minute).zfill(len(letters))


def _part(letters: str, moment: datetime, has_noon: bool) -> str:
    """What some equal letters show; empty for those that other calendars have."""
    if letters in ("am/pm", "a/p"):
        return ("PM" if moment.hour > 11 else "AM")[: 2 if letters == "am/pm" else 1]
    width = len(letters)
    if letters[0] == "y":
        return f"{moment.year:04}" if width > 2 else f"{moment.year % 100:02}"
    if letters[0] == "m":
        name = MONTHS[moment.month - 1]
        return {3: name[:3], 4: name, 5: name[0]}.get(width) or str(moment.month).zfill(min(width, 2))
    if letters[0] == "d":
        name = DAYS[moment.weekday()]
        return str(moment.day).zfill(width) if width < 3 else name[:3] if width == 3 else name
    if letters[0] == "h":
        return str((moment.hour - 1) % 12 + 1 if has_noon else moment.hour).zfill(width)
    return str(moment.second).zfill(width) if letters[0] == "s" else ""
