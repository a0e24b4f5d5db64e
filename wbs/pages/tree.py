"""What the page of cost codes shows: one page of the tree, with the words of the column "ERP"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import ClassVar
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Prefetch, Q

from core import in_order
from core.numbers import number
from erp_integrations.models import Connection
from wbs.codes import split
from wbs.models import Hold, Segment, SegmentItem, SegmentItemQuerySet, Status

PAGE_SIZES = (100, 250)
MOST_ELSEWHERE = 50

# Status of a hold -> (pill, icon). Those that are not here are on their way.
PILLS = {
    Status.READY: ("pill", "clock"),
    Status.SUCCESS: ("pill pill-success", "check"),
    Status.FAILED: ("pill pill-failed", "x"),
    Status.ATTENTION: ("pill pill-review", "alert"),
    Status.REJECTED: ("pill", "undo"),
}


@dataclass(frozen=True)
class Folding:
    """Which divisions are collapsed: those of `ids`, or with `is_all` every one but those."""

    MOST: ClassVar = 200  # as many as an address can carry

    is_all: bool = False
    ids: frozenset[int] = frozenset()

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Folding:
        ids = filter(None, map(number, values.get("at", "").split(".")))
        return cls(values.get("fold") == "all", frozenset(islice(ids, cls.MOST)))

    def hides_below(self, item: SegmentItem) -> bool:
        return (item.pk in self.ids) is not self.is_all

    def turned(self, item: SegmentItem) -> Folding:
        return Folding(self.is_all, self.ids ^ {item.pk})

    @property
    def at(self) -> str:
        return ".".join(map(str, sorted(self.ids)))

    def words(self) -> dict[str, str]:
        """Itself as a query, without what says nothing."""
        return {name: value for name, value in (("fold", "all" * self.is_all), ("at", self.at)) if value}


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
    is_foldable: bool = False  # a division, in the whole tree
    is_collapsed: bool = False
    turned: str = ""  # the query of the page with this division expanded, or collapsed

    @property
    def is_locked(self) -> bool:
        return self.item.lock_state() > Hold.Lock.NONE


@dataclass
class Tree:
    """One page of the tree; `search` narrows it to codes and descriptions that contain the text, collapsed or not."""

    segment: Segment
    search: str = ""
    number: str | int = 1
    size: int = PAGE_SIZES[0]
    problems: Mapping[int, tuple[str, str]] = field(default_factory=dict)  # by item id: its code, and a sentence
    ticked: frozenset[int] = frozenset()
    folding: Folding = Folding()
    after: int = 0  # the code behind which the page begins,
    before: int = 0  # or before which it ends: so that it is found without counting there

    def __post_init__(self) -> None:
        if end := self._item(self.before):  # with no more than a page before it, that is the first page
            start = in_order.before(self.items(), end)[self.size : self.size + 1].first()
            self.number, self.after = (self.number, start.pk) if start else (1, 0)

    @cached_property
    def start(self) -> SegmentItem | None:
        """The code behind which the page begins; None on the first page, and where its number alone tells."""
        return self._item(self.after)

    def _item(self, pk: int) -> SegmentItem | None:
        return self.segment.items.filter(pk=pk).first() if pk else None

    def items(self) -> SegmentItemQuerySet:
        items = self.segment.items.matching(self.search)
        if self.search or self.folding == Folding():
            return items
        return items.unfolded(self.folding.is_all, self.folding.ids)

    def reveal(self, item: SegmentItem) -> None:
        """Turn to the page that shows the item. A search or collapsed divisions that would hide it end."""
        if self.search and not self.items().filter(pk=item.pk).exists():
            self.search = ""
        if not self.items().filter(pk=item.pk).exists():
            self.folding = Folding()
        self.number = self.page_of(item)

    def page_of(self, item: SegmentItem) -> int:
        """Number of the page that shows the item."""
        before = Q(sort_key__lt=item.sort_key) | Q(sort_key=item.sort_key, pk__lt=item.pk)
        return self.items().filter(before).count() // self.size + 1

    @cached_property
    def page(self) -> Page[SegmentItem]:
        """Which page of how many it is; its codes are `rows`."""
        return Paginator(self.items(), self.size).get_page(self.number)

    @cached_property
    def _found(self) -> list[SegmentItem]:
        """The codes that the page shows, and one more where another page follows.

        They are found from its neighbour on, so that no code is passed over that is in the list all the while; who
        types a number in has the codes before it counted.
        """
        if self.start and (found := self._read(in_order.behind(self.items(), self.start)[: self.size + 1])):
            return found
        first = (self.page.number - 1) * self.size
        return self._read(self.items()[first : first + self.size + 1])

    def _read(self, shown: SegmentItemQuerySet) -> list[SegmentItem]:
        holds = Prefetch("holds", Hold.objects.order_by("connection__name", "pk").defer("connection__credentials"))
        items = SegmentItem.objects.filter(pk__in=shown.values("pk"))
        return list(items.with_is_division().prefetch_related(holds))

    @cached_property
    def matching_count(self) -> int:
        """How many codes there are, or match the search: collapsed ones and those of other pages too."""
        is_folded = self.folding != Folding() and not self.search
        return self.segment.items.count() if is_folded else self.page.paginator.count

    @cached_property
    def newest(self) -> int:
        """The youngest code that was there when the page was read."""
        return self.segment.items.order_by("-pk").values_list("pk", flat=True).first() or 0

    def query(
        self, number: int | None = None, size: int | None = None, folding: Folding | None = None, **keys: int
    ) -> str:
        """The query of this page, or of one that differs in something; `keys`: the neighbour of another."""
        if number is None:
            number, keys = self.page.number, {"after": self.start.pk} if self.start else {}
        kept = {"page": str(number)} if number > 1 else {}
        kept |= {name: str(pk) for name, pk in keys.items()}
        if (size or self.size) != PAGE_SIZES[0]:
            kept["rows"] = str(size or self.size)
        if self.search:
            kept["q"] = self.search
        return urlencode({**kept, **(self.folding if folding is None else folding).words()})

    @property
    def is_first(self) -> bool:
        return not (self._found and (self.start or self.page.number > 1))

    @property
    def previous(self) -> str:
        """Of the page before; empty on the first."""
        return "" if self.is_first else self.query(max(1, self.page.number - 1), before=self._found[0].pk)

    @property
    def next(self) -> str:
        """Of the page behind; empty on the last."""
        if len(self._found) <= self.size:
            return ""
        return self.query(self.page.number + 1, after=self._found[self.size - 1].pk)

    @property
    def sizes(self) -> list[tuple[int, str]]:
        return [(size, self.query(1, size)) for size in PAGE_SIZES]

    @property
    def expand_all(self) -> str:
        return self.query(1, folding=Folding())

    @property
    def collapse_all(self) -> str:
        return self.query(1, folding=Folding(is_all=True))

    @cached_property
    def connections(self) -> list[Connection]:
        if not self.segment.goes_to_erp:
            return []
        return list(self.segment.company.connections.defer("credentials"))

    @cached_property
    def rows(self) -> list[Row]:
        return [self._row(item) for item in self._prepared(self._found[: self.size])]

    def _row(self, item: SegmentItem) -> Row:
        is_foldable = item.is_division and not self.search  # type: ignore[attr-defined]
        return Row(
            item,
            self._standings(item),
            problem=self.problems.get(item.pk, ("", ""))[1],
            is_ticked=item.pk in self.ticked,
            is_foldable=is_foldable,
            is_collapsed=is_foldable and self.folding.hides_below(item),
            turned=self.query(folding=self.folding.turned(item)) if is_foldable else "",
        )

    @cached_property
    def continued(self) -> list[SegmentItem]:
        """The divisions, on earlier pages, to which the first row of this page belongs."""
        if self.search or self.is_first:
            return []
        delimiter = self.segment.delimiter
        tiers = split(self.rows[0].item.full_code_key, delimiter)
        keys = [delimiter.join(tiers[:depth]) for depth in range(1, len(tiers))]
        return list(self.segment.items.filter(full_code_key__in=keys))

    def problems_elsewhere(self) -> list[str]:
        """Sentences about codes that this page does not show, each with its code, as many as can be read."""
        here = {row.item.pk for row in self.rows}
        elsewhere = [
            sentence if sentence.startswith(code) else f"{code}: {sentence}"
            for pk, (code, sentence) in self.problems.items()
            if pk not in here
        ]
        more = len(elsewhere) - MOST_ELSEWHERE
        return [*elsewhere[:MOST_ELSEWHERE], *([f"And {more:,} more."] if more > 0 else [])]

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
        pill, icon = PILLS.get(Status(hold.status), ("pill pill-progress", "refresh"))
        return Standing(
            word=hold.get_status_display(),
            pill=pill,
            icon=icon,
            note=hold.note,
            connection=hold.connection.name if len(self.connections) > 1 else "",
            has_changed=hold.lock == Hold.Lock.CODE and hold.item_version < item.version,
        )

    @cached_property
    def _sends_divisions(self) -> bool:
        return any(connection.capabilities.has_tiers for connection in self.connections)
