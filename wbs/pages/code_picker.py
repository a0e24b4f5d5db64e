"""A plain list of cost codes to choose from: searched, narrowed to a division, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from core.numbers import number
from wbs.models import Segment, SegmentItem, SegmentItemQuerySet


@dataclass
class CodeList:
    """Some of a segment's codes in their order; the page shows each division above its first code."""

    SIZE: ClassVar = 100

    segment: Segment
    items: SegmentItemQuerySet
    search: str = ""
    division: SegmentItem | None = None
    number: str | int = 1

    @classmethod
    def read(cls, segment: Segment, items: SegmentItemQuerySet, values: Mapping[str, str]) -> CodeList:
        """The list that a request means."""
        division = division_of(segment, values.get("division", ""))
        return cls(segment, items, values.get("q", "").strip(), division, values.get("page", "1"))

    def matching(self) -> SegmentItemQuerySet:
        items = self.items.matching(self.search)
        if self.division:
            items = items.filter(pk__in=self.division.below().order_by().values("pk"))
        return items

    @cached_property
    def page(self) -> Page[SegmentItem]:
        return Paginator(self.matching().select_related("parent"), self.SIZE).get_page(self.number)

    @property
    def count(self) -> int:
        return self.page.paginator.count

    @property
    def is_narrowed(self) -> bool:
        return bool(self.search or self.division)

    @cached_property
    def divisions(self) -> SegmentItemQuerySet:
        return self.segment.items.divisions()

    @property
    def narrowing(self) -> str:
        """The query of its first page."""
        chosen = {"q": self.search, "division": str(self.division.pk) if self.division else ""}
        return urlencode({name: value for name, value in chosen.items() if value})


def division_of(segment: Segment, text: str) -> SegmentItem | None:
    """The item that a request names as its division; None for anything else."""
    item = segment.items.filter(pk=number(text)).first()
    if item:
        item.segment = segment
    return item
