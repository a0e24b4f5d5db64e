from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from exports.models import CodeExport
from tests import factories
from tests.exports.review_pages import Desk

pytestmark = pytest.mark.either

TREE = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
SEND = "/companies/sample-builders/erp-integrations/send/"
RECALL = "/companies/sample-builders/erp-integrations/recall/"


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


@pytest.fixture
def dora(desk: Desk) -> Client:
    return desk.client_of(desk.dora)


def told(client: Client, response: Any) -> str:
    assert response.status_code == 302
    assert response.headers["Location"].startswith(TREE)
    return client.get(TREE).content.decode()


def states() -> dict[str, str]:
    return dict(CodeExport.objects.values_list("code", "status"))


def test_without_ticks_everything_that_may_go_is_sent(dora: Client) -> None:
    factories.make_cost_code("01-100")
    factories.make_cost_code("01-200")

    page = told(dora, dora.post(SEND))

    assert states() == {"01-100": "READY", "01-200": "READY"}
    assert "2 cost codes sent to Practice ERP." in page


def test_with_ticks_only_those(dora: Client) -> None:
    item = factories.make_cost_code("01-100")
    factories.make_cost_code("01-200")

    dora.post(SEND, {"item": item.pk})

    assert states() == {"01-100": "READY"}


def test_a_tick_that_means_nothing_sends_nothing(dora: Client) -> None:
    factories.make_cost_code("01-100")

    told(dora, dora.post(SEND, {"item": "x"}))

    assert states() == {}


def test_a_code_that_breaks_a_rule_stays_with_its_reason_beside_it(dora: Client) -> None:
    long = factories.make_cost_code("01-" + "1" * 90)

    page = told(dora, dora.post(SEND, {"item": long.pk}))

    assert states() == {}
    assert "1 cost code stays; the reason stands beside each." in page
    assert "characters for a code" in page


def test_with_several_connections_one_must_be_chosen(desk: Desk, dora: Client) -> None:
    other = factories.make_connection(desk.dora.company, slug="other", name="Other Books")
    factories.make_cost_code("01-100")

    assert "Choose the connection to send to." in told(dora, dora.post(SEND))
    assert "1 cost code sent to Other Books." in told(dora, dora.post(SEND, {"connection": other.pk}))


def test_another_companys_connection_does_not_exist(dora: Client) -> None:
    foreign = factories.make_connection(factories.make_charlie().company)
    factories.make_cost_code("01-100")

    assert "Choose the connection to send to." in told(dora, dora.post(SEND, {"connection": foreign.pk}))


def test_a_sent_code_is_recalled(desk: Desk, dora: Client) -> None:
    item = factories.make_cost_code("01-100")
    dora.post(SEND)

    page = told(dora, dora.post(RECALL, {"item": item.pk}))

    assert states() == {"01-100": "REJECTED"}
    assert "1 cost code recalled." in page
    assert "Recalled by dora" in desk.get("?filter=rejected").content.decode()


def test_recall_needs_ticks(dora: Client) -> None:
    factories.make_cost_code("01-100")
    dora.post(SEND)

    assert "Tick the cost codes to recall." in told(dora, dora.post(RECALL))
    assert states() == {"01-100": "READY"}


@pytest.mark.parametrize("address", [SEND, RECALL])
def test_only_admins_of_the_wbs_may(desk: Desk, address: str) -> None:
    item = factories.make_cost_code("01-100")

    assert desk.client.post(address, {"item": item.pk}).status_code == 403
    assert desk.client_of(factories.make_charlie()).post(address, {"item": item.pk}).status_code == 404
    assert desk.client_of(desk.dora).get(address).status_code == 405
    assert states() == {}
