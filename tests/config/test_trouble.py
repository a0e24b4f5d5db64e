"""What people are answered when the database is held up, lost, slow or full. Rows 12 and 14 of the matrix, as the web
sees them; tests/faults has real servers that end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, connection
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver
from pytest_django import Settings

from config import limits
from config.limits import Limits
from config.trouble import FULL, HELD_UP, LOST, STORING, TOO_LONG, Trouble, trouble_of
from erp_integrations import questions
from erp_integrations.models import Connection
from tests import factories
from tests.access import World, addresses, all_rows, make_browser, make_worlds
from tests.config.lost_database import lost_database
from tests.exports.review_pages import Desk, seen
from tests.test_access import CASES

OURS = ("companies_", "erp_integrations_", "wbs_", "exports_")


@pytest.fixture
def impatient(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This thread serves pages, and waits a fiftieth of a second for a lock."""
    settings.DATABASE_LIMITS = {"web": Limits(0.02, 30, 60)}
    monkeypatch.setattr(limits, "_of_process", "web")
    connection.close()
    yield
    connection.close()


@contextmanager
def forgotten_transaction() -> Iterator[None]:
    """Someone has changed all there is, in a transaction of their own, and gone to lunch. Others can still read."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            if other.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                tables = [name for name in other.introspection.table_names(cursor) if name.startswith(OURS)]
                other.set_autocommit(False)
                cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        yield
    finally:
        other.rollback()
        other.close()


def quiet(browser: Client) -> Client:
    browser.raise_request_exception = False
    return browser


def body(response: HttpResponse) -> str:
    return response.content.decode()


@pytest.mark.django_db(transaction=True)
class TestBehindAForgottenTransaction:
    def test_no_address_answers_500_and_nothing_is_half_done(self, impatient: None) -> None:
        world, _ = make_worlds()
        dora = quiet(make_browser("dora"))
        before = our_rows()

        with forgotten_transaction():
            found = {
                (name, is_htmx): post(dora, world, name, is_htmx)
                for name in sorted(CASES, key=lambda name: name == "companies:sign_out")  # the last that dora can do
                if CASES[name].post
                for is_htmx in (False, True)
            }

        assert {asked: told.status_code for asked, told in found.items() if told.status_code == 500} == {}
        held_up = {name for (name, _), told in found.items() if told.status_code == 503}
        assert held_up >= {
            f"exports:{verb}" for verb in ("assign", "export", "reject", "set_accounts", "send", "retry")
        }
        assert held_up >= {"wbs:add_item", "wbs:change_items", "erp_integrations:settings", "companies:change"}
        for (name, is_htmx), told in found.items():
            if told.status_code == 503:
                assert told["Retry-After"] == "5"
                assert held_up_here().sentence in body(told)
                assert is_htmx is not ("<html" in body(told)), name
        assert our_rows() == before

    def test_the_same_click_goes_through_afterwards(self, impatient: None) -> None:
        desk = Desk()
        row = desk.ready("01-100")
        quiet(desk.client)

        with forgotten_transaction():
            held_up = desk.post("export/", seen=seen(row))
        after = desk.post("export/", seen=seen(row))

        assert (held_up.status_code, after.status_code) == (503, 200)
        assert desk.connection.code_exports.get().status == "QUEUED"

    @pytest.mark.pg_only
    @pytest.mark.parametrize("table", ["exports_codeexport", "erp_integrations_connection"])
    def test_one_locked_row_is_enough(self, impatient: None, table: str) -> None:
        desk = Desk()
        row = desk.ready("01-100")
        quiet(desk.client)
        other = connection.copy()
        other.set_autocommit(False)

        with other.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} FOR UPDATE")  # noqa: S608
            answer = desk.post("export/", seen=seen(row))
        other.rollback()
        other.close()

        assert (answer.status_code, body(answer)) == (503, HELD_UP.sentence)

    def test_pages_are_read_all_the_same(self, impatient: None) -> None:
        desk = Desk()
        desk.ready("01-100")

        with forgotten_transaction():
            assert "01-100" in body(desk.get())

    def test_what_was_posted_is_not_asked_for_again_by_itself(self, impatient: None) -> None:
        desk = Desk()
        desk.ready("01-100")
        quiet(desk.client)

        with forgotten_transaction():
            answer = body(desk.post("export/", htmx=False))

        assert "http-equiv" not in answer
        assert "keeps what you typed" in answer

    def test_what_a_view_stored_before_it_was_held_up_is_not_denied(
        self, impatient: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The settings are saved, then their test is asked for."""
        desk = Desk()
        dora = quiet(desk.client_of(desk.dora))
        monkeypatch.setattr(questions, "ask", lambda _: raise_from(psycopg.errors.LockNotAvailable()))
        desk.connection.note_broken(None, "The password is wrong.")

        data = {"name": "Renamed", "income": "", "expense": "", "options-behaviour": "normal"}
        answer = dora.post("/companies/sample-builders/erp-integrations/practice-erp/settings/", data)

        assert Connection.objects.get().name == "Renamed"
        assert answer.status_code == 503
        assert "so this was not finished. Look at the page" in body(answer)
        assert "nothing" not in body(answer)


def held_up_here() -> Trouble:
    """What the database of this run tells of a lock that others hold."""
    return STORING if connection.vendor == "sqlite" else HELD_UP


