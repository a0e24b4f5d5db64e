"""Pages of projects, as tests look at them."""

from __future__ import annotations

import re

from django.test import Client

from tests.wbs.test_views_segments import text_of
from wbs.models import Project, SegmentItem

PROJECTS = "/companies/sample-builders/projects/"
CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return text_of(response.content.decode())


def table(client: Client, address: str) -> list[str]:
    """The text of each row of the page's first table."""
    found = re.search(r"<tbody>(.*?)</tbody>", client.get(address).content.decode(), re.DOTALL)
    return [text_of(row) for row in re.findall(r"<tr.*?</tr>", found[1], re.DOTALL)] if found else []


def add(project: Project, *codes: str) -> None:
    project.add_codes(SegmentItem.objects.filter(full_code__in=codes), None)


def codes_of(project: Project) -> list[str]:
    return list(project.items().values_list("full_code", flat=True))
