"""Numbers as they come from outside, and as sentences tell them."""

from __future__ import annotations


def number(value: object, default: int = 0) -> int:
    """A whole number from an address or a form that fits a database column, such as an id; else the default."""
    text = str(value or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else default


def counted(count: int, one: str = "cost code") -> str:
    """ "1 cost code", "1,234 cost codes": of a noun whose plural takes an s."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"
