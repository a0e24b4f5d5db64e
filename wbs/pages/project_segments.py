"""What a project has of the company's other segments: as far as its ERP knows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from erp_integrations.models import Connection
from erp_integrations.supported import why_not
from wbs.models import Project, Segment, SegmentItem

ABILITIES = {"cost-types": "has_cost_types", "sub-jobs": "has_sub_jobs"}  # by slug; of custom segments another
PLACEHOLDER = "Other"
SHOWN = 50


@dataclass(frozen=True)
class Offer:
    """One segment beside the cost codes, as a project has it."""

    segment: Segment
    why_not: str  # empty: its codes can be used

    @property
    def is_offered(self) -> bool:
        return not self.why_not

    @property
    def count(self) -> int:
        return self.segment.items.filter(is_active=True).count()


@dataclass(frozen=True)
class CostTypes:
    """The company's cost types, each as the project shows it: as it is, or as the placeholder."""

    why_not: str
    segment: Segment

    @property
    def items(self) -> list[tuple[SegmentItem, str]]:
        first = self.segment.items.filter(is_active=True)[:SHOWN]
        return [(item, PLACEHOLDER if self.why_not else item.full_code) for item in first]

    @property
    def count(self) -> int:
        return self.segment.items.filter(is_active=True).count()


def cost_types(project: Project, segments: list[Segment]) -> CostTypes:
    segment = next(segment for segment in segments if segment.slug == "cost-types")
    return CostTypes(_why_not(project.connection, segment), segment)


def offers(project: Project, segments: list[Segment]) -> Iterator[Offer]:
    """Sub jobs and custom segments."""
    for segment in segments:
        if segment.slug not in ("cost-codes", "cost-types"):
            yield Offer(segment, _why_not(project.connection, segment))


def _why_not(connection: Connection | None, segment: Segment) -> str:
    return why_not(connection, ABILITIES.get(segment.slug, "has_custom_segments"))
