"""Lists in the natural order of codes, by `sort_key` and `id`, read from one of their rows on."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet

Rows = TypeVar("Rows", bound=QuerySet[Any])


def behind(rows: Rows, row: Any) -> Rows:
    """Those that come after this row."""
    return rows.filter(sort_key__gte=row.sort_key).exclude(sort_key=row.sort_key, id__lte=row.pk)


def before(rows: Rows, row: Any) -> Rows:
    """Those that come before this row, the nearest first."""
    found = rows.filter(sort_key__lte=row.sort_key).exclude(sort_key=row.sort_key, id__gte=row.pk)
    return found.order_by("-sort_key", "-id")
