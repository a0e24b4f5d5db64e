"""Whose an item of QuickBooks is: its ExternalGUID is made of our reference, or another program's."""

from __future__ import annotations

import pytest
from django.test import Client

from exports import queue, services
from exports.models import CodeExport
from exports.queue.ownership import CARRIES, ITS, LOST
from tests import factories
from tests.exports.web_connector.conftest import INCOME, Office

pytestmark = [pytest.mark.django_db, pytest.mark.either]
ANOTHER_PROGRAMS = "{0D1F8A52-6E0B-4C39-9A4E-7C1B2D3E4F50}"


def meet(office: Office, name: str, code: str) -> CodeExport:
    """Someone renames an item to a code that is exported then."""
    office.quickbooks.change_item(office.quickbooks.item(name), name=code)
    office.queue(code)
    office.poll()
    return office.row(code)


def page(office: Office, row: CodeExport) -> str:
    client = Client()
    client.force_login(office.alice.user)
    return client.get(
        f"/companies/sample-builders/erp-integrations/quickbooks/standard-cost-codes/{row.pk}/"
    ).content.decode()


def test_the_code_that_the_item_was_made_for_is_named(office: Office) -> None:
    office.queue("01-100")
    office.poll()
    assert office.states()["01-100"] == "SUCCESS"

    row = meet(office, "01-100", "01-200")

    assert (row.status, queue.why_anothers_of(row)) == ("ATTENTION", CARRIES.format(code="01-100"))
    assert CARRIES.format(code="01-100") in page(office, row)


def test_another_companys_code_is_not_named(office: Office) -> None:
    office.queue("01-100")
    office.poll()
    theirs = factories.make_connection(factories.make_charlie().company, name="Theirs", slug="theirs")
    factories.make_export("09-900", theirs, reference=office.row("01-100").reference)
    CodeExport.objects.filter(code="01-100").update(
        reference="c0ffee-1", remote_id=None, status="REJECTED", cause="rejected"
    )

    row = meet(office, "01-100", "01-200")

    assert queue.why_anothers_of(row) == LOST


def test_an_identifier_of_nobody_here_may_be_another_programs(office: Office) -> None:
    office.poll()
    office.quickbooks.add_item("Service", "01-100", income_account=INCOME, external_guid=ANOTHER_PROGRAMS)
    office.queue("01-100")
    office.poll()
    row = office.row("01-100")

    assert row.message == (
        "The ERP already has an item 01-100, but it carries the identifier of another cost code or another program."
    )
    assert queue.why_anothers_of(row) == LOST
    assert "or from another program." in page(office, row)


def test_the_item_of_a_linked_code_is_known_by_its_id_whatever_it_carries(office: Office) -> None:
    office.poll()
    item = office.quickbooks.add_item("Service", "01-100", income_account=INCOME, external_guid=ANOTHER_PROGRAMS)
    office.queue("01-100")
    office.poll()
    services.link_at_next_call(office.alice, office.row("01-100"), item.list_id, LOST)
    office.poll()
    assert office.states()["01-100"] == "SUCCESS"

    row = meet(office, "01-100", "01-200")

    assert (row.status, queue.why_anothers_of(row)) == ("ATTENTION", ITS.format(code="01-100"))


def test_what_a_synced_item_carries_by_now_is_not_its_own_code(office: Office) -> None:
    office.queue("01-100")
    office.poll()
    row = office.row("01-100")
    row.erp_values = {**row.receipt, "is_ours": False, "owner": ANOTHER_PROGRAMS.strip("{}").lower()}

    assert queue.why_anothers_of(row) == LOST
