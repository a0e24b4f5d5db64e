"""Which item that the ERP has already is probably which code: same code, written alike, or same description.

And items that carry a reference which nobody here knows: what was exported and lost with a restore.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from erp_integrations.models import Connection
from exports.models import LINKABLE, CodeExport, RemoteItem
from wbs.codes import code_key, fold
from wbs.models import Segment, SegmentItem

T = TypeVar("T")
WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Match:
    export: CodeExport
    item: RemoteItem
    how: str


def find_matches(connection: Connection) -> list[Match]:
    """Codes in review that look like an item which belongs to no code yet. Three queries, in the order of codes."""
    waiting = connection.code_exports.filter(status__in=LINKABLE, before_update__isnull=True)
    exports = waiting.select_related("income_account", "expense_account")
    taken = connection.code_exports.filter(remote_id__isnull=False).order_by().values("remote_id")
    free = connection.remote_items.filter(is_ours=False, is_active=True, obstacle="").exclude(remote_id__in=taken)
    found = match(list(exports.order_by("sort_key", "id")), list(free))
    cost_codes = SegmentItem.objects.cost_codes().filter(company=connection.company_id)
    known = dict(cost_codes.values_list("full_code_key", "segment__delimiter"))
    return [one for one in found if not _is_anothers(one, known)]


def _is_anothers(match: Match, known: Mapping[str, str]) -> bool:
    """Whether the item is called as another cost code is; `known` has the delimiter of each code, by its key."""
    names = spellings(match.item.code, known.get(match.export.code_key, ""))
    return match.export.code_key not in names and any(name in known for name in names)


@dataclass(frozen=True)
class Lost:
    """An item under a reference that no code here has, and the cost code that it was sent as, or is called as."""

    item: RemoteItem
    cost_code: SegmentItem | None
    export: CodeExport | None  # of that cost code
    is_same: bool  # the item was sent as just this cost code, and carries the reference that it would get again

    @property
    def can_link(self) -> bool:
        waits = self.export and self.export.status in LINKABLE and not self.export.is_update
        return bool(waits and self.item.is_active and not self.item.obstacle)


def lost_items(connection: Connection) -> QuerySet[RemoteItem]:
    """Items that carry a reference which no code here has, and which no code took: lost with a restore, mostly."""
    ours = CodeExport.objects.filter(company=connection.company_id).order_by()
    taken = connection.code_exports.filter(remote_id__isnull=False).order_by().values("remote_id")
    carrying = connection.remote_items.exclude(owner="").exclude(owner__in=ours.values("reference"))
    return carrying.exclude(remote_id__in=taken)


def find_lost(connection: Connection, items: Sequence[RemoteItem]) -> list[Lost]:
    """Of each of these items the cost code. Three queries, for a page of items."""
    company = connection.company_id
    cost_codes = SegmentItem.objects.cost_codes().filter(company=company)
    delimiter = Segment.objects.filter(company=company, slug="cost-codes").values_list("delimiter", flat=True).first()
    names = {item.pk: spellings(item.code, delimiter or "") for item in items}
    guids = {item.pk: guid for item in items if (guid := _guid_in(item.owner, connection))}
    meant = Q(full_code_key__in=set().union(*names.values())) | Q(guid__in=guids.values())
    found = list(cost_codes.filter(meant)) if items else []
    by_name, by_guid = {one.full_code_key: one for one in found}, {one.guid: one for one in found}
    exports = {row.item_id: row for row in connection.code_exports.filter(item__in=found)}
    lost = []
    for item in items:
        same = by_guid.get(guids[item.pk]) if item.pk in guids else None
        likely = dict.fromkeys([fold(item.code), code_key(item.code), *sorted(names[item.pk])])
        names_it = [by_name[name] for name in likely if name in by_name]
        cost_code = same or next(iter(names_it), None)
        lost.append(Lost(item, cost_code, exports.get(cost_code.pk) if cost_code else None, same is not None))
    return lost


def _guid_in(reference: str, connection: Connection) -> UUID | None:
    """The GUID of the item whose reference on this connection it is (`sendable.reference_of`)."""
    ours, _, guid = reference.partition("-")
    try:
        return UUID(guid) if ours == connection.guid.hex else None
    except ValueError:  # one of an older make
        return None


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


def spellings(code: str, delimiter: str) -> set[str]:
    """The keys of the cost codes that an item of this code may mean: "01:100" is "01-100", too.

    As it is spelled as well: by that a code is kept that reads like another (wbs migration 0012).
    """
    key = code_key(code)
    return {key, fold(code), delimiter.join(WORDS.findall(key))} - {""}


def parts(code: str) -> str:
    """Whatever joins the tiers, and with how many zeros they begin: "01-100" is "1.100" is "1 0100"."""
    return "-".join(word.lstrip("0") or "0" for word in WORDS.findall(code_key(code)))


def squeezed(code: str) -> str:
    """Without anything that joins the tiers: "01-100" is "01100"."""
    return "".join(WORDS.findall(code_key(code)))


WAYS: list[tuple[str, Callable[[CodeExport], str], Callable[[RemoteItem], str]]] = [
    ("Same code", lambda export: code_key(export.code), lambda item: code_key(item.code)),
    ("Code alike", lambda export: parts(export.code), lambda item: parts(item.code)),
    ("Code alike", lambda export: squeezed(export.code), lambda item: squeezed(item.code)),
    ("Same description", lambda export: export.description_key, lambda item: fold(item.description)),
]
