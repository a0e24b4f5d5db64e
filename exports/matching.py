"""Which item that the ERP has already is probably which code: same code, written alike, or same description."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from erp_integrations.models import Connection
from exports.models import LINKABLE, CodeExport, RemoteItem
from wbs.codes import fold

T = TypeVar("T")
WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Match:
    export: CodeExport
    item: RemoteItem
    how: str


def find_matches(connection: Connection) -> list[Match]:
    """Codes in review that look like an item which belongs to no code yet. Two queries, in the order of codes."""
    waiting = connection.code_exports.filter(status__in=LINKABLE, kept__isnull=True)
    exports = waiting.select_related("income_account", "expense_account")
    taken = connection.code_exports.filter(remote_id__isnull=False).order_by().values("remote_id")
    free = connection.remote_items.filter(is_ours=False, is_active=True, obstacle="").exclude(remote_id__in=taken)
    return match(list(exports.order_by("sort_key", "id")), list(free))


def match(exports: Sequence[CodeExport], items: Sequence[RemoteItem]) -> list[Match]:
    """Each code with at most one item and the other way round; what fits several is left to people."""
    found: dict[int, Match] = {}
    used: set[int] = set()
    for how, of_export, of_item in WAYS:
        codes = _unique((export for export in exports if export.pk not in found), of_export)
        others = _unique((item for item in items if item.pk not in used), of_item)
        for key, export in codes.items():
            if key and (item := others.get(key)):
                found[export.pk] = Match(export, item, how)
                used.add(item.pk)
    return [found[export.pk] for export in exports if export.pk in found]


def _unique(rows: Iterable[T], key: Callable[[T], str]) -> dict[str, T]:
    keyed = [(key(row), row) for row in rows]
    counts = Counter(name for name, _ in keyed)
    return {name: row for name, row in keyed if counts[name] == 1}


def parts(code: str) -> str:
    """Whatever joins the tiers, and with how many zeros they begin: "01-100" is "1.100" is "1 0100"."""
    return "-".join(word.lstrip("0") or "0" for word in WORDS.findall(fold(code)))


def squeezed(code: str) -> str:
    """Without anything that joins the tiers: "01-100" is "01100"."""
    return "".join(WORDS.findall(fold(code)))


WAYS: list[tuple[str, Callable[[CodeExport], str], Callable[[RemoteItem], str]]] = [
    ("Same code", lambda export: export.code_key, lambda item: fold(item.code)),
    ("Code alike", lambda export: parts(export.code), lambda item: parts(item.code)),
    ("Code alike", lambda export: squeezed(export.code), lambda item: squeezed(item.code)),
    ("Same description", lambda export: export.description_key, lambda item: fold(item.description)),
]
