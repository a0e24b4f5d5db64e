"""A poll as it should go: what is asked, in which order, in how many calls."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from erp_integrations.models import Connection
from exports import services
from exports.models import Attempt, CodeExport
from exports.web_connector.models import Message, Poll
from tests import factories
from tests.cost_codes import listed_codes
from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.referee import check_all_arrived, check_books
from tests.quickbooks.transports import RawTransport, ZeepTransport

pytestmark = pytest.mark.django_db
both_transports = pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])


@both_transports
def test_the_first_poll_brings_the_chart_of_accounts(office: Office, transport: Any) -> None:
    report = office.poll(transport)

    assert report.outcome == "work"
    assert report.percents == [100]
    accounts = office.connection.gl_accounts
    assert accounts.count() == len(office.quickbooks.accounts)
    assert not accounts.get(name="Freight (old)").is_active
    assert office.refreshed().gl_accounts_synced_at


def test_without_work_there_is_none(office: Office) -> None:
    office.poll()

    report = office.poll()

    assert report.outcome == "none"
    assert report.operations == ["serverVersion", "clientVersion", "authenticate", "closeConnection"]
    assert Poll.objects.count() == 1, "a poll without work leaves no row"


@both_transports
def test_codes_are_looked_up_and_then_added(office: Office, transport: Any) -> None:
    office.queue("01-100", "01-200", "02-100")

    report = office.poll(transport)

    look_up, add = report.requests
    assert "ItemQueryRq" in look_up
    assert "newMessageSetID" not in look_up
    assert add.count("<ItemServiceAdd>") == 3
    assert add.isascii()
    assert report.percents[-1] == 100
    assert all(0 < percent < 100 for percent in report.percents[:-1])
    assert report.closed == "3 Success."
    check_all_arrived(office.quickbooks, 3)


def test_the_exact_document_is_stored_before_it_is_handed_out(office: Office) -> None:
    office.queue("01-100")
    connector = office.connector()
    connector.open()
    connector.fetch()
    connector.run()
    connector.deliver()

    connector.fetch()

    message = Message.objects.get(answered_at=None)
    assert message.text == connector.request
    assert len(message.key) == 22
    assert f'newMessageSetID="{message.key}"' in message.text
    assert office.states() == {"01-100": "EXPORTING"}
    assert Attempt.objects.get().outcome == ""


def test_the_next_message_lets_quickbooks_forget_the_one_before(office: Office) -> None:
    Connection.objects.update(options={"codes_per_message": 1})
    office.queue("01-100", "01-200", "01-300")

    office.poll()

    assert len(office.quickbooks.message_sets.stored) == 1
    check_all_arrived(office.quickbooks, 3)


def test_sync_gl_accounts_has_them_read_at_the_next_call(office: Office) -> None:
    office.poll()
    office.quickbooks.add_account("Solar Income", "Income", number="4500")

    office.connection.ask_for_gl_accounts()
    report = office.poll()

    assert "AccountQueryRq" in report.requests[0]
    assert office.connection.gl_accounts.filter(name="Solar Income").exists()
    assert office.poll().outcome == "none"


def test_an_income_account_alone_makes_a_one_sided_item(office: Office) -> None:
    office.poll()
    office.send("01-100")
    office.accept(expense=False)

    office.poll()

    item = office.quickbooks.item("01-100")
    assert (item.is_two_sided, item.expense) == (False, None)
    check_all_arrived(office.quickbooks, 1)


def test_what_quickbooks_has_under_our_reference_is_ours(office: Office) -> None:
    """Success without a second item, as after a restored backup of ours."""
    office.queue("01-100")
    office.poll()
    CodeExport.objects.update(status="QUEUED", remote_id=None, receipt=None)

    office.poll()

    check_all_arrived(office.quickbooks, 1)


class TestTiers:
    def test_divisions_come_before_what_lies_below_them(self, tiered_office: Office) -> None:
        office = tiered_office
        office.queue("01-10-100", "01-10-200", "02-100")

        office.poll()

        names = [item.full_name for item in office.quickbooks.items]
        assert set(names) == {"01", "01:10", "01:10:100", "01:10:200", "02", "02:100"}
        assert names.index("01") < names.index("01:10") < names.index("01:10:100")
        check_all_arrived(office.quickbooks, 6)

    def test_what_is_below_a_refused_division_is_refused_with_its_name(self, tiered_office: Office) -> None:
        office = tiered_office
        office.queue("01-100")
        office.quickbooks.delete_account("Job Costs:Materials & Supplies")
        office.poll()
        CodeExport.objects.filter(code="01-100").update(expense_account=None)
        services.retry_codes(office.alice, office.connection, [office.row("01-100").pk])

        office.poll()

        assert office.states() == {"01": "FAILED", "01-100": "FAILED"}
        assert "01" in office.row("01-100").message

    def test_a_code_without_its_division_is_told_when_it_is_sent(self, tiered_office: Office) -> None:
        office = tiered_office
        item = factories.make_cost_code("01-100")

        result = services.send_codes(office.dora, office.connection, [item.pk])

        assert result.count == 0
        assert result.problems[0].sentence == "It goes below its division, which is not sent. Send the division too."
        assert services.send_codes(office.dora, office.connection, [item.pk, item.parent_id]).count == 2

    def test_a_division_that_stays_keeps_what_lies_below_it(self, tiered_office: Office) -> None:
        office = tiered_office
        bad = factories.make_cost_code("9" * 32 + "-100")

        result = services.send_codes(office.dora, office.connection, [bad.pk, bad.parent_id])

        assert result.count == 0
        assert {problem.id for problem in result.problems} == {bad.pk, bad.parent_id}


@pytest.mark.parametrize("names", [pytest.param("code", marks=pytest.mark.slow), "tiers"])
def test_the_whole_list_goes_in_one_poll_of_few_calls(db: None, names: str) -> None:
    """Those that break a rule are named before; divisions are codes too where tiers are exported."""
    office = Office(item_names=names)
    office.poll()
    codes, tiers, portion = listed_codes(), 2, 20
    for code, description in codes.items():
        factories.make_cost_code(code, description)
    sent = services.send_codes(office.dora, office.connection, None)
    number = office.accept()

    report = office.poll()

    assert sent.count == number
    assert number == CodeExport.objects.count()
    assert sent.problems == []
    if names == "code":
        assert number == len(leaves(codes))
    else:
        assert number >= len(codes)
    assert report.soap_calls <= 2 * ceil(number / portion) + 2 * tiers + 12
    check_all_arrived(office.quickbooks, number)


def leaves(codes: dict[str, str]) -> set[str]:
    return {code for code in codes if not any(other.startswith(f"{code}-") for other in codes)}


def test_a_poll_takes_as_many_queries_for_forty_codes_a_message_as_for_four(office: Office) -> None:
    counts = {}
    for size in (4, 40):
        Connection.objects.update(options={"codes_per_message": size})
        office.queue(*(f"{size}-{number:03}" for number in range(size)))
        connector = office.connector()
        counts[size] = [queries_of(step, connector) for step in ("open", "fetch", "deliver", "fetch", "deliver")]

    assert counts[4] == counts[40]
    assert max(counts[40]) <= 40


def queries_of(step: str, connector: Any) -> int:
    if step == "deliver":
        connector.run()
    with CaptureQueriesContext(connection) as captured:
        getattr(connector, step)()
    words = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return len([query for query in captured.captured_queries if not query["sql"].startswith(words)])


def test_books_are_checked(office: Office) -> None:
    """The referee sees what is wrong."""
    office.queue("01-100")
    office.poll()
    office.quickbooks.item("01-100").sales_desc = "Something else"

    with pytest.raises(AssertionError):
        check_books(office.quickbooks)


def test_export_history_tells_how_each_call_went(office: Office, client: Client) -> None:
    office.queue("01-100")
    office.poll(connection_errors=1)
    office.poll()
    client.force_login(office.alice.user)

    page = client.get("/companies/sample-builders/erp-integrations/quickbooks/history/").content.decode()

    assert "Calls of the Web Connector" in page
    assert "1 Success." in page
    assert "QuickBooks could not be started. It is tried again by itself." in page
    assert "0x80040408 Could not open QuickBooks." in page
