"""The texts of an XLS that cells name by number: one long record, cut into pieces wherever one is full.

Where the signs of a text are cut, the next piece begins with a byte that tells how wide its signs are.
"""

from __future__ import annotations

from wbs.lists.bounds import MAX_TEXT, too_much_text
from wbs.lists.kinds.binary import MAX_STRINGS
from wbs.lists.packages import too_much


def shared_texts(pieces: list[bytes]) -> list[str]:
    return _Reading(pieces).texts() if pieces else []


class _Reading:
    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.piece, self.at = 0, 0
        self.data = pieces[0]

    def texts(self) -> list[str]:
        texts: list[str] = []
        length = 0
        while self._has_more():
            text = self._text()
            texts.append(text)
            length += len(text)
            if length > MAX_TEXT:
                raise too_much_text()
            if len(texts) > MAX_STRINGS:
                raise too_much()
        return texts

    def _has_more(self) -> bool:
        while self.at >= len(self.data):
            if self.piece + 1 == len(self.pieces):
                return False
            self._next()
        return True

    def _next(self) -> None:
        self.piece += 1
        self.data, self.at = self.pieces[self.piece], 0

    def _text(self) -> str:
        data, at = self.data, self.at
        length = data[at] | data[at + 1] << 8
        flags = data[at + 2]
        at += 3
        passed = 0  # bytes behind the text: where its letters change, and how it is spoken
        if flags & 8:
            passed += 4 * (data[at] | data[at + 1] << 8)
            at += 2
        if flags & 4:
            passed += int.from_bytes(data[at : at + 4], "little")
            at += 4
        self.at = at
        text = self._signs(length, flags & 1)
        while passed and self._has_more():
            step = min(passed, len(self.data) - self.at)
            self.at += step
            passed -= step
        return text

    def _signs(self, length: int, wide: int) -> str:
        text = ""
        while True:
            width = 2 if wide else 1
            end = min(self.at + length * width, len(self.data))
            part = self.data[self.at : end]
            text += part.decode("utf-16-le", "replace") if wide else part.decode("latin-1")
            length -= len(part) // width
            self.at = end
            if length <= 0 or self.piece + 1 == len(self.pieces):
                return text
            self._next()
            wide = self.data[0] & 1 if self.data else 0
            self.at = 1
