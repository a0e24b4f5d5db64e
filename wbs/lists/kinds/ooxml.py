"""What XLSX and XLSB have in common: parts that refer to each other."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from wbs.lists.packages import Listener, Package, too_much

MAX_RELATIONS = 10_000


class Relation(NamedTuple):
    id: str
    kind: str  # the last word of its type, which is the same in Strict workbooks
    target: str


def relations(package: Package, source: str) -> list[Relation]:
    """What a part refers to; "" is the package itself."""
    folder, name = posixpath.split(source)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    listener = _Relations(folder)
    if path in package:
        package.walk(path, listener)
    return listener.found


def workbook_path(package: Package) -> str:
    """Where the part stands that lists the sheets."""
    start = (each.target for each in relations(package, "") if each.kind == "officeDocument")
    return next(start, "xl/workbook.xml" if "xl/workbook.xml" in package else "xl/workbook.bin")


class _Relations(Listener):
    def __init__(self, folder: str) -> None:
        self.starts, self.ends = {"Relationship": self._start}, {}
        self.folder = folder
        self.found: list[Relation] = []

    def _start(self, attributes: dict[str, str]) -> None:
        if attributes.get("TargetMode") == "External":
            return
        if len(self.found) == MAX_RELATIONS:
            raise too_much()
        target = posixpath.normpath(posixpath.join("/", self.folder, attributes.get("Target", ""))).lstrip("/")
        self.found.append(Relation(attributes.get("Id", ""), attributes.get("Type", "").rpartition("/")[2], target))
