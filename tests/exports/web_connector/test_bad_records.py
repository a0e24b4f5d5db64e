"""One bad character or record in QuickBooks' answers, one code that spoils a look-up: the others never suffer."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client

from exports import services
from exports.models import CodeExport
from exports.queue.decisions import AGAIN
from exports.web_connector import answers
from exports.web_connector.models import Poll
from tests.exports.web_connector.conftest import INCOME, Office, at_the_export
from tests.exports.web_connector.referee import check_all_arrived, check_books
from tests.quickbooks.company import QuickBooks
from tests.quickbooks.transports import RawTransport, ZeepTransport

pytestmark = [pytest.mark.django_db, pytest.mark.either]
CODES = tuple(f"01-{number}" for number in range(300, 310))


def others(office: Office, *but: str) -> set[str]:
    return {status for code, status in office.states().items() if code not in but}


class TestCharactersThatXmlForbids:
    @pytest.mark.parametrize("transport", [RawTransport, ZeepTransport])
    def test_in_an_item_they_are_replaced_and_the_item_is_named(self, office: Office, transport: Any) -> None:
        office.queue(*CODES)
        office.quickbooks.add_item("Service", "01-300", sales_desc="Pasted from Word \x0b second line")

        office.poll(transport)

        row = office.row("01-300")
        assert row.status == "ATTENTION"
        assert "“01-300” has characters that no answer may carry" in row.detail
        assert row.receipt["description"] == "Pasted from Word \ufffd second line"
        assert "01-300" in Poll.objects.first().detail  # type: ignore[union-attr]
        assert others(office, "01-300") == {"SUCCESS"}
        check_books(office.quickbooks, by_hand=1)

    def test_in_an_account_they_are_replaced_and_the_account_is_named(self, office: Office) -> None:
        office.quickbooks.add_account("Pasted\x1aName", "Income", number="4950")

        office.poll()

        assert office.connection.gl_accounts.get(number="4950").name == "Pasted\ufffdName"
        assert office.connection.gl_accounts.count() == len(office.quickbooks.accounts)
        assert "“Pasted\ufffdName”" in Poll.objects.first().detail  # type: ignore[union-attr]

    def test_raw_ones_in_the_envelope_are_too(self, office: Office) -> None:
        """The connector writes what it was given."""
        office.queue(*CODES)
        office.quickbooks.add_item("Service", "01-300", sales_desc="Pasted \x0b text")
        connector = office.connector()
        assert connector.open()
        assert connector.fetch()
        connector.run()
        connector.response = connector.response.replace("&#11;", "\x0b")

        assert connector.deliver()

        assert office.row("01-300").status == "ATTENTION"


class TestRecordsThatCannotBeRead:
    def test_an_item_without_a_good_id_takes_its_own_code_alone(self, office: Office) -> None:
        office.queue(*CODES)
        item = office.quickbooks.add_item("Service", "01-300")
        office.quickbooks.add_item("Service", "01-301")
        office.quickbooks.change_item(item, list_id="8" * 10_000)

        office.poll()

        row = office.row("01-300")
        assert row.status == "ATTENTION"
        assert row.message.startswith("QuickBooks' record of it cannot be read: ItemServiceRet with a ListID of 10000")
        assert services.link_at_next_call(office.alice, row, "").count == 0
        assert others(office, "01-300", "01-301") == {"SUCCESS"}
        assert "“01-300” was left out" in Poll.objects.first().detail  # type: ignore[union-attr]

    def test_an_account_without_a_good_id_is_left_out_and_named(self, office: Office) -> None:
        account = office.quickbooks.add_account("Broken", "Income")
        account.list_id = "8" * 10_000

        office.poll()

        assert office.connection.gl_accounts.count() == len(office.quickbooks.accounts) - 1
        assert "“Broken” was left out" in Poll.objects.first().detail  # type: ignore[union-attr]
        assert office.refreshed().state == "active"

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('statusCode="0"', 'statusCode="zero"'),
            ("<ListID>{id}", "<ListID>" + "8" * 10_000),
            ("<ListID>{id}", "<ListID>"),
        ],
    )
    def test_in_the_answer_to_an_export_it_leaves_its_own_code_in_doubt(
        self, office: Office, old: str, new: str
    ) -> None:
        office.queue(*CODES)
        connector = at_the_export(office)
        connector.run()
        old = old.format(id=office.quickbooks.item("01-300").list_id)
        assert old in connector.response
        connector.response = connector.response.replace(old, new, 1)

        assert connector.deliver()

        assert office.states()["01-300"] == "UNKNOWN"
        assert others(office, "01-300") == {"SUCCESS"}
        while connector.fetch():
            connector.run()
            if not connector.deliver():
                break
        check_all_arrived(office.quickbooks, len(CODES))


class Picky(QuickBooks):
    """Answers no question in which one of these names stands."""

    spoilers: tuple[str, ...] = ("01-304",)
    asked: int = 0

    def run(self, qbxml: str) -> str:
        if "ItemQueryRq" in qbxml:
            self.asked += 1
            if any(f"<FullName>{name}</FullName>" in qbxml for name in self.spoilers):
                return "<QBXML><QBXMLMsgsRs>"
        return super().run(qbxml)


@pytest.fixture
def picky(office: Office) -> Office:
    office.quickbooks.__class__ = Picky
    return office


def poll_until(office: Office, *, most: int) -> int:
    """Polls until none of the codes waits; how many it took."""
    for number in range(1, most + 1):
        office.poll()
        if not CodeExport.objects.filter(status__in=["QUEUED", "EXPORTING", "UNKNOWN"]).exists():
            return number
        CodeExport.objects.filter(due_at__gt=Now()).update(due_at=Now())
    raise AssertionError(office.states())


class TestALookUpThatOneCodeSpoils:
    def test_the_others_arrive_with_the_second_poll(self, picky: Office) -> None:
        picky.queue(*CODES)

        picky.poll()
        assert set(picky.states().values()) == {"QUEUED"}
        assert picky.quickbooks.items == []
        picky.poll()

        assert others(picky, "01-304") == {"SUCCESS"}
        row = picky.row("01-304")
        assert (row.status, row.tries) == ("UNKNOWN", 1)
        assert row.message == f"QuickBooks gave an answer that cannot be read. {AGAIN.replace('tried', 'asked')}"
        assert picky.quickbooks.asked < 16  # type: ignore[attr-defined]

    def test_the_one_is_asked_about_a_few_times_and_then_left_to_a_person(self, picky: Office, settings: Any) -> None:
        settings.EXPORT_MAX_TRIES = 3
        picky.queue(*CODES)

        poll_until(picky, most=6)

        row = picky.row("01-304")
        assert row.status == "ATTENTION"
        assert row.message.startswith("The ERP did not tell whether it has it. QuickBooks gave an answer")
        assert others(picky, "01-304") == {"SUCCESS"}
        assert picky.refreshed().state == "active"
        check_books(picky.quickbooks)

    def test_it_holds_up_nothing_that_is_queued_later(self, picky: Office) -> None:
        picky.queue(*CODES)
        picky.poll()
        picky.poll()
        CodeExport.objects.filter(due_at__gt=Now()).update(due_at=Now())
        picky.queue("02-100", "02-200")

        picky.poll()

        assert others(picky, "01-304") == {"SUCCESS"}

    def test_several_are_all_found(self, picky: Office, settings: Any) -> None:
        settings.EXPORT_MAX_TRIES = 3
        picky.quickbooks.spoilers = ("01-300", "01-301", "01-305", "01-309")  # type: ignore[attr-defined]
        picky.queue(*CODES)

        poll_until(picky, most=12)

        assert {code for code, status in picky.states().items() if status == "ATTENTION"} == set(
            picky.quickbooks.spoilers  # type: ignore[attr-defined]
        )
        assert others(picky, *picky.quickbooks.spoilers) == {"SUCCESS"}  # type: ignore[attr-defined]

    def test_more_of_them_than_a_poll_asks_about_keep_no_other_back(self, picky: Office) -> None:
        """However long it is until the next poll: they are due again by then."""
        spoilers = CODES[: answers.MOST_UNANSWERED]
        picky.quickbooks.spoilers = spoilers  # type: ignore[attr-defined]
        picky.queue(*CODES)

        for _ in range(3):
            picky.poll()
            CodeExport.objects.filter(due_at__gt=Now()).update(due_at=Now())

        assert others(picky, *spoilers) == {"SUCCESS"}
        assert (picky.refreshed().state, picky.refreshed().failures_in_a_row) == ("active", 1)

    def test_when_nothing_is_ever_answered_the_connection_needs_attention(self, picky: Office, settings: Any) -> None:
        settings.EXPORT_MAX_TRIES = 4
        picky.quickbooks.spoilers = CODES  # type: ignore[attr-defined]
        picky.queue(*CODES)

        for _ in range(4):
            picky.poll()
            CodeExport.objects.filter(due_at__gt=Now()).update(due_at=Now())

        connection = picky.refreshed()
        assert connection.state == "broken"
        assert connection.state_message.startswith("QuickBooks gave an answer that cannot be read.")
        assert picky.quickbooks.asked < 40  # type: ignore[attr-defined]


class TestAnInactiveItemOfSomeoneElse:
    @pytest.fixture(params=[True, False], ids=["by name", "among the inactive"])
    def inactive(self, queued: Office, request: pytest.FixtureRequest) -> Office:
        queued.quickbooks.names_find_inactive = request.param
        queued.quickbooks.add_item("Service", "01-100", sales_desc="Theirs", is_active=False, income_account=INCOME)
        queued.poll()
        return queued

    def test_it_is_told_what_to_do_and_not_that_it_differs(self, inactive: Office) -> None:
        row = inactive.row("01-100")

        assert row.status == "ATTENTION"
        assert row.message == "It is inactive in QuickBooks: make it active or rename the code, then retry."
        check_books(inactive.quickbooks, by_hand=1)

    def test_values_that_were_not_asked_for_are_not_known(self, inactive: Office) -> None:
        known = "Theirs" if inactive.quickbooks.names_find_inactive else None

        assert inactive.row("01-100").receipt["description"] == known

    def test_its_page_compares_only_what_is_known(self, inactive: Office, client: Client) -> None:
        client.force_login(inactive.alice.user)
        address = "/companies/sample-builders/erp-integrations/quickbooks/standard-cost-codes/"

        page = client.get(f"{address}{inactive.row('01-100').pk}/").content.decode()

        table = page.partition("Here and in the ERP")[2].partition("</table>")[0]
        assert ("01-100" in table, "None" in table) == (True, False)
        known = inactive.quickbooks.names_find_inactive
        assert ("differs" in table, "Theirs" in table, "Income" in table) == (known, known, known)

    def test_it_cannot_be_linked_before_it_is_active(self, inactive: Office) -> None:
        row, item = inactive.row("01-100"), inactive.quickbooks.item("01-100")
        assert services.link_at_next_call(inactive.alice, row, item.list_id).problems[0].sentence == row.message
        inactive.quickbooks.change_item(item, is_active=True)

        services.retry_codes(inactive.alice, inactive.connection, [row.pk])
        inactive.poll()
        row = inactive.row("01-100")
        assert services.link_at_next_call(inactive.alice, row, item.list_id).count == 1
        inactive.poll()

        assert inactive.row("01-100").status == "SUCCESS"
        check_books(inactive.quickbooks, by_hand=1)

    def test_one_that_becomes_inactive_before_it_is_linked_is_no_success(self, queued: Office) -> None:
        item = queued.quickbooks.add_item("Service", "01-100")
        queued.poll()
        services.link_at_next_call(queued.alice, queued.row("01-100"), item.list_id)
        queued.quickbooks.change_item(item, is_active=False)

        queued.poll()

        row = queued.row("01-100")
        assert (row.status, row.remote_id) == ("ATTENTION", None)
        assert "inactive in QuickBooks" in row.message

    def test_ours_that_someone_made_inactive_says_it_too(self, queued: Office) -> None:
        queued.poll()
        queued.quickbooks.names_find_inactive = False
        queued.quickbooks.change_item(queued.quickbooks.item("01-100"), is_active=False)
        CodeExport.objects.filter(code="01-100").update(status="QUEUED", remote_id=None, receipt=None)

        queued.poll()

        assert queued.row("01-100").message.startswith("It is inactive in QuickBooks")
