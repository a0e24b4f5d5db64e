"""ERPs that hang for as long as anybody listens, and what they may not hold up: other companies, and any page."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest
from django.conf import settings as django_settings
from django.test import Client

from companies.models import Company
from erp_integrations.models import Connection, Question
from exports import queue, services
from exports.models import CodeExport
from tests import factories
from tests.exports.scene import Scene
from tests.exports.scripted import Books, Rule
from tests.exports.steps import make_many, neighbours
from tests.faults.conftest import Processes
from tests.patience import PATIENCE_S, is_quick
from tests.servers.celery import Beat, CeleryProcess, WideWorker
from tests.servers.dripping import DrippingServer
from tests.servers.web import Web

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.processes
SETTINGS = {"DJANGO_SETTINGS_MODULE": "tests.faults.dripping_settings", "EXPORT_LEASE_S": "120"}


@pytest.fixture
def drip() -> Iterator[DrippingServer]:
    with DrippingServer() as server:
        yield server


@pytest.fixture
def dripping(scene: Scene, drip: DrippingServer, settings: Any) -> Company:
    """Another company with four connections to it, each with a code that is due, and an admin; paused as yet."""
    settings.ERP_ADAPTERS = [*settings.ERP_ADAPTERS, "erp_integrations.adapters.tryton.adapter.TrytonAdapter"]
    company = factories.make_company("Dripping Builders", "dripping-builders")
    scene.queue("00-100")
    options = {"address": drip.url, "database": "books", "username": "admin", "company": "1"}
    values = {"erp": "tryton", "options": options, "credentials": {"password": "drip-drop"}}
    neighbours(scene, 4, company, state=Connection.State.PAUSED, **values)
    CodeExport.objects.filter(company=company).update(
        expense_account=None, expense_picked=""
    )  # Tryton takes another kind
    while scene.portion():
        pass
    return company


def start_dripping(company: Company) -> None:
    Connection.objects.filter(company=company).update(state=Connection.State.ACTIVE)
    queue.wake(company.connections.values_list("pk", flat=True))


def seconds_to_export(processes: Processes, scene: Scene, division: str, number: int) -> float:
    make_many(scene, division, number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    mine = CodeExport.objects.filter(connection=scene.connection).exclude(status="SUCCESS")
    started = time.monotonic()
    queue.wake([scene.connection.pk])
    processes.wait_until(lambda: not mine.exists())
    return time.monotonic() - started


def test_a_dripping_erp_of_one_company_holds_up_no_other(
    processes: Processes,
    scene: Scene,
    drip: DrippingServer,
    dripping: Company,
    start_process: Callable[..., CeleryProcess],
) -> None:
    start_process(WideWorker, **SETTINGS)
    start_process(Beat, **SETTINGS)
    alone_s = seconds_to_export(processes, scene, "01", 300)
    start_dripping(dripping)
    processes.wait_until(lambda: drip.hanging == 2)
    assert CodeExport.objects.filter(company=dripping, status="EXPORTING").count() == 2, "it is exports that hang"

    beside_s = seconds_to_export(processes, scene, "02", 300)

    logger.warning("beside / alone: %.2f / %.2f s = %.2f", beside_s, alone_s, beside_s / alone_s)
    assert drip.hanging
    assert drip.most == 2  # never more than one company may have
    assert len(scene.books.items()) == 601


def test_pages_answer_while_a_dripping_erp_is_asked(
    processes: Processes,
    scene: Scene,
    drip: DrippingServer,
    dripping: Company,
    start_process: Callable[..., CeleryProcess],
) -> None:
    web = start_process(Web, **SETTINGS)
    start_process(WideWorker, **SETTINGS)
    start_process(Beat, **SETTINGS)
    with closing(person_at(web, factories.make_member("dripper", dripping, erp=3).user)) as dripper:
        for place in range(4):  # on each connection; a web process has eight threads
            address = f"/companies/dripping-builders/erp-integrations/n{place}/"
            form = {"name": f"N{place}", "options-address": drip.url, "options-database": "books"}
            form |= {"options-username": "admin", "options-password": "drip-drop", "options-company": "1"}
            for path in ("settings/test/", "gl-accounts/sync/"):
                assert "You may leave this page" in dripper.post(f"{address}{path}", data=form).text
            form["name"] = f"Another {place}"
            new = dripper.post("/companies/dripping-builders/erp-integrations/new/tryton/", data=form)
            assert "Signing in to the ERP" in new.text
        processes.wait_until(lambda: drip.hanging == 2)

        for _ in range(20):
            assert is_quick(lambda: dripper.get("/healthz").raise_for_status(), 5)
            assert is_quick(lambda: dripper.get(f"{address}settings/").raise_for_status(), 5)

    assert Question.objects.filter(answered_at=None).count() == 12
    assert drip.most == 2
    assert seconds_to_export(processes, scene, "01", 50)


def person_at(web: Web, user: Any) -> httpx2.Client:
    """Signed in at the web process, with what a form needs."""
    browser = Client()
    browser.force_login(user)
    session = browser.cookies[django_settings.SESSION_COOKIE_NAME].value
    client = httpx2.Client(
        base_url=web.url,
        follow_redirects=True,
        timeout=PATIENCE_S,
        cookies={django_settings.SESSION_COOKIE_NAME: session},
    )
    client.get("/companies/dripping-builders/erp-integrations/supported/")
    client.headers |= {"X-CSRFToken": client.cookies["csrftoken"], "Referer": web.url}
    return client


def test_a_call_that_never_ends_is_cut_off_by_the_time_limit_of_its_task(processes: Processes, scene: Scene) -> None:
    """The net below all others: both children are free again, and the codes are looked up like any lost answer."""
    processes.worker(TASK_LIMIT_S="6")
    processes.beat(TASK_LIMIT_S="6")
    scene.queue("01-100")
    others = Books(scene.books.path.with_name("others"))
    [other] = neighbours(scene, 1, options={"journal": str(others.path)})
    for books in (scene.books, others):
        books.tell(Rule("sleep:600", times=1))
    queue.wake([scene.connection.pk, other.pk])

    assert processes.finish() == {"SUCCESS"}
    assert (len(scene.books.items()), len(others.items())) == (1, 1)
