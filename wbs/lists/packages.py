"""What a stranger packed: a ZIP of XML parts, whose bounds hold before any reader of its format sees them.

Nothing is built here: parts are unpacked in small portions, counted, and told to whoever listens. So time and memory
stay in proportion to bytes and signs that are bounded, of whatever kind: styles, names, strings, attributes, relations.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any
from xml.parsers import expat
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from wbs.lists.rows import UnreadableFile

SIGNATURE = b"PK\x03\x04"  # how a package begins
ENTRY = b"PK\x01\x02"  # one for each part in the directory
DAMAGED = "The workbook is damaged. Save it anew, or as “CSV UTF-8”, and choose that."
CHUNK = 1 << 16

MAX_PARTS = 5_000
MAX_UNPACKED = 50 * 1024 * 1024  # bytes, of all parts together, also of those that nobody reads
MAX_TAGS = 750_000  # elements of all parts
MAX_ATTRIBUTES = 2_500_000  # of all parts
MAX_NAMES = 2_000  # different ones of elements and attributes in one part; the parser keeps each
MAX_DEPTH = 100
MAX_TAG = 1 << 20  # bytes of one tag or comment, which the parser holds whole and begins anew with each portion

# What readers raise at numbers and names that point nowhere; of the archive also all that zipfile raises.
SENSELESS = (ValueError, LookupError, ArithmeticError)
BROKEN = (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error, struct.error, *SENSELESS)


def too_much() -> UnreadableFile:
    return UnreadableFile("The workbook is too large when unpacked. Import it in parts.")


class Listener:
    """Hears of a part what it says, in its order: `starts` and `ends` by the name of the element, without its prefix.

    What it makes of what it hears it bounds itself.
    """

    def __init__(self) -> None:
        self.starts: dict[str, Callable[[dict[str, str]], None]] = {}  # told the attributes
        self.ends: dict[str, Callable[[], None]] = {}

    def text(self, text: str) -> None: ...


class Package:
    """The parts of one file and the bounds that they share. Everything raises UnreadableFile."""

    def __init__(self, content: bytes) -> None:
        if content.count(ENTRY) > MAX_PARTS:  # looked at before the directory is read, which takes memory for each
            raise too_much()
        try:
            self.archive = ZipFile(io.BytesIO(content))
        except BROKEN as trouble:
            raise UnreadableFile(DAMAGED) from trouble
        self.parts = {part.filename.lower(): part for part in self.archive.infolist()}
        # More than the directory says of a part is never unpacked, so its sizes can be believed as bounds.
        if sum(part.file_size for part in self.archive.infolist()) > MAX_UNPACKED:
            raise too_much()
        self.tags = self.attributes = 0

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.parts

    def unpack(self, name: str) -> Iterator[bytes]:
        try:
            part = self.parts[name.lower()]
            if part.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others may ask for any memory
                raise UnreadableFile(DAMAGED)
            with self.archive.open(part) as unpacked:
                while chunk := unpacked.read(CHUNK):
                    yield chunk
        except BROKEN as trouble:
            raise UnreadableFile(DAMAGED) from trouble

    def check(self) -> None:
        """Every part is whole, also those that nobody reads, and has not too much of anything at a glance."""
        tags = attributes = 0
        for name in self.parts:
            for chunk in self.unpack(name):
                tags += chunk.count(b"<") - chunk.count(b"</")
                attributes += chunk.count(b'="') + chunk.count(b"='")
                if tags > MAX_TAGS or attributes > MAX_ATTRIBUTES:
                    raise too_much()

    def walk(self, name: str, listener: Listener) -> None:
        """Tell the listener what stands in the part."""
        walk = _Walk(listener, self.tags, self.attributes)
        try:
            for chunk in self.unpack(name):
                walk.hear(chunk)
            walk.close()
        except (expat.ExpatError, *BROKEN) as trouble:
            raise UnreadableFile(DAMAGED) from trouble
        self.tags, self.attributes = walk.tags, walk.attributes


class _Walk:
    """One part on its way through the parser. The bounds are looked at after each portion, which is soon enough."""

    def __init__(self, listener: Listener, tags: int, attributes: int) -> None:
        self.tags, self.attributes = tags, attributes  # so far
        self.fed = self.depth = 0
        self.starts, self.ends = _ByLocalName(listener.starts), _ByLocalName(listener.ends)
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = listener.text

    def hear(self, chunk: bytes) -> None:
        try:
            self.parser.Parse(chunk, False)
        finally:
            self.fed += len(chunk)
            self._hold_bounds()

    def close(self) -> None:
        self.parser.Parse(b"", True)

    def _hold_bounds(self) -> None:
        if self.tags > MAX_TAGS or self.attributes > MAX_ATTRIBUTES or len(self.parser.intern) > MAX_NAMES:
            raise too_much()
        if self.depth > MAX_DEPTH or self.fed - max(self.parser.CurrentByteIndex, 0) > MAX_TAG:
            raise too_much()

    def _refuse(self, *_: Any) -> None:
        raise UnreadableFile(DAMAGED)  # a document type: no spreadsheet writes one, and entities come with it

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.tags += 1
        self.depth += 1
        self.attributes += len(attributes)
        if act := self.starts[name]:
            act(attributes)

    def _end(self, name: str) -> None:
        self.depth -= 1
        if act := self.ends[name]:
            act()


class _ByLocalName(dict[str, Any]):
    """What to do at an element, found by its name with any prefix."""

    def __missing__(self, name: str) -> Any:
        act = self[name] = self.get(name.rpartition(":")[2])
        return act
