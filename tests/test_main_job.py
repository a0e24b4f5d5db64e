"""The main job over real HTTP, with worker processes and a real Tryton: a list goes in, Success comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_django.live_server_helper import LiveServer

from core.clock import in_seconds
from erp_integrations.models import Connection, GLAccount
from exports.models import Attempt, CodeExport, Status
from tests.cost_codes import LIST, listed_codes
from tests.factories import PASSWORD, make_alice, make_connection, make_dora
from tests.person import Person, Review
from tests.servers.celery import Beat, Worker
from tests.servers.server import wait_until
from tests.servers.tryton import TrytonServer

pytestmark = pytest.mark.processes


@pytest.fixture
def tryton() -> Iterator[TrytonServer]:
    with TrytonServer() as server:
        yield server


@pytest.fixture
def books(transactional_db: None, tryton: TrytonServer) -> Connection:
    """The company's connection to Tryton, its accounts read."""
    admin = make_dora()
    make_alice()
    connection = make_connection(
        erp="tryton", name="Tryton", slug="tryton", options=tryton.options, credentials=tryton.credentials
    )
    connection.sync_gl_accounts(admin.user)
    return connection


@pytest.fixture
def admin(books: Connection, live_server: LiveServer) -> Iterator[Person]:
    with closing(Person(live_server.url, "dora", PASSWORD)) as person:
        yield person


@pytest.fixture
def approver(books: Connection, admin: Person, live_server: LiveServer) -> Iterator[Review]:
    """Signed in at the review page; the whole list waits there, each code with its accounts."""
    admin.import_list(LIST.read_bytes())
    admin.send_all(books.pk)
    with closing(Person(live_server.url, "alice", PASSWORD)) as person:
        review = person.review("tryton")
        review.set_accounts(account(books, "4000").pk, account(books, "5000").pk)
        review.set_accounts(account(books, "4010").pk, "none", search="01-")
        yield review


def account(books: Connection, number: str) -> GLAccount:
    return books.gl_accounts.get(number=number)


def wanted() -> dict[str, tuple[str, str, str | None]]:
    """Code -> description and both accounts."""
    first = listed_codes()
    leaves = {code for code in first if not any(other.startswith(f"{code}-") for other in first)}
    searched = {code for code in leaves if "01-" in code.casefold() or "01-" in first[code].casefold()}
    accounts = {code: ("4010", None) if code in searched else ("4000", "5000") for code in leaves}
    return {code: (first[code], *accounts[code]) for code in leaves}


def test_every_distinct_code_of_the_list_arrives_once_with_its_accounts(
    approver: Review, books: Connection, tryton: TrytonServer, worker: Worker, beat: Beat
) -> None:
    approver.click("export")
    counts = approver.wait_until_finished()

    assert counts["Synced"] == len(wanted())
    assert counts["All"] == counts["Synced"]
    assert tryton.items() == wanted()


@pytest.mark.slow
def test_a_second_export_of_the_same_adds_nothing(
    approver: Review, books: Connection, tryton: TrytonServer, worker: Worker, beat: Beat, admin: Person
) -> None:
    approver.click("export")
    approver.wait_until_finished()
    approver.click("export")
    again = make_connection(
        books.company,
        erp="tryton",
        name="Tryton again",
        slug="tryton-again",
        options=tryton.options,
        credentials=tryton.credentials,
    )
    again.sync_gl_accounts(None)
    admin.send_all(again.pk)
    review = approver.person.review("tryton-again")
    review.set_accounts(account(again, "4000").pk, account(again, "5000").pk)
    review.click("export")
    counts = review.wait_until_finished()

    assert counts["Needs Review"] == len(wanted())
    assert tryton.items() == wanted()


def test_a_worker_killed_in_the_middle_of_a_portion_loses_and_doubles_nothing(
    approver: Review, books: Connection, tryton: TrytonServer, worker: Worker, beat: Beat
) -> None:
    approver.click("export")
    wait_until(lambda: Attempt.objects.filter(ended_at=None).exists(), "A portion on its way")
    worker.kill()
    in_the_middle = CodeExport.objects.filter(status=Status.EXPORTING).count()
    Connection.objects.exclude(lease_until=None).update(lease_until=in_seconds(1))  # as if it had been taken long ago
    worker.restart()
    approver.wait_until_finished()

    assert in_the_middle
    assert tryton.items() == wanted()
    assert set(CodeExport.objects.values_list("status", flat=True)) == {Status.SUCCESS}


@pytest.mark.slow
def test_a_broker_emptied_in_the_middle_loses_and_doubles_nothing(
    approver: Review, books: Connection, tryton: TrytonServer, worker: Worker, beat: Beat
) -> None:
    from config.celery import app

    approver.click("export")
    wait_until(lambda: CodeExport.objects.filter(status=Status.SUCCESS).exists(), "A first Success")
    with app.connection_for_write() as broker:
        broker.default_channel.client.flushall()
    assert CodeExport.objects.filter(status=Status.QUEUED).exists(), "Emptied too late to prove anything."
    approver.wait_until_finished()

    assert tryton.items() == wanted()
    assert set(CodeExport.objects.values_list("status", flat=True)) == {Status.SUCCESS}
