"""What can go wrong between QuickBooks and us. Always: one item per code, none lost, no false Success."""

from __future__ import annotations

from typing import Any

import pytest

from exports import queue
from exports.models import Attempt, CodeExport
from exports.web_connector import handing_out, sessions
from exports.web_connector.models import Message, Poll
from tests.exports.web_connector.conftest import CODES, EXPENSE, Office, at_the_export
from tests.exports.web_connector.referee import check_all_arrived
from tests.quickbooks.company import QuickBooks

pytestmark = pytest.mark.django_db


class TestALostAnswer:
    """QuickBooks has committed, we do not know."""

    def test_the_same_session_asks_again(self, queued: Office) -> None:
        connector = at_the_export(queued)
        connector.run()
        first = connector.request

        assert connector.fetch()
        again = connector.request
        connector.run()
        connector.deliver()

        assert again == first
        check_all_arrived(queued.quickbooks, 3)

    def test_a_new_session_asks_first_what_became_of_it(self, queued: Office) -> None:
        at_the_export(queued).run()
        lost = Message.objects.get(answered_at=None)

        report = queued.poll()

        assert report.requests[0] == lost.text
        assert report.percents[-1] == 100
        check_all_arrived(queued.quickbooks, 3)
        assert set(Attempt.objects.values_list("outcome", flat=True)) == {"exported"}

    def test_meanwhile_the_codes_are_being_checked(self, queued: Office) -> None:
        at_the_export(queued).run()

        queued.connector().open()

        assert set(queued.states().values()) == {"UNKNOWN"}

    def test_our_server_restarts_in_between(self, queued: Office) -> None:
        """Nothing is kept but rows: another process answers with other objects."""
        connector = at_the_export(queued)
        connector.run()
        other = queued.connector()
        other._begin()
        other.ticket, other.response, other.messages = connector.ticket, connector.response, connector.messages

        other.deliver()

        check_all_arrived(queued.quickbooks, 3)

    def test_the_sweep_tells_it_when_the_ticket_has_run_out(self, queued: Office, settings: Any) -> None:
        at_the_export(queued).run()
        queued.connection.refresh_from_db()
        type(queued.connection).objects.update(lease_until="2020-01-01T00:00:00Z")

        queue.sweep()

        assert set(queued.states().values()) == {"UNKNOWN"}
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)

    def test_quickbooks_has_no_record_of_the_message(self, queued: Office) -> None:
        """Restored from a backup, say: each code is looked up by name, the absent ones are added."""
        at_the_export(queued).run()
        queued.quickbooks.message_sets.stored.clear()
        queued.quickbooks.message_sets.answer = forgetful(queued.quickbooks)  # type: ignore[method-assign]
        queued.quickbooks.delete_item(queued.quickbooks.item("02-100"))

        queued.poll()

        assert set(queued.states().values()) == {"SUCCESS"}
        assert sorted(item.name for item in queued.quickbooks.items) == sorted(CODES)

    def test_the_message_never_reached_quickbooks(self, queued: Office) -> None:
        at_the_export(queued)

        queued.poll()

        check_all_arrived(queued.quickbooks, 3)

    def test_the_answer_arrived_but_its_receipt_did_not(self, queued: Office) -> None:
        report = queued.poll(lose_answer=2)

        assert report.outcome == "died"
        check_all_arrived(queued.quickbooks, 3)
        assert queued.poll().outcome == "none"


def forgetful(quickbooks: QuickBooks) -> Any:
    """Answers 600 to the first message with a name, as QuickBooks does where it knows nothing of it."""
    from lxml import etree

    answer, asked = type(quickbooks.message_sets).answer, []

    def forget(message: Any, execute: Any) -> Any:
        name = message.get("newMessageSetID")
        if name and not asked:
            asked.append(name)
            return etree.Element("QBXMLMsgsRs", newMessageSetID=name, messageSetStatusCode="600")
        return answer(quickbooks.message_sets, message, execute)

    return forget


def test_an_answer_that_is_delivered_twice_counts_once(queued: Office) -> None:
    report = queued.poll(deliver_twice=True)

    assert report.percents[0::2] == report.percents[1::2]
    check_all_arrived(queued.quickbooks, 3)
    assert {row.moves for row in CodeExport.objects.all()} == {3}  # queued, exporting, success


