"""What people do while the Web Connector is at work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from companies.members import change_rights
from companies.models import Member
from exports import queue, services
from exports.models import CodeExport
from tests.exports.web_connector.conftest import INCOME, Office, at_the_export
from tests.exports.web_connector.referee import check_books

pytestmark = [pytest.mark.django_db, pytest.mark.either]


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


class TestAnAcceptanceThatStandsNoMore:
    """Between the click and the call of the Web Connector hours may pass."""

    def test_an_account_that_became_a_bank_account_is_not_handed_out(self, queued: Office) -> None:
        queued.connection.gl_accounts.filter(pk=queued.account(INCOME).pk).update(kind="other")

        report = queued.poll()
        queue.sweep()

        assert report.requests == []
        assert set(queued.states().values()) == {"READY"}
        assert queued.quickbooks.items == []

    def test_a_chart_that_the_same_poll_brings_is_looked_at(self, queued: Office) -> None:
        CodeExport.objects.update(income_picked=queued.account(INCOME).identity)
        queued.quickbooks.account(INCOME).type = "Bank"
        queued.connection.ask_for_gl_accounts()

        report = queued.poll()
        queue.sweep()

        assert ["AccountQueryRq" in request for request in report.requests] == [True]
        assert queued.quickbooks.items == []
        assert "Construction Income is of the type Other in the ERP now." in queued.row("01-100").message

    @pytest.mark.parametrize("step", ["look-up", "export"])
    def test_rights_that_are_lost_during_a_poll_stop_what_is_not_at_the_erp(self, queued: Office, step: str) -> None:
        connector = queued.connector()
        connector.open()
        connector.fetch()
        connector.run()
        if step == "export":
            connector.deliver()
        change_rights(Member.objects.get(pk=queued.alice.pk), None, can_push_to_accounting=False)
        if step == "look-up":
            connector.deliver()

        assert not connector.fetch()
        queue.sweep()

        assert set(queued.states().values()) == {"READY"}
        assert queued.quickbooks.items == []

    def test_what_was_handed_out_already_is_answered(self, queued: Office) -> None:
        connector = at_the_export(queued)
        change_rights(Member.objects.get(pk=queued.alice.pk), None, can_push_to_accounting=False)

        connector.run()
        connector.deliver()

        assert set(queued.states().values()) == {"SUCCESS"}
        check_books(queued.quickbooks)

    def test_a_link_that_waits_for_the_connector_is_not_made(self, queued: Office) -> None:
        queued.quickbooks.add_item("Service", "01-100")
        queued.poll()
        row = queued.row("01-100")
        assert row.status == "ATTENTION"
        services.link_at_next_call(queued.alice, row, row.receipt["remote_id"])
        change_rights(Member.objects.get(pk=queued.alice.pk), None, can_push_to_accounting=False)

        queued.poll()
        queue.sweep()

        assert queued.row("01-100").status == "READY"
