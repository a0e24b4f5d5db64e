"""What the Web Connector reports instead of an answer: by what cures it, and never for ever."""

from __future__ import annotations

from typing import Any

import pytest

from companies.models import AuditEvent
from exports.queue.decisions import AGAIN
from exports.web_connector import answers, sessions
from exports.web_connector.models import Poll
from tests.exports.web_connector.conftest import Office, at_the_export
from tests.exports.web_connector.hostile import envelope
from tests.exports.web_connector.referee import check_all_arrived
from tests.quickbooks.company import QuickBooks

pytestmark = [pytest.mark.django_db, pytest.mark.either]

NO_RETRY_CURES = ["0x80040400", "0x80040418", "0x8004041A", "0x8004041D", "0x80040420", "0x80040423", "0x80040427"]
A_PERSON_THERE_CURES = {
    "0x80040410": "Switch the file to multi-user mode",
    "0x80040422": "switch the file to single-user mode",
    "0x80040414": "Close it.",
    "0x80040401": "could not reach QuickBooks",
}


class TestWhatNoRetryCures:
    @pytest.mark.parametrize("hresult", NO_RETRY_CURES)
    def test_it_stops_the_connection_and_says_what_to_do(self, queued: Office, hresult: str) -> None:
        queued.poll(connection_errors=1, connection_hresult=hresult)

        connection = queued.refreshed()
        assert connection.state == "broken"
        assert connection.state_message.endswith(".")
        assert queued.poll().outcome == "none"
        connection.resume(queued.dora.user)
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)

    def test_a_message_that_quickbooks_cannot_read_is_sent_once_and_the_codes_wait(self, queued: Office) -> None:
        connector = at_the_export(queued, hresult="")
        connector.faults.hresult = "0x80040400"
        connector.run()

        assert not connector.deliver()

        assert queued.refreshed().state == "broken"
        assert "fault of Tieback" in queued.refreshed().state_message
        assert set(queued.states().values()) == {"QUEUED"}


class TestWhatPassesByItselfOrByAPersonThere:
    @pytest.mark.parametrize(("hresult", "words"), A_PERSON_THERE_CURES.items())
    def test_it_is_tried_again_and_says_so(self, queued: Office, hresult: str, words: str) -> None:
        queued.poll(connection_errors=1, connection_hresult=hresult)

        connection = queued.refreshed()
        assert connection.state == "active"
        assert words in connection.state_message
        assert connection.state_message.endswith(AGAIN)
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)
        assert (queued.refreshed().state_message, queued.refreshed().failures_in_a_row) == ("", 0)

    @pytest.mark.parametrize("hresult", [*A_PERSON_THERE_CURES, "0x80040421", "0x8004FFFF"])
    def test_it_is_not_tried_for_ever(self, queued: Office, settings: Any, hresult: str) -> None:
        settings.EXPORT_MAX_TRIES = 3
        states = []
        for _ in range(4):
            states.append(queued.poll(connection_errors=1, connection_hresult=hresult).outcome)

        assert states == ["no quickbooks"] * 3 + ["none"]
        connection = queued.refreshed()
        assert connection.state == "broken"
        assert connection.state_message.endswith(sessions.IN_VAIN.format(3))
        assert AGAIN not in connection.state_message
        assert AuditEvent.objects.filter(action="connection.broken").count() == 1
        connection.resume(queued.dora.user)
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)

    def test_a_poll_that_goes_well_begins_the_count_anew(self, queued: Office, settings: Any) -> None:
        settings.EXPORT_MAX_TRIES = 2
        queued.poll(connection_errors=1)
        queued.poll()
        queued.queue("03-100")

        queued.poll(connection_errors=1)

        assert queued.refreshed().state == "active"

    def test_the_next_poll_takes_as_few_calls_as_any(self, queued: Office) -> None:
        calm = len(queued.poll().requests)
        queued.queue("03-100", "03-200", "03-300")
        queued.poll(connection_errors=1)

        assert len(queued.poll().requests) == calm

    def test_what_quickbooks_says_is_read_on_our_pages(self, queued: Office) -> None:
        connector = queued.connector()
        connector.open()
        connector.transport.call("connectionError", connector.ticket, "0x80040421", "The file is being repaired.")

        assert queued.refreshed().state_message == "QuickBooks says: “The file is being repaired.”."

    def test_another_company_file_is_no_failure_however_long_it_is_open(self, queued: Office, settings: Any) -> None:
        """Its owner works with it."""
        settings.EXPORT_MAX_TRIES = 2
        connector = queued.connector()
        connector.quickbooks = QuickBooks("Someone Else Inc")

        for _ in range(3):
            connector.poll()

        assert queued.refreshed().state == "active"
        assert "Someone Else Inc" in queued.refreshed().state_message


