"""What the page of cost codes shows: one page of the tree, with the words of the column "ERP"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, Q

from erp_integrations.models import Connection
from wbs.codes import fold
from wbs.models import Hold, Segment, SegmentItem

PAGE_SIZES = (100, 250)

# Word of a hold -> (pill, icon). Words that are not here are on their way.
PILLS = {
    "Ready to Export": ("pill", "clock"),
    "Success": ("pill pill-success", "check"),
    "Failed": ("pill pill-failed", "x"),
    "Needs review": ("pill pill-review", "alert"),
    "Rejected": ("pill", "undo"),
}


@dataclass(frozen=True)
class Standing:
    """Where one code stands in one ERP."""

    word: str
    pill: str = "pill pill-muted"
    icon: str = ""
    note: str = ""
    connection: str = ""  # named when there are several
    has_changed: bool = False  # the WBS was edited since the ERP got it


@dataclass(frozen=True)
class Row:
    item: SegmentItem
    standings: list[Standing]
    problem: str = ""
    is_ticked: bool = False

    @property
    def is_locked(self) -> bool:
        return self.item.lock_state() > Hold.Lock.NONE


@dataclass
class Tree:
    """One page of the tree; `search` narrows it to codes and descriptions that contain the text."""

    segment: Segment
    search: str = ""
    number: str | int = 1
    size: int = PAGE_SIZES[0]
    problems: Mapping[int, str] = field(default_factory=dict)  # by item id, shown beside the code
    ticked: frozenset[int] = frozenset()

    def page_of(self, item: SegmentItem) -> int:
        """Number of the page that shows the item."""
        before = Q(sort_key__lt=item.sort_key) | Q(sort_key=item.sort_key, pk__lt=item.pk)
        return self.segment.items.matching(self.search).filter(before).count() // self.size + 1

    @cached_property
    def page(self) -> Page[SegmentItem]:
        holds = Prefetch("holds", Hold.objects.order_by("connection__name", "pk").defer("connection__credentials"))
        items = self.segment.items.matching(self.search).with_is_division().prefetch_related(holds)
        return Paginator(items, self.size).get_page(self.number)

    @cached_property
    def connections(self) -> list[Connection]:
        return list(self.segment.company.connections.defer("credentials"))

    @cached_property
    def rows(self) -> list[Row]:
        return [
            Row(item, self._standings(item), self.problems.get(item.pk, ""), item.pk in self.ticked)
            for item in self._prepared(list(self.page.object_list))
        ]

    @cached_property
    def continued(self) -> list[SegmentItem]:
        """The divisions, on earlier pages, to which the first row of this page belongs."""
        if self.search or self.page.number == 1 or not self.rows:
            return []
        tiers, delimiter = self.rows[0].item.tiers, self.segment.delimiter
        keys = [fold(delimiter.join(tiers[:depth])) for depth in range(1, len(tiers))]
        return list(self.segment.items.filter(full_code_key__in=keys))

    def problems_elsewhere(self) -> list[str]:
        """Sentences about codes that this page does not show."""
        here = {row.item.pk for row in self.rows}
        return [sentence for pk, sentence in self.problems.items() if pk not in here]

    def _prepared(self, items: list[SegmentItem]) -> list[SegmentItem]:
        names = {connection.pk: connection for connection in self.connections}
        for item in items:
            item.segment = self.segment
            for hold in item.holds.all():
                hold.connection = names[hold.connection_id]
        return items

    def _standings(self, item: SegmentItem) -> list[Standing]:
        standings = [self._standing(item, hold) for hold in item.holds.all()]
        if standings:
            return standings
        if item.is_division and not self._sends_divisions:  # type: ignore[attr-defined]
            return [Standing("Division: not exported")]
        return [Standing("Not sent")]

    def _standing(self, item: SegmentItem, hold: Hold) -> Standing:
        pill, icon = PILLS.get(hold.word, ("pill pill-progress", "refresh"))
        return Standing(
            word=hold.word,
            pill=pill,
            icon=icon,
            note=hold.note,
            connection=hold.connection.name if len(self.connections) > 1 else "",
            has_changed=hold.lock == Hold.Lock.CODE and hold.item_version < item.version,
        )

    @cached_property
    def _sends_divisions(self) -> bool:
        return any(connection.capabilities.has_tiers for connection in self.connections)
