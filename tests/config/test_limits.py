from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from celery.signals import worker_init
from django.conf import settings
from django.db import connection

from config import limits
from tests.servers.programs import ROOT


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[None]:
    monkeypatch.setattr(limits, "_of_process", "command")
    yield
    limits._of_thread.set(None)
    connection.close()


def told() -> list[str]:
    """What the database holds us to: lock, statement, idle; SQLite knows the first alone."""
    connection.close()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return [str(cursor.execute("PRAGMA busy_timeout").fetchone()[0])]
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        cursor.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}")
        return list(cursor.fetchone())


def expected(on_postgresql: list[str], on_sqlite: list[str]) -> list[str]:
    return on_sqlite if connection.vendor == "sqlite" else on_postgresql


def test_a_command_waits_long_for_a_lock_and_works_as_long_as_it_takes() -> None:
    assert told() == expected(["1min", "0", "0"], ["60000"])


@pytest.mark.pg_only
def test_statements_are_not_compiled() -> None:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)


def test_a_page_answers_within_five_seconds() -> None:
    limits.become("web")

    assert told() == expected(["4s", "30s", "1min"], ["4000"])


def test_a_worker_is_more_patient() -> None:
    worker_init.send(sender=None)

    assert told() == expected(["10s", "2min", "1min"], ["10000"])


def test_a_thread_that_serves_pages_answers_as_soon_though_a_worker_runs_beside_it() -> None:
    limits.become("worker")
    limits.serve_pages()

    assert told() == expected(["4s", "30s", "1min"], ["4000"])


def test_the_web_process_knows_what_it_is_for() -> None:
    asks = "import config.wsgi; from config import limits; print(limits._of_process)"
    done = subprocess.run([sys.executable, "-c", asks], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "web"


@pytest.mark.pg_only
def test_a_server_that_is_silent_is_given_up_soon() -> None:
    options = settings.DATABASES["default"]["OPTIONS"]

    assert options["connect_timeout"] <= 3
    assert options["keepalives_idle"] + options["keepalives_interval"] * options["keepalives_count"] <= 30
    assert options["tcp_user_timeout"] <= 10_000
