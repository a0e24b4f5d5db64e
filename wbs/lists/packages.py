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

from wbs.lists.bounds import UnreadableFile

SIGNATURE = b"PK\x03\x04"  # how a package begins
ENTRY = b"PK\x01\x02"  # one for each part in the directory
DAMAGED = "The workbook is damaged. Save it anew, or as “CSV UTF-8”, and choose that."
CHUNK = 1 << 16

MAX_PARTS = 5_000
MAX_UNPACKED = 80 * 1024 * 1024  # bytes, of all parts together, also of those that nobody reads
MAX_TAGS = 750_000  # elements of all parts that a parser hears
MAX_QUOTES = 5_000_000  # of the same; each attribute has two
MAX_NAMES = 2_000  # different ones of elements and attributes in one part; the parser keeps each
MAX_DEPTH = 100
MAX_TAG = 1 << 20  # bytes of one tag or comment, which the parser holds whole and begins anew with each portion
PLAIN_ENCODINGS = {
    "utf-8",
    "utf8",
    "us-ascii",
    "iso-8859-1",
    "windows-1252",
    "utf-16",
}  # where "<" is a byte of its own

# What readers raise at numbers and names that point nowhere; of the archive also all that zipfile raises.
SENSELESS = (ValueError, LookupError, ArithmeticError, struct.error)
BROKEN = (BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, zlib.error, *SENSELESS)


def too_much() -> UnreadableFile:
    return UnreadableFile("The workbook is too large when unpacked. Import it in parts.")


class Counts:
    """Of all that parsers have heard of one package, at a glance."""

    def __init__(self) -> None:
        self.tags = self.quotes = 0

    def add(self, chunk: bytes) -> None:
        self.tags += chunk.count(b"<") - chunk.count(b"</")
        self.quotes += chunk.count(b'"') + chunk.count(b"'")
        if self.tags > MAX_TAGS or self.quotes > MAX_QUOTES:
            raise too_much()


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
        self.counts = Counts()
        self.parts = {part.filename.lower(): part for part in self.archive.infolist()}
        # More than the directory says of a part is never unpacked, so its sizes can be believed as bounds.
        if sum(part.file_size for part in self.archive.infolist()) > MAX_UNPACKED:
            raise too_much()

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

    def walk(self, name: str, listener: Listener) -> None:
        """Tell the listener what stands in the part."""
        walk = Walk(listener, self.counts)
        for chunk in self.unpack(name):
            walk.hear(chunk)
        walk.close()


class Walk:
    """One part on its way through the parser, of which somebody else may take pieces out that are whole elements.

    Tags and quotes are counted before a portion is parsed, the other bounds looked at behind it, which is soon enough.
    """

    def __init__(self, listener: Listener, counts: Counts) -> None:
        self.counts = counts
        self.fed = self.depth = 0
        starts, ends = _ByLocalName(listener.starts), _ByLocalName(listener.ends)

        def start(name: str, attributes: dict[str, str]) -> None:
            self.depth += 1
            if act := starts[name]:
                act(attributes)

        def end(name: str) -> None:
            self.depth -= 1
            if act := ends[name]:
                act()

        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.XmlDeclHandler = self._declaration
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = start
        self.parser.EndElementHandler = end
        self.parser.CharacterDataHandler = listener.text
        self.is_utf8 = True

    def hear(self, chunk: bytes) -> None:
        self.counts.add(chunk)
        self._parse(chunk, False)
        if self.depth > MAX_DEPTH or len(self.parser.intern) > MAX_NAMES:
            raise too_much()

    def close(self) -> None:
        self._parse(b"", True)

    def _parse(self, chunk: bytes, is_last: bool) -> None:
        try:
            self.parser.Parse(chunk, is_last)
        except (expat.ExpatError, *BROKEN) as trouble:
            raise UnreadableFile(DAMAGED) from trouble
        self.fed += len(chunk)
        if self.fed - max(self.parser.CurrentByteIndex, 0) > MAX_TAG:
            raise too_much()

    def _declaration(self, _: str, encoding: str | None, __: int) -> None:
        self.is_utf8 = (encoding or "utf-8").lower() in ("utf-8", "utf8", "us-ascii")
        if encoding and encoding.lower() not in PLAIN_ENCODINGS:
            raise UnreadableFile(DAMAGED)

    def _refuse(self, *_: Any) -> None:
        raise UnreadableFile(DAMAGED)  # a document type: no spreadsheet writes one, and entities come with it


class _ByLocalName(dict[str, Any]):
    """What to do at an element, found by its name with any prefix."""

    def __missing__(self, name: str) -> Any:
        act = self[name] = self.get(name.rpartition(":")[2])
        return act
