from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from companies import audit
from exports.models import Batch, CodeExport, Status
from tests import factories
from tests.exports.review_pages import Desk

pytestmark = pytest.mark.either

PAGE = "/companies/sample-builders/erp-integrations/practice-erp/history/"


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


def html(response: Any) -> str:
    return response.content.decode()


@pytest.fixture
def batch(desk: Desk) -> Batch:
    """Alice exported two codes; one of them failed later."""
    desk.ready("01-100")
    failed = desk.ready("01-200")
    desk.post("export/")
    CodeExport.objects.filter(pk=failed.pk).update(status=Status.FAILED, message="=SUM(A1) is closed.", detail="E-17")
    return Batch.objects.get(kind=Batch.Kind.EXPORT)


def test_it_lists_the_clicks_and_the_audit_trail(desk: Desk, batch: Batch) -> None:
    page = html(desk.client.get(PAGE))

    assert "Exported" in page
    assert f'href="{batch.pk}/"' in page
    assert "Export queued" in page
    assert "alice" in page


def test_a_batch_shows_its_codes_as_they_are_now(desk: Desk, batch: Batch) -> None:
    page = html(desk.client.get(f"{PAGE}{batch.pk}/"))

    assert "Exported: 2 cost codes" in page
    assert "01-100" in page
    assert "=SUM(A1) is closed." in page
    assert "E-17" in page


def test_a_batch_still_knows_its_codes_after_a_later_click(desk: Desk, batch: Batch) -> None:
    desk.post("reject/", filter="all")

    page = html(desk.client.get(f"{PAGE}{batch.pk}/"))

    assert "01-100" in page
    assert "01-200" in page


def test_the_csv_is_safe_to_open_in_a_spreadsheet(desk: Desk, batch: Batch) -> None:
    factories.SegmentItem.objects.filter(full_code="01-100").update(description="x")
    CodeExport.objects.filter(code="01-100").update(description="=HYPERLINK(1)")

    response = desk.client.get(f"{PAGE}{batch.pk}/codes.csv")

    header, first, second = csv.reader(io.StringIO(html(response).removeprefix("\ufeff")))
    assert header[0] == "Cost Code"
    assert first[:3] == ["01-100", "'=HYPERLINK(1)", "4000 Contract Revenue"]
    assert second[4] == "Failed: =SUM(A1) is closed."
    assert "attachment" in response.headers["Content-Disposition"]


@pytest.mark.parametrize("start", ["+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20", "'="])
def test_nor_does_a_cell_begin_as_a_formula_may(desk: Desk, batch: Batch, start: str) -> None:
    """The same signs as in the export of the list."""
    CodeExport.objects.filter(code="01-100").update(description=f"{start}1", detail=f"{start}2")

    response = desk.client.get(f"{PAGE}{batch.pk}/codes.csv")

    _, first, _ = csv.reader(io.StringIO(html(response).removeprefix("\ufeff")))
    assert (first[1], first[5]) == (f"'{start}1", f"'{start}2")


def test_a_rejection_can_be_undone_from_here(desk: Desk) -> None:
    desk.ready("01-100")
    desk.post("reject/")
    batch = Batch.objects.get(kind=Batch.Kind.REJECT)

    assert f"batches/{batch.pk}/undo/" in html(desk.client.get(f"{PAGE}{batch.pk}/"))
    assert "Undo" not in html(desk.client_of(factories.make_bob()).get(f"{PAGE}{batch.pk}/"))


def test_the_trail_is_paged_and_only_this_connections(desk: Desk) -> None:
    row = desk.ready("01-100")
    for number in range(150):
        audit.record(row.company, None, f"export.n{number}", row, kind="export")
    other = factories.make_connection(desk.alice.company, slug="other", name="Other")
    audit.record(row.company, None, "connection.elsewhere", other)

    first = desk.client.get(PAGE)
    second = desk.client.get(f"{PAGE}?before={first.context['events'][-1].pk}")

    assert "Export n149" in html(first)
    assert "Export n0<" not in html(first)
    assert "Export n0<" in html(second)
    assert "elsewhere" not in html(first)


@pytest.mark.parametrize("query", ["?page=x", "?before=x", "?page=999", "?before=99999999999999999999"])
def test_a_query_without_sense_shows_the_newest(desk: Desk, batch: Batch, query: str) -> None:
    assert "Export queued" in html(desk.client.get(PAGE + query))


@pytest.mark.parametrize("path", ["", "{pk}/", "{pk}/codes.csv"])
def test_bob_may_read_charlie_finds_nothing(desk: Desk, batch: Batch, path: str) -> None:
    address = PAGE + path.format(pk=batch.pk)

    assert desk.client_of(factories.make_bob()).get(address).status_code == 200
    assert desk.client_of(factories.make_charlie()).get(address).status_code == 404
    assert desk.client.post(address).status_code == 405
