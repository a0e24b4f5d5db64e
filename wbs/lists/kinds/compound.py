"""The file of files that an old workbook is in: sectors, whose order a table tells, and a directory of names."""

from __future__ import annotations

import struct

END = 0xFFFFFFFA  # from here on a number of a sector says what it is no number of
ENTRY = 128  # bytes of one in the directory
ROOT, STREAM = 5, 2


class Compound:
    """Raises ValueError or struct.error for what is damaged."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        shift, small_shift = struct.unpack_from("<2H", content, 30)
        if shift not in (9, 12) or small_shift != 6:
            raise ValueError("Sectors have another size.")
        self.size = 1 << shift
        self.count = len(content) // self.size + 1  # of sectors; a chain that is longer runs in a circle
        first_directory, _, self.cutoff, first_small = struct.unpack_from("<4I", content, 48)
        self.table = self._table()
        directory = self._chain(first_directory)
        self.entries: dict[str, tuple[int, int]] = {}
        small = 0, 0
        for at in range(0, len(directory) - ENTRY + 1, ENTRY):
            length, type = struct.unpack_from("<HB", directory, at + 64)
            start, size = struct.unpack_from("<2I", directory, at + 116)
            if type == ROOT:
                small = start, size
            elif type == STREAM and 2 <= length <= 64:
                name = directory[at : at + length - 2].decode("utf-16-le", "replace").casefold()
                self.entries.setdefault(name, (start, size))
        self.small_table = _numbers(self._chain(first_small))
        self.small_sectors = self._chain(small[0])[: small[1]]

    def stream(self, name: str) -> bytes:
        start, size = self.entries[name]
        if size >= self.cutoff:
            return self._chain(start)[:size]
        parts, left = [], size
        while left > 0 and start < END:
            parts.append(self.small_sectors[start * 64 : start * 64 + 64])
            start, left = self.small_table[start], left - 64
        return b"".join(parts)[:size]

    def _table(self) -> tuple[int, ...]:
        """For each sector the one that follows it."""
        content = self.content
        listed = list(struct.unpack_from("<109I", content, 76))
        following, count = struct.unpack_from("<2I", content, 68)
        for _ in range(min(count, self.count)):
            if following >= END:
                break
            *more, following = _numbers(self._sector(following))
            listed += more
        sectors = [number for number in listed if number < END][: self.count]
        return _numbers(b"".join(map(self._sector, sectors)))

    def _sector(self, number: int) -> bytes:
        at = (number + 1) * self.size
        if at >= len(self.content):
            raise ValueError("There is no such sector.")
        return self.content[at : at + self.size]

    def _chain(self, number: int) -> bytes:
        parts: list[bytes] = []
        while number < END:
            if len(parts) > self.count:
                raise ValueError("A chain of sectors has no end.")
            parts.append(self._sector(number))
            number = self.table[number]
        return b"".join(parts)


def _numbers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(data) // 4}I", data[: len(data) // 4 * 4])