class TestTicketsThatAreNoLongerGood:
    def test_an_answer_under_a_closed_ticket_is_refused(self, queued: Office) -> None:
        connector = at_the_export(queued)
        connector.run()
        connector.close()

        assert connector._deliver_once() == sessions.FAILED

    def test_so_it_is_after_a_poll_that_went_well(self, queued: Office) -> None:
        connector = queued.connector()
        connector.poll()

        assert connector._deliver_once() == sessions.FAILED

    def test_one_that_ran_out_says_so(self, queued: Office) -> None:
        connector = at_the_export(queued)
        type(queued.connection).objects.update(lease_until="2020-01-01T00:00:00Z")

        assert connector._ask() == ""
        assert connector._deliver_once() == sessions.FAILED
        assert connector._text("getLastError", connector.ticket) == sessions.RAN_OUT
        assert connector._text("closeConnection", connector.ticket) == sessions.RAN_OUT

    def test_one_that_is_closed_tells_what_it_was_told(self, queued: Office) -> None:
        connector = at_the_export(queued)
        connector.close()

        assert connector._ask() == ""
        assert connector._text("getLastError", connector.ticket) == answers.CLOSED_EARLY


class TestEnvelopesThatCannotBeRead:
    @pytest.mark.parametrize("body", ["<s:Envelope", envelope()[:-20], "\x01", envelope("dropTables")])
    def test_the_last_error_tells_it(self, queued: Office, body: str) -> None:
        connector = at_the_export(queued)
        reply = connector.transport.send("POST", queued.url, body.encode(), {})  # type: ignore[attr-defined]

        assert reply.status == 400
        assert connector._text("getLastError", connector.ticket) == sessions.UNREADABLE

    def test_the_next_call_finishes_the_work(self, queued: Office) -> None:
        connector = at_the_export(queued)
        connector.run()
        answer = connector.transport.envelope(  # type: ignore[attr-defined]
            "receiveResponseXML", (connector.ticket, connector.response, "", "")
        )
        connector.transport.send("POST", queued.url, answer[: len(answer) // 2], {})  # type: ignore[attr-defined]

        connector.close()

        assert connector.report.closed == sessions.UNREADABLE
        queued.poll()
        check_all_arrived(queued.quickbooks, 3)

    def test_what_never_arrives_in_one_piece_is_asked_for_in_halves_and_not_for_ever(
        self, queued: Office, settings: Any
    ) -> None:
        settings.EXPORT_MAX_TRIES = 3
        asked = []
        for _ in range(4):
            connector = queued.connector()
            if connector.open():
                assert connector.fetch()
                asked.append(connector.request.count("<FullName>"))
                connector.transport.send("POST", queued.url, b"<s:Envelope", {})  # type: ignore[attr-defined]
            connector.close()

        assert asked == [3, 1, 1]
        assert queued.refreshed().state == "broken"
        assert queued.refreshed().state_message.startswith(sessions.UNREADABLE)

    def test_a_stranger_changes_no_poll_that_has_ended(self, queued: Office) -> None:
        connector = queued.connector()
        connector.poll()

        connector.transport.send("POST", queued.url, b"<", {})  # type: ignore[attr-defined]

        assert Poll.objects.first().said == "3 Success."  # type: ignore[union-attr]
