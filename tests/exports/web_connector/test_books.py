"""What is in the company file already, and whose file it is."""

from __future__ import annotations

from uuid import uuid4

import pytest

from companies.models import AuditEvent
from exports import queue, services
from exports.queue.ownership import LOST
from tests.exports.web_connector.conftest import Office, at_the_export
from tests.exports.web_connector.referee import check_books
from tests.quickbooks.company import QuickBooks

pytestmark = [pytest.mark.django_db, pytest.mark.either]


class TestWhatIsThereAlready:
    def test_it_is_linked_although_an_account_of_the_code_fits_no_more(self, queued: Office) -> None:
        """Nothing of ours is sent to it, accounts least of all."""
        item = queued.quickbooks.add_item("Service", "01-100")
        queued.poll()
        queued.connection.gl_accounts.update(is_active=False)
        assert services.link_at_next_call(queued.alice, queued.row("01-100"), item.list_id).count == 1

        queue.sweep()
        queued.poll()

        row = queued.row("01-100")
        assert (row.status, row.remote_id) == ("SUCCESS", item.list_id)

    def test_a_service_item_of_someone_elses_needs_review_and_can_be_linked(self, queued: Office) -> None:
        item = queued.quickbooks.add_item("Service", "01-100", sales_desc="Made by hand")

        queued.poll()

        row = queued.row("01-100")
        assert row.status == "ATTENTION"
        assert row.receipt["remote_id"] == item.list_id
        assert item.sales_desc == "Made by hand"
        assert services.link_at_next_call(queued.alice, row, item.list_id).count == 1
        assert queued.row("01-100").status == "QUEUED", "it is read again first"
        queued.poll()
        assert (queued.row("01-100").status, queued.row("01-100").remote_id) == ("SUCCESS", item.list_id)
        check_books(queued.quickbooks, by_hand=1)

    def test_an_item_under_anothers_reference_is_linked_only_when_just_that_is_confirmed(self, queued: Office) -> None:
        item = queued.quickbooks.add_item("Service", "01-100", external_guid=f"{{{uuid4()}}}")
        queued.poll()
        row = queued.row("01-100")
        assert "carries the identifier of another cost code or another program" in row.message

        refused = services.link_at_next_call(queued.alice, row, item.list_id)
        assert (refused.count, queued.row("01-100").status) == (0, "ATTENTION")
        assert LOST in refused.problems[0].sentence
        assert services.link_at_next_call(queued.alice, row, item.list_id, LOST).count == 1
        queued.poll()

        assert (queued.row("01-100").status, queued.row("01-100").remote_id) == ("SUCCESS", item.list_id)
        told = AuditEvent.objects.filter(subject="export", subject_id=row.pk, new__endswith=LOST)
        assert [event.new.split(":")[0] for event in told.order_by("id")] == ["Queued", "Success"]

    def test_what_looks_like_anothers_only_when_it_is_read_again_is_not_linked(self, queued: Office) -> None:
        item = queued.quickbooks.add_item("Service", "01-100")
        queued.poll()
        services.link_at_next_call(queued.alice, queued.row("01-100"), item.list_id)
        item.external_guid = f"{{{uuid4()}}}"

        queued.poll()

        row = queued.row("01-100")
        assert (row.status, row.message, row.link_to) == ("ATTENTION", LOST, "")

    @pytest.mark.parametrize("none", [None, "", "0", "{00000000-0000-0000-0000-000000000000}"])
    def test_no_guid_is_no_reference(self, queued: Office, none: str | None) -> None:
        item = queued.quickbooks.add_item("Service", "01-100", external_guid=none)
        queued.poll()

        assert services.link_at_next_call(queued.alice, queued.row("01-100"), item.list_id).count == 1

    def test_an_item_that_is_gone_when_it_is_to_be_linked_is_not_made_anew(self, queued: Office) -> None:
        item = queued.quickbooks.add_item("Service", "01-100")
        queued.poll()
        services.link_at_next_call(queued.alice, queued.row("01-100"), item.list_id)
        queued.quickbooks.delete_item(item)

        queued.poll()

        row = queued.row("01-100")
        assert (row.status, row.link_to) == ("ATTENTION", "")
        assert "no longer has" in row.message
        check_books(queued.quickbooks)

    @pytest.mark.parametrize("kind", ["NonInventory", "OtherCharge", "Inventory"])
    def test_an_item_of_another_type_cannot_be_linked_and_says_why(self, queued: Office, kind: str) -> None:
        queued.quickbooks.add_item(kind, "01-100")

        queued.poll()

        row = queued.row("01-100")
        assert row.status == "ATTENTION"
        assert row.receipt["obstacle"]
        assert services.link_at_next_call(queued.alice, row, row.receipt["remote_id"]).count == 0
        check_books(queued.quickbooks, by_hand=1)

    def test_names_differ_by_more_than_case(self, office: Office) -> None:
        office.quickbooks.add_item("Service", "01-a")
        office.queue("01-A")

        office.poll()

        assert office.states() == {"01-A": "ATTENTION"}
        check_books(office.quickbooks, by_hand=1)

    def test_an_inactive_item_keeps_its_name(self, queued: Office) -> None:
        queued.quickbooks.add_item("Service", "01-100", is_active=False)

        queued.poll()

        assert queued.row("01-100").status == "ATTENTION"
        check_books(queued.quickbooks, by_hand=1)

    def test_an_item_that_appears_after_the_look_up_is_not_doubled(self, queued: Office) -> None:
        connector = at_the_export(queued)
        queued.quickbooks.add_item("Service", "01-100")
        while True:
            connector.run()
            if not (connector.deliver() and connector.fetch()):
                break

        assert queued.states() == {"01-100": "ATTENTION", "01-200": "SUCCESS", "02-100": "SUCCESS"}
        check_books(queued.quickbooks, by_hand=1)


class TestTheCompanyFile:
    def test_a_foreign_file_stops_the_poll_and_nothing_is_written(self, queued: Office) -> None:
        foreign = QuickBooks(
            "Someone Else Inc", owner_id=queued.quickbooks.owner_id, file_id="{00000000-0000-0000-0000-000000000001}"
        )
        connector = queued.connector()
        connector.quickbooks = foreign

        report = connector.poll()

        assert report.requests == []
        assert "Someone Else Inc" in (report.last_error or "")
        assert "Open the right company file" in (report.last_error or "")
        assert foreign.journal == []
        assert set(queued.states().values()) == {"QUEUED"}
        assert "Someone Else Inc" in queued.refreshed().state_message

    def test_a_file_without_our_stamp_is_foreign_too(self, queued: Office) -> None:
        connector = queued.connector()
        connector.quickbooks = QuickBooks("Unstamped Inc")

        assert connector.poll().requests == []

    def test_a_quickbooks_that_is_too_old_is_told_so(self, queued: Office) -> None:
        queued.quickbooks.newest_version = "12.0"

        report = queued.poll()

        assert "QuickBooks Desktop 2014" in (report.last_error or "")
