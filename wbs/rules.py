"""What the ERPs of a company would refuse about its codes, told before anything is sent. The adapters judge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Q

from companies.models import Company
from core.bulk import listed
from erp_integrations.base import CodeData
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection
from wbs import codes
from wbs.lists.checking import NewCode
from wbs.lists.rows import Problem
from wbs.models.holds import Hold
from wbs.models.items import SegmentItem
from wbs.models.segments import Segment

CHUNK = 2000  # rows read at once
ODD = r"[^\x20-\x7e]|  "  # in keys that can be another than that of what their code reads like
READS_LIKE = (
    "It reads like {twin} (“{description}”): whoever types one of them, an import and the comparison with the ERP may "
    "take one for the other. Give one of them another code, or deactivate this one."
)
STAND_IN = "-"  # for a description that is not typed yet


class Rules:
    """The rules of one connection's ERP. Raises ConfigurationError when its integration cannot be loaded."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.adapter = connection.adapter()
        self.takes_divisions = connection.capabilities.has_tiers

    @classmethod
    def of(cls, company: Company) -> list[Rules]:
        """Those of every connection that can be asked; what is wrong with another, its own pages say."""
        found = []
        for connection in company.connections.all():
            try:
                found.append(cls(connection))
            except ConfigurationError:
                continue
        return found

    def problems(self, tiers: tuple[str, ...], delimiter: str, description: str) -> list[str]:
        """Why a code could not be exported, as sentences; empty when it could."""
        return self.adapter.validate(CodeData("", delimiter.join(tiers), description, tiers))

    def warnings(self, tiers: tuple[str, ...], delimiter: str, description: str) -> list[str]:
        """The same, naming the connection."""
        return [f"{self.connection}: {sentence}" for sentence in self.problems(tiers, delimiter, description)]


def warn_of_item(item: SegmentItem) -> list[str]:
    """What the company's ERPs would refuse about an item as it is saved."""
    return warn(item.segment, item.tiers, item.description, is_division=item.below().exists())


def warn_of_typed(
    segment: Segment, code: str, description: str, parent: SegmentItem | None, item: SegmentItem | None
) -> list[str]:
    """The same about one as it is typed, saved or not; nothing before there is a code."""
    code = codes.clean(code)
    if not code:
        return []
    tiers = (*(codes.split(parent.full_code, segment.delimiter) if parent else ()), code)
    is_division = item is not None and item.below().exists()
    return warn(segment, tiers, codes.clean(description) or STAND_IN, is_division=is_division)


def warn(segment: Segment, tiers: tuple[str, ...], description: str, *, is_division: bool) -> list[str]:
    if not segment.goes_to_erp:
        return []
    judges = [rules for rules in Rules.of(segment.company) if rules.takes_divisions or not is_division]
    return [sentence for rules in judges for sentence in rules.warnings(tiers, segment.delimiter, description)]


def warn_of_new(segment: Segment, new: Iterable[NewCode], delimiter: str) -> list[Problem]:
    """What the company's ERPs would refuse about rows of a list; the rows can be imported all the same."""
    judges = Rules.of(segment.company) if segment.goes_to_erp else []
    if not judges:
        return []
    new = list(new)
    divisions = {code.tiers[:depth] for code in new for depth in range(1, len(code.tiers))}
    return [
        Problem(code.row, delimiter.join(code.tiers), sentence)
        for code in new
        for rules in judges
        if rules.takes_divisions or code.tiers not in divisions
        for sentence in rules.warnings(code.tiers, delimiter, code.description)
    ]


@dataclass(frozen=True)
class Breach:
    """An active code that would not export, and why."""

    item_id: int
    code: str
    description: str
    sentences: list[str]


def breaches(connection: Connection) -> Iterator[Breach]:
    """Every active code that breaks a rule of the connection's ERP, in order; what the ERP has already is not asked.

    And those that read like another, there or not. Reads the list in chunks: 100,000 codes take about two seconds.
    Raises ConfigurationError.
    """
    rules, segment = Rules(connection), Segment.of(connection.company)
    there = Hold.objects.filter(connection=connection, lock=Hold.Lock.CODE)
    active = segment.items.filter(is_active=True)
    items = active.exclude(pk__in=there.values("item"))
    if not rules.takes_divisions:
        items = items.without_items_below()
    alike = look_alikes(segment)
    not_asked = set(alike) - set(items.filter(pk__in=listed(list(alike))).values_list("pk", flat=True))
    if not_asked:
        items = active.filter(Q(pk__in=items.order_by().values("pk")) | Q(pk__in=listed(list(not_asked))))
    rows = items.values_list("pk", "full_code", "description")
    for pk, code, description in rows.iterator(chunk_size=CHUNK):
        sentences = [alike[pk]] if pk in alike else []
        if pk not in not_asked:
            tiers = codes.split(code, segment.delimiter)
            sentences += rules.problems(tiers, segment.delimiter, description)
        if sentences:
            yield Breach(pk, code, description, sentences)


def look_alikes(segment: Segment) -> dict[int, str]:
    """Why active codes have a key that is not that of what they read like, as sentences by their ids.

    They are older than the rule that refuses such codes (migration 0012): two that read alike, or one that reads as
    if the delimiter were in it.
    """
    odd = segment.items.filter(is_active=True, full_code_key__regex=ODD)
    rows = odd.values_list("pk", "code", "full_code", "full_code_key")
    wanted = {pk: (code, key) for pk, code, full, held in rows if (key := codes.code_key(full)) != held}
    if not wanted:
        return {}
    keys = list({key for _, key in wanted.values()})
    portions = (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK))
    twins = {twin.full_code_key: twin for some in portions for twin in segment.items.filter(full_code_key__in=some)}
    found = {}
    for pk, (code, key) in wanted.items():
        if twin := twins.get(key):
            found[pk] = READS_LIKE.format(twin=twin, description=twin.description)
        elif problem := codes.code_problem(code, segment.delimiter):
            found[pk] = problem
    return found