def our_rows() -> dict[str, set[str]]:
    """Not what an ERP holds of its own, the Practice ERP too: it was asked before anything was to be stored."""
    return {table: rows for table, rows in all_rows().items() if table.startswith(OURS)}


def post(browser: Client, world: World, name: str, is_htmx: bool) -> HttpResponse:
    [address] = [each for each in addresses(get_resolver().url_patterns) if each.name == name]
    headers = {"HX-Request": "true"} if is_htmx else {}
    return browser.post(address.url(CASES[name], world), CASES[name].body(world), headers=headers)


@pytest.mark.django_db(transaction=True)
class TestLost:
    def test_a_page_tries_again_by_itself(self) -> None:
        desk = Desk()
        quiet(desk.client)

        with lost_database():
            answer = desk.get()

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert '<meta http-equiv="refresh" content="5">' in body(answer)
        assert LOST.title in body(answer)

    def test_a_click_is_told_in_a_sentence_that_its_toast_shows(self) -> None:
        desk = Desk()
        row = desk.ready("01-100")
        quiet(desk.client)
        seen_at = desk.seen_at()

        with lost_database():
            answer = desk.post(f"codes/{row.pk}/assign/", seen_at=seen_at, version=row.version)

        assert (answer.status_code, body(answer)) == (503, LOST.sentence)
        assert answer["Content-Type"] == "text/plain; charset=utf-8"

    def test_a_poll_recovers(self) -> None:
        desk = Desk()
        desk.ready("01-100", status="QUEUED")
        quiet(desk.client)
        seen_at = desk.seen_at()

        with lost_database():
            lost = desk.post("poll/", seen_at=seen_at)
        back = desk.post("poll/", seen_at=seen_at)

        assert (lost.status_code, lost["Retry-After"]) == (503, "5")
        assert back.status_code == 200

    def test_the_web_connector_is_told_that_it_is_our_fault_and_to_come_back(self) -> None:
        erp = factories.make_connection(erp="quickbooks-desktop")
        call = b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"/>'

        with lost_database():
            answer = quiet(Client()).post(f"/web-connector/{erp.guid}/", call, content_type="text/xml")

        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "<faultcode>soap:Server</faultcode>" in body(answer)

    def test_signing_in_is_told_too(self) -> None:
        with lost_database():
            answer = quiet(Client()).post("/login/", {"username": "alice", "password": "x"})

        assert answer.status_code == 503

    def test_a_lost_answer_to_the_session_is_told_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What a middleware raises after the view comes by no hook of the view's."""
        desk = Desk()
        desk.ready("01-100")
        quiet(desk.client)
        monkeypatch.setattr(SessionStore, "save", lambda *_, **__: raise_from(psycopg.OperationalError("cut")))

        assert desk.post("export/", htmx=False).status_code == 503

    def test_other_errors_are_ours_as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("config.health.connection.cursor", lambda: 1 / 0)

        answer = quiet(Client()).get("/readyz")

        assert answer.status_code == 500
        assert "Retry-After" not in answer


def raise_from(cause: Exception) -> None:
    raise OperationalError("wrapped") from cause


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("so")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("wrapped", "cause", "expected"),
    [
        (OperationalError, psycopg.errors.LockNotAvailable(), HELD_UP),
        (OperationalError, psycopg.errors.DeadlockDetected(), HELD_UP),
        (OperationalError, psycopg.errors.SerializationFailure(), HELD_UP),
        (OperationalError, psycopg.errors.QueryCanceled(), TOO_LONG),
        (OperationalError, psycopg.errors.DiskFull(), FULL),
        (OperationalError, psycopg.errors.ConfigurationLimitExceeded(), FULL),
        (OperationalError, psycopg.errors.AdminShutdown(), LOST),
        (OperationalError, psycopg.errors.TooManyConnections(), LOST),
        (OperationalError, psycopg.OperationalError("no route"), LOST),
        (InternalError, psycopg.errors.IdleInTransactionSessionTimeout(), LOST),
        (InternalError, psycopg.errors.TransactionTimeout(), TOO_LONG),
        (InternalError, psycopg.errors.ReadOnlySqlTransaction(), LOST),
        (InternalError, psycopg.errors.InFailedSqlTransaction(), None),
        (InterfaceError, psycopg.InterfaceError("the connection is closed"), LOST),
        (ProgrammingError, psycopg.errors.UndefinedTable(), None),
        (OperationalError, sqlite_error(sqlite3.SQLITE_BUSY), STORING),
        (OperationalError, sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), STORING),
        (OperationalError, sqlite_error(sqlite3.SQLITE_LOCKED), STORING),
        (OperationalError, sqlite_error(sqlite3.SQLITE_FULL), FULL),
        (OperationalError, sqlite_error(sqlite3.SQLITE_IOERR_WRITE), LOST),
        (OperationalError, sqlite_error(sqlite3.SQLITE_ERROR), None),  # no such table
    ],
)
def test_each_trouble_has_its_words(wrapped: type[Exception], cause: Exception, expected: Trouble | None) -> None:
    error = wrapped("so")
    error.__cause__ = cause

    assert trouble_of(error) == expected


def test_what_is_no_error_of_the_database_is_none() -> None:
    assert trouble_of(ValueError("so")) is None
