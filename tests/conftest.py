"""What all tests share: no way out to the network, real worker processes, and no test that is skipped."""

from __future__ import annotations

import gc
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest

from tests.databases import differs
from tests.flush import emptying_lifts_triggers as emptying_lifts_triggers
from tests.servers.celery import Beat, CeleryProcess, Worker
from tests.servers.smtp import MailServer

# A busy machine is no finding: what is slow is told by benchmarks.
UNHURRIED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("quick", UNHURRIED, max_examples=25)
hypothesis.settings.register_profile("whole", UNHURRIED, max_examples=100)
FAST = {"EXPORT_LEASE_S": "2", "EXPORT_SETTLE_S": "0", "EXPORT_SWEEP_S": "0.5", "EXPORT_RETRY_S": "0.2"}
FAST |= {"CELERY_SKIP_CHECKS": "1"}  # Django's, half of what a start takes


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Tests that reach out would pass or fail with the weather."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise PermissionError(f"A test tried to reach {address[0]}.")
        connect(self, address)

    def guarded_resolve(host: str | bytes | None, *words: Any, **named: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or _is_loopback(name) or _is_address(name):
            return resolve(host, *words, **named)
        raise socket.gaierror(socket.EAI_NONAME, f"A test tried to look up {name}.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


@pytest.fixture
def start_process(transactional_db: None) -> Iterator[Callable[..., CeleryProcess]]:
    """`start_process(Worker, EXPORT_LEASE_S="1")`: a real process on the test's database; ended with the test."""
    from config.celery import app

    started: list[CeleryProcess] = []
    with app.connection_for_write() as broker:
        app.amqp.queues[app.conf.task_default_queue](broker).purge()

    def start(kind: type[CeleryProcess], **environment: str) -> CeleryProcess:
        process = kind(**{**FAST, **environment})
        started.append(process)
        return process.start()

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def worker(start_process: Callable[..., Worker]) -> Worker:
    return start_process(Worker)


@pytest.fixture
def beat(start_process: Callable[..., Beat]) -> Beat:
    """Sweeps twice a second."""
    return start_process(Beat)


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    """A real one on loopback, which this process sends through."""
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", server.port, False
        yield server


def pytest_configure(config: pytest.Config) -> None:
    is_quick = "not slow" in config.option.markexpr
    hypothesis.settings.load_profile("quick" if is_quick else "whole")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if differs(item.path):
            item.add_marker(pytest.mark.differs)


def pytest_collection_finish() -> None:
    """What is there by now stays to the end: looking through it for garbage again and again takes a tenth of a run."""
    gc.freeze()
    gc.set_threshold(50_000)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that did not run proves nothing, so it counts as failed."""
    if session.exitstatus == pytest.ExitCode.OK and _not_run(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if number := _not_run(config):
        terminalreporter.write_line(f"{number} skipped or expected to fail: counted as failed.", red=True)


def _not_run(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return sum(len(reporter.stats.get(kind, [])) for kind in ("skipped", "xfailed", "xpassed"))
