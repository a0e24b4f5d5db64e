"""Which codes of the company are still missing on which of its integrated projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from companies.models import Company
from wbs.models import Project, ProjectCode, ProjectQuerySet, SegmentItem, SegmentItemQuerySet

NAMED = 5  # projects that one line names


@dataclass(frozen=True)
class Projects:
    """Some projects, of which a line names the first."""

    first: list[Project]
    count: int

    @classmethod
    def of(cls, found: ProjectQuerySet) -> Projects:
        first = list(found[: NAMED + 1])
        return cls(first[:NAMED], len(first) if len(first) <= NAMED else found.count())

    @property
    def more(self) -> int:
        return self.count - len(self.first)


def projects_of(item: SegmentItem) -> dict[str, Any]:
    """Where the item is used, and where it is missing: for its page."""
    if not item.segment.goes_to_erp:
        return {}
    return {"used": Projects.of(Project.objects.that_use(item)), "missing": Projects.of(Project.objects.missing(item))}


def missing_somewhere(company: Company) -> SegmentItemQuerySet:
    """Codes that at least one integrated project of the company lacks: what all of them have is counted once."""
    integrated = company.projects.integrated().order_by()
    projects = integrated.count()
    if not projects:
        return SegmentItem.objects.none()
    used = ProjectCode.objects.filter(project__in=integrated.values("pk")).order_by().values("item")
    everywhere = used.annotate(number=Count("pk")).filter(number=projects).values("item")
    return SegmentItem.objects.usable().filter(company=company).exclude(pk__in=everywhere)


def with_projects(company: Company, items: Sequence[SegmentItem]) -> list[tuple[SegmentItem, Projects]]:
    """Each item with the integrated projects that lack it; two queries, however many items there are."""
    integrated = list(company.projects.integrated())
    used = set(ProjectCode.objects.filter(item__in=items, project__in=integrated).values_list("project_id", "item_id"))
    lacking = [(item, [each for each in integrated if (each.pk, item.pk) not in used]) for item in items]
    return [(item, Projects(projects[:NAMED], len(projects))) for item, projects in lacking]
