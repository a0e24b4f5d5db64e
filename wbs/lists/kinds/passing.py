"""A part of XML that passes by in portions: whole elements that are plain go past the parser, all else through it.

Nearly all rows that programs write look alike, and to find them by one expression takes a fifth of the time that the
parser's tags would take. What is plain a listener decides; both ways must come to the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from wbs.lists.kinds.books import GridRow
from wbs.lists.packages import Listener, Package, Walk

LONGEST_HELD = 1 << 18  # bytes without a whole element among them that may still be plain


class Passing(Listener):
    """A listener that may take portions of whole elements from the parser, as long as it is right among them."""

    begin, end = b"", b""  # of what the elements stand in, and of one of them
    depth = 0  # of what they stand in
    is_within = False

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[GridRow] = []

    def scan(self, portion: bytes) -> bool:
        """Take the portion if it is plain."""
        raise NotImplementedError

    def taken(self) -> list[GridRow]:
        """What has come together since it was asked last."""
        rows, self.rows = self.rows, []
        return rows


def passing(package: Package, path: str, listener: Passing) -> Iterator[list[GridRow]]:
    """The part, portion by portion: what is plain the listener takes itself, all else the parser tells it."""
    walk = Walk(listener, package.counts)
    held, is_among = b"", False  # what was not looked at yet; whether it begins among whole elements
    for chunk in chain(package.unpack(path), (b"",)):  # once more for what the last portion left
        chunk = held + chunk
        held = b""
        cut = _cut(listener, chunk, is_among)
        if not cut and is_among and len(chunk) < LONGEST_HELD:
            held = chunk
            continue
        if not (cut and is_among and listener.scan(chunk[:cut])):
            walk.hear(chunk[:cut] if cut else chunk)
            is_among = bool(cut) and listener.is_within and walk.depth == listener.depth and walk.is_utf8
        if is_among:
            held = chunk[cut:]
        elif cut:
            walk.hear(chunk[cut:])
        if rows := listener.taken():
            yield rows
    walk.hear(held)
    walk.close()
    if rows := listener.taken():
        yield rows


def _cut(listener: Passing, chunk: bytes, is_among: bool) -> int:
    """Behind the last whole element, or behind the beginning of what they stand in; 0 when neither is there."""
    begin = -1 if is_among else chunk.find(listener.begin)
    if begin >= 0:
        return chunk.find(b">", begin) + 1
    end = chunk.rfind(listener.end)
    return end + len(listener.end) if end >= 0 else 0