class TestTwoConnectors:
    def test_the_later_one_takes_over_and_nothing_is_added_twice(self, queued: Office) -> None:
        first = at_the_export(queued)
        second = queued.connector()
        assert second.open()
        first.run()

        assert not first.deliver()
        while second.fetch():
            second.run()
            if not second.deliver():
                break
        second.close()

        assert first.report.last_error == sessions.TAKEN_OVER
        check_all_arrived(queued.quickbooks, 3)

    def test_they_take_the_work_from_each_other_and_it_still_ends(self, office: Office) -> None:
        office.queue(*(f"01-{number}" for number in range(100, 180)))
        for _ in range(20):
            connector = office.connector()
            for _ in range(3) if connector.open() else ():
                if connector.fetch():
                    connector.run()
                    connector.deliver()
            if connector.open() and connector.fetch():
                connector.run()  # and dies with the answer

        check_all_arrived(office.quickbooks, 80)


class TestUnreadableAnswers:
    def test_an_answer_that_is_cut_short_is_asked_for_again(self, queued: Office) -> None:
        connector = at_the_export(queued)
        connector.faults.truncate_response = 300
        connector.run()
        assert connector.deliver()
        connector.faults.truncate_response = None

        while connector.fetch():
            connector.run()
            if not connector.deliver():
                break

        check_all_arrived(queued.quickbooks, 3)

    def test_an_answer_that_is_always_cut_short_ends_in_looking_up_by_name(self, queued: Office) -> None:
        connector = at_the_export(queued)
        connector.faults.truncate_response = 300
        for _ in range(handing_out.TIMES):
            connector.run()
            connector.deliver()
            connector.fetch()
        connector.faults.truncate_response = None
        assert "ItemQueryRq" in connector.request
        connector.run()
        connector.deliver()

        check_all_arrived(queued.quickbooks, 3)

    def test_an_unreadable_look_up_ends_the_poll_and_adds_nothing(self, queued: Office) -> None:
        report = queued.poll(truncate_response=100)

        assert report.outcome == "error"
        assert report.last_error
        assert queued.quickbooks.items == []
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)


class TestWhatTheConnectorReports:
    def test_a_request_processor_that_throws_leaves_the_codes_in_doubt_until_the_next_poll(
        self, queued: Office
    ) -> None:
        connector = at_the_export(queued)
        connector.faults.hresult = "0x80040402"
        connector.run()

        assert not connector.deliver()
        assert connector.report.percents[-1] < 0
        assert set(queued.states().values()) == {"UNKNOWN"}
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)

    def test_quickbooks_that_cannot_be_opened_keeps_the_codes_waiting_and_says_why(self, queued: Office) -> None:
        report = queued.poll(connection_errors=1)

        assert report.outcome == "no quickbooks"
        assert set(queued.states().values()) == {"QUEUED"}
        assert queued.refreshed().state_message == "QuickBooks could not be started. It is tried again by itself."
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)
        assert queued.refreshed().state_message == ""

    def test_a_right_that_is_missing_stops_the_connection_until_someone_resumes_it(self, queued: Office) -> None:
        queued.poll(connection_errors=1, connection_hresult="0x80040420")

        assert queued.refreshed().state == "broken"
        assert queued.poll().outcome == "none"
        queued.refreshed().resume(queued.dora.user)
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)


def test_a_list_that_is_locked_once_is_tried_again(queued: Office) -> None:
    queued.quickbooks.lock_items(1)

    queued.poll()

    assert sorted(queued.states().values()) == ["QUEUED", "SUCCESS", "SUCCESS"]
    CodeExport.objects.filter(status="QUEUED").update(due_at="2020-01-01T00:00:00Z")
    queued.poll()
    check_all_arrived(queued.quickbooks, 3)


def test_an_account_that_was_deleted_meanwhile_fails_and_the_chart_is_read_again(queued: Office) -> None:
    queued.quickbooks.delete_account(EXPENSE)

    report = queued.poll()

    assert set(queued.states().values()) == {"FAILED"}
    assert "Choose another" in queued.row("01-100").message
    assert "AccountQueryRq" in report.requests[-1]
    assert not queued.connection.gl_accounts.get(name=EXPENSE).is_active
    assert queued.quickbooks.items == []


def test_an_unhandled_step_leaves_no_open_session(queued: Office) -> None:
    """Two calls of one session at once, as a proxy that repeats them makes: one message, once."""
    connector = queued.connector()
    connector.open()

    first, second = connector._ask(), connector._ask()

    assert first == second
    assert Message.objects.filter(answered_at=None).count() == 1
    assert Poll.objects.get(ended_at=None)
