"""The stored responses by which a program learns what became of a message whose response it never got."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

LONGEST_ID = 24
CLEAR_ALL = "CLR-ALL-MSG-SETS"
FINE, NOTHING_STORED, OTHER_REQUEST, ID_TOO_LONG = "0", "600", "9001", "9004"


@dataclass
class Stored:
    request: bytes
    response: etree._Element


@dataclass
class MessageSets:
    """Belongs to the company file, so it outlives every session."""

    stored: dict[str, Stored] = field(default_factory=dict)

    def answer(self, message: etree._Element, execute: Callable[[etree._Element], etree._Element]) -> etree._Element:
        new, old = message.get("newMessageSetID"), message.get("oldMessageSetID")
        if is_too_long(new) or is_too_long(old):
            return bare(new, ID_TOO_LONG)
        status = self.clear(old) if old and old != new else FINE
        if not new:
            return marked(execute(message), None, status if old else None)
        if new in self.stored:
            return self.repeat(new, message)
        if not len(message):
            return bare(new, NOTHING_STORED)
        response = marked(execute(message), new, status)
        self.stored[new] = Stored(checksum(message), response)
        return deepcopy(response)

    def repeat(self, new: str, message: etree._Element) -> etree._Element:
        """What was answered the first time; nothing is executed twice."""
        known = self.stored[new]
        if len(message) and not is_same(known.request, checksum(message)):
            return bare(new, OTHER_REQUEST)
        return deepcopy(known.response)

    def clear(self, old: str) -> str:
        if old == CLEAR_ALL:
            self.stored.clear()
            return FINE
        return FINE if self.stored.pop(old, None) else NOTHING_STORED


def is_too_long(message_set_id: str | None) -> bool:
    return len(message_set_id or "") > LONGEST_ID


def is_same(stored: bytes, sent: bytes) -> bool:
    return stored == sent


def checksum(message: etree._Element) -> bytes:
    return b"".join(etree.tostring(each, method="c14n") for each in message)


def bare(new: str | None, status: str) -> etree._Element:
    return marked(etree.Element("QBXMLMsgsRs"), new, status)


def marked(response: etree._Element, new: str | None, status: str | None) -> etree._Element:
    if new is not None:
        response.set("newMessageSetID", new)
    if status is not None:
        response.set("messageSetStatusCode", status)
    return response
