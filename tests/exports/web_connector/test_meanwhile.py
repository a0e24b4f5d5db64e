"""What people do while the Web Connector is at work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exports import services
from tests.exports.web_connector.conftest import Office, at_the_export
from tests.exports.web_connector.referee import check_books

pytestmark = pytest.mark.django_db


class TestTheApproverMeanwhile:
    def test_reject_all_during_a_poll_takes_what_is_not_being_sent(self, office: Office) -> None:
        office.connection.options = {"codes_per_message": 2}
        office.connection.save()
        office.queue("01-100", "01-200", "01-300", "01-400")
        connector = at_the_export(office)

        seen = office.seen()
        result = services.reject_codes(office.alice, office.connection, replace(seen, filter="all"))
        while True:
            connector.run()
            if not (connector.deliver() and connector.fetch()):
                break

        assert (result.count, result.in_flight) == (2, 2)
        assert sorted(office.states().values()) == ["REJECTED", "REJECTED", "SUCCESS", "SUCCESS"]
        assert len(office.quickbooks.items) == 2
        check_books(office.quickbooks)

    def test_a_code_that_is_cancelled_between_look_up_and_its_answer_is_not_sent(self, queued: Office) -> None:
        connector = queued.connector()
        connector.open()
        connector.fetch()
        connector.run()
        services.cancel_codes(queued.alice, queued.connection, [queued.row("01-100").pk])
        connector.deliver()
        while connector.fetch():
            connector.run()
            if not connector.deliver():
                break

        assert queued.states() == {"01-100": "READY", "01-200": "SUCCESS", "02-100": "SUCCESS"}
        assert len(queued.quickbooks.items) == 2

    def test_a_paused_connection_hands_out_nothing(self, queued: Office) -> None:
        connector = queued.connector()
        connector.open()
        queued.connection.pause(queued.dora.user)

        assert not connector.fetch()
        assert "paused" in (connector.report.last_error or "")
        assert queued.poll().outcome == "none"
        assert set(queued.states().values()) == {"QUEUED"}
