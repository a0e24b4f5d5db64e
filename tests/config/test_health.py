from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from tests.config.lost_database import lost_database
from tests.servers.server import free_port


def test_the_process_is_up_without_a_database(client: Client) -> None:
    """No `django_db` here: pytest would refuse a query."""
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db
def test_it_is_ready_with_database_and_broker(client: Client) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.content) == (200, b"database ok, broker ok")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_monitors_may_ask_by_head_and_nothing_else(client: Client, path: str) -> None:
    assert client.head(path).status_code == 200
    assert client.post(path).status_code == 405


@pytest.mark.django_db
def test_a_dead_broker_is_told_but_work_goes_on(client: Client, dead_broker: None) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.content) == (200, b"database ok, broker unreachable")


@pytest.mark.django_db
def test_the_embedded_mode_has_no_broker_to_reach(client: Client, settings: Settings) -> None:
    settings.REDIS_URL = ""

    assert client.get("/readyz").content == b"database ok, broker in this process"


@pytest.mark.django_db
def test_without_the_database_it_is_not_ready(client: Client, lost_database: None) -> None:
    response = client.get("/readyz")

    assert (response.status_code, response.content) == (503, b"The database cannot be reached.")


@pytest.fixture(name="lost_database")
def _lost_database() -> Iterator[None]:
    with lost_database():
        yield


@pytest.fixture
def dead_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    from config.celery import app

    monkeypatch.setattr(app.conf, "broker_url", f"redis://127.0.0.1:{free_port()}/0")
