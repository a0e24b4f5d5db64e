"""One poll, answered by several web processes on one PostgreSQL: nothing of it is kept in any of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from exports.web_connector.models import Message
from tests.exports.web_connector.conftest import Office
from tests.exports.web_connector.referee import check_all_arrived
from tests.quickbooks.connector import WebConnector
from tests.quickbooks.transports import RawTransport, Reply, over_http
from tests.servers.celery import CeleryProcess
from tests.servers.web import Web

pytestmark = [pytest.mark.pg_only, pytest.mark.processes]
NUMBER = 60


@pytest.fixture
def office(transactional_db: None, settings: Any) -> Office:
    """With passwords as production hashes them, since its processes read them."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    office = Office(codes_per_message=10)
    office.queue(*(f"01-{number}" for number in range(100, 100 + NUMBER)))
    return office


@pytest.fixture
def processes(office: Office, start_process: Callable[..., CeleryProcess]) -> list[Web]:
    return [web for web in (start_process(Web), start_process(Web)) if isinstance(web, Web)]


class InTurns:
    """Sends each call to the next of the processes, as a balancer does."""

    def __init__(self, processes: list[Web]) -> None:
        self.turns = cycle(processes)
        self.asked: list[Web] = []

    def __call__(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
        web = next(self.turns)
        self.asked.append(web)
        path = url.partition("/web-connector/")[2]
        return over_http(method, f"{web.url}/web-connector/{path}", body, headers)


def connector(office: Office, send: InTurns, **faults: Any) -> WebConnector:
    played = office.connector(**faults)
    played.transport = RawTransport(office.url, send)
    return played


def test_two_processes_answer_one_poll_in_turns(office: Office, processes: list[Web]) -> None:
    send = InTurns(processes)

    report = connector(office, send).poll()

    assert report.percents[-1] == 100
    assert [send.asked.count(web) for web in processes] == [pytest.approx(len(send.asked) / 2, abs=1)] * 2
    check_all_arrived(office.quickbooks, NUMBER)


def test_a_message_is_lost_between_them(office: Office, processes: list[Web]) -> None:
    """QuickBooks has executed it, nobody heard so: the process that never saw it asks for it word for word."""
    first = connector(office, InTurns(processes), lose_response_after_run=3).poll()
    lost = Message.objects.get(answered_at=None)

    second = connector(office, InTurns(processes[::-1])).poll()

    assert first.outcome == "died"
    assert lost.text == first.requests[-1] == second.requests[0]
    assert second.percents[-1] == 100
    check_all_arrived(office.quickbooks, NUMBER)


def test_a_process_is_killed_and_started_again_in_the_middle(office: Office, processes: list[Web]) -> None:
    send = InTurns(processes)
    played = connector(office, send)
    assert played.open()
    for web in processes:
        assert played.fetch()
        played.run()
        web.kill()
        web.restart()
        assert played.deliver()

    while played.fetch():
        played.run()
        if not played.deliver():
            break
    played.close()

    assert played.report.closed == f"{NUMBER} Success."
    check_all_arrived(office.quickbooks, NUMBER)
