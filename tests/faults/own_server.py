"""A PostgreSQL of the test's own, to be ended and filled, with the product on it; the one of the run is shared."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import httpx2
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.test import Client
from pytest_django import DjangoDbBlocker

from tests.exports.scene import Scene
from tests.exports.scripted import Books
from tests.faults.conftest import QUICK, Processes
from tests.patience import PATIENCE_S
from tests.servers.celery import CeleryProcess
from tests.servers.postgres import PostgreSQL
from tests.servers.server import wait_until
from tests.servers.web import Web


@pytest.fixture(scope="module")
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[PostgreSQL]:
    """With the product's tables in its first database, of which each test gets a copy."""
    with PostgreSQL() as server:
        with django_db_blocker.unblock(), on(server, "tieback"):
            call_command("migrate", verbosity=0)
        yield server


@contextmanager
def on(server: PostgreSQL, name: str) -> Iterator[None]:
    """This process, too, looks at that database."""
    shared = connections["default"]
    own = connections.create_connection("default")
    own.settings_dict = {**shared.settings_dict, "USER": "tieback", "PASSWORD": "", "NAME": name}
    own.settings_dict |= {"HOST": "127.0.0.1", "PORT": server.port}
    connections["default"] = own
    try:
        yield
    finally:
        own.close()
        connections["default"] = shared


@pytest.fixture
def _on_it(server: PostgreSQL, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    name = re.sub(r"\W+", "_", request.node.name)[-60:]
    server.ask("postgres", f'CREATE DATABASE "{name}" TEMPLATE tieback')
    with django_db_blocker.unblock(), on(server, name):
        yield


@pytest.fixture
def scene(_on_it: None, _scripted_erp: None, books: Books) -> Scene:
    return Scene(books)


@pytest.fixture
def processes(scene: Scene) -> Iterator[Processes]:
    started: list[CeleryProcess] = []

    def start(kind: type[CeleryProcess], **environment: str) -> CeleryProcess:
        started.append(kind(**{"EXPORT_SETTLE_S": "0", "EXPORT_SWEEP_S": "0.5", **environment}))
        return started[-1].start()

    yield Processes(scene, start)
    for process in started:
        process.stop()


class Browser:
    """Alice's, at a web process: signed in, and able to say what she was answered."""

    def __init__(self, scene: Scene, web: Web) -> None:
        client = Client()
        client.force_login(scene.alice.user)
        cookies = {"sessionid": client.cookies["sessionid"].value}
        self.http = httpx2.Client(base_url=web.url, cookies=cookies, timeout=PATIENCE_S)
        self.page = (
            f"/companies/{scene.alice.company.slug}/erp-integrations/{scene.connection.slug}/standard-cost-codes/"
        )
        self.fields = self._read(self.get().text)

    def get(self) -> httpx2.Response:
        return self.http.get(self.page)

    def click(self, action: str) -> httpx2.Response:
        """On the list as it was read at first."""
        headers = {"HX-Request": "true", "X-CSRFToken": self.http.cookies["csrftoken"]}
        return self.http.post(f"{self.page}{action}/", data=self.fields, headers=headers)

    @staticmethod
    def _read(page: str) -> dict[str, str]:
        seen_at = re.search(r'name="seen_at" value="([^"]+)"', page)
        assert seen_at, page
        return {"filter": "ready-to-export", "seen_at": unescape(seen_at[1])}


@contextmanager
def browse(processes: Processes, **environment: str) -> Iterator[Browser]:
    browser = Browser(processes.scene, processes._start(Web, **{**QUICK, **environment}))
    yield browser
    browser.http.close()


def stop(server: PostgreSQL) -> None:
    """As `systemctl restart` begins ("fast"): every connection is ended."""
    connection.close()
    server._end(signal.SIGINT)


def end_backends(how: str = "pg_terminate_backend") -> None:
    """All others on this database; by "kill -9" one of them, and then the server ends the rest itself, ours too."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    if how == "pg_terminate_backend":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_terminate_backend(pid) {others}")
        return

    def one_is_killed() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pid {others} AND backend_type = 'client backend' LIMIT 1")
            found = cursor.fetchone()
        if found:
            os.kill(found[0], signal.SIGKILL)
        return found is not None

    def ours_is_ended() -> bool:
        """Until the server has noticed, it still takes new connections, to end them with the others."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except OperationalError:
            return True
        return False

    wait_until(one_is_killed, "A session to be killed")
    wait_until(ours_is_ended, "The end of all sessions")


def reconnect() -> None:
    """This process's own connection may be one of those that were ended; a server that recovers is waited for."""

    def answers() -> bool:
        connection.close()
        try:
            connection.ensure_connection()
        except OperationalError:
            return False
        return True

    wait_until(answers, "The database")
