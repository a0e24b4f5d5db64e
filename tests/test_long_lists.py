"""Every page that lists codes takes as many queries for 100,000 of them as for 100: nobody's list is too long."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from erp_integrations.models import Connection
from exports import services
from tests import factories
from tests.factories import make_dora
from wbs.lists.checking import NewCode
from wbs.models import Segment

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.pg_only]

COMPANY = "/companies/sample-builders/"
WBS, ERP = f"{COMPANY}admin/work-breakdown-structure/", f"{COMPANY}erp-integrations/practice-erp/"
PAGES = (
    f"{WBS}cost-codes/",
    f"{WBS}cost-codes/?page=2",
    f"{WBS}cost-codes/?q=kind",
    f"{WBS}cost-codes/?fold=all",
    f"{COMPANY}projects/",
    f"{COMPANY}projects/missing/",
    f"{COMPANY}projects/{{project}}/",
    f"{COMPANY}projects/{{project}}/cost-codes-from-company/",
    f"{ERP}standard-cost-codes/",
    f"{ERP}standard-cost-codes/?filter=all&q=kind&page=2",
    f"{ERP}standard-cost-codes/{{export}}/",
    f"{ERP}history/",
    f"{ERP}default-accounts/",
    f"{ERP}link/",
    f"{ERP}rules/",
)


def new_codes(first: int, after_last: int) -> list[NewCode]:
    """A hundred codes to a division."""
    divisions = [NewCode((f"{n:04}",), f"Division {n}") for n in range(first // 100, -(-after_last // 100))]
    codes = [NewCode((f"{n // 100:04}", f"{n % 100:02}"), f"Works of kind {n}") for n in range(first, after_last)]
    return divisions + codes


def queries_of(client: Client, address: str) -> int:
    client.get(address)  # what is asked once for all is not asked now
    with CaptureQueriesContext(database) as captured:
        assert client.get(address).status_code == 200, address
    words = ("SAVEPOINT", "RELEASE", "DECLARE", "FETCH", "CLOSE")
    return len([query for query in captured.captured_queries if not query["sql"].startswith(words)])


def test_no_page_asks_more_of_a_long_list(client: Client) -> None:
    dora = make_dora()
    segment, erp = Segment.of(dora.company), factories.make_connection(dora.company)
    project = factories.make_project("P-1", dora.company, connection=erp)
    client.force_login(dora.user)

    few = lengthen(client, dora, segment, erp, project, 0, 200)
    many = lengthen(client, dora, segment, erp, project, 200, 100_000)

    assert segment.items.count() == 101_000
    assert many == few
    assert max(many.values()) <= 20


def lengthen(client: Client, dora, segment: Segment, erp: Connection, project, first: int, last: int) -> dict[str, int]:
    """The queries of each page, once the list, its review and the project have so many codes."""
    segment.add_codes(new_codes(first, last), "-", dora.user)
    services.send_codes(dora, erp, None)
    project.add_codes(segment.items.filter(tier=2), None)
    found = {"project": project.pk, "export": erp.code_exports.earliest("pk").pk}
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {page: queries_of(client, page.format(**found)) for page in PAGES}
