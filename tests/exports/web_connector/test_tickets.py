"""Who may speak with a connection's queue: user name, password and ticket, and how long each is good."""

from __future__ import annotations

from typing import cast

import pytest
from django.db import connection as database
from django.test import Client

from exports.web_connector import sessions
from exports.web_connector.models import Access, username_of
from exports.web_connector.operations import perform
from exports.web_connector.soap import Arguments, Call
from tests import factories
from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.referee import check_all_arrived

pytestmark = pytest.mark.django_db


class TestTickets:
    def test_an_old_ticket_is_refused(self, queued: Office) -> None:
        old = queued.connector()
        old.open()
        queued.poll()

        assert old._ask() == ""
        old.response = "<QBXML/>"
        assert old._deliver_once() == sessions.FAILED
        check_all_arrived(queued.quickbooks, 3)

    def test_a_ticket_ends_with_its_session(self, queued: Office) -> None:
        connector = queued.connector()
        connector.open()
        connector.close()

        assert connector._ask() == ""
        assert set(queued.states().values()) == {"QUEUED"}

    def test_a_ticket_that_was_idle_for_long_is_no_longer_good(self, queued: Office) -> None:
        connector = queued.connector()
        connector.open()
        type(queued.connection).objects.update(lease_until="2020-01-01T00:00:00Z")

        assert connector._ask() == ""

    def test_another_connections_ticket_is_refused(self, queued: Office) -> None:
        other = factories.make_connection(
            factories.make_company("Other Builders", "other-builders"), erp="quickbooks-desktop", slug="quickbooks"
        )
        connector = queued.connector()
        connector.open()
        stranger = queued.connector()
        stranger._begin()
        stranger.transport.url = f"http://localhost:8000/web-connector/{other.guid}/"  # type: ignore[attr-defined]
        stranger.ticket = connector.ticket

        assert stranger._ask() == ""
        assert (
            stranger._text("getLastError", stranger.ticket)
            == "This ticket is no longer good. Run the Web Connector again."
        )
        stranger.close()
        assert connector.fetch(), "and its own session goes on"

    def test_tickets_and_passwords_are_kept_as_hashes(self, queued: Office) -> None:
        connector = queued.connector()
        connector.open()

        with database.cursor() as cursor:
            for table in database.introspection.table_names(cursor):
                cursor.execute(f"SELECT * FROM {database.ops.quote_name(table)}")  # noqa: S608
                content = repr(cursor.fetchall())
                assert connector.ticket not in content, table
                assert queued.password not in content, table


class TestSigningIn:
    def test_a_wrong_password_is_refused(self, queued: Office) -> None:
        connector = queued.connector()
        connector.password = "guessed"

        assert connector.poll().outcome == "nvu"

    def test_another_user_name_is_refused(self, queued: Office) -> None:
        connector = queued.connector()
        connector.username = "admin"

        assert connector.poll().outcome == "nvu"

    def test_a_new_password_ends_the_old_one(self, queued: Office) -> None:
        before = queued.connector()
        queued.password = Access.renew(queued.connection, queued.dora.user)

        assert before.poll().outcome == "nvu"
        assert queued.poll().outcome == "work"

    def test_without_a_password_nobody_gets_in(self, queued: Office) -> None:
        Access.objects.all().delete()

        assert queued.poll().outcome == "nvu"

    def test_guessing_is_slowed_down_and_the_right_password_waits_too(self, queued: Office) -> None:
        guesser = queued.connector()
        guesser.password = "guessed"

        assert [guesser.poll().outcome for _ in range(7)] == [*["nvu"] * 5, "busy", "busy"]
        assert queued.poll().outcome == "busy"
        assert set(queued.states().values()) == {"QUEUED"}

    def test_a_guesser_elsewhere_does_not_keep_the_connector_out(self, queued: Office) -> None:
        def outcomes(password: str, network: str, times: int) -> list[str]:
            sign_in = {"strUserName": username_of(queued.connection), "strPassword": password}
            call = Call("authenticate", cast(Arguments, sign_in))
            return [cast(list[str], perform(call, queued.connection, network))[1] for _ in range(times)]

        for number in range(20):
            assert outcomes("guessed", f"198.51.100.{number}", 6) == [*["nvu"] * 5, "busy"]

        assert outcomes(queued.password, "192.0.2.1", 1) == [""], "it is given the company file that is open"

    def test_people_who_mistype_in_its_network_do_not_keep_it_out(self, queued: Office, client: Client) -> None:
        for number in range(21):
            client.post("/login/", {"username": f"name-{number}", "password": "mistyped"})

        assert queued.poll().outcome == "work"
