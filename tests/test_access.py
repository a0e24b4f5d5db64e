"""Every address times every person and method. The table is held against the URL resolver: an address without a
case fails here, so nobody can add a page without saying who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, path
from pytest_django import DjangoDbBlocker

from erp_integrations.adapters.practice.behaviour import Behaviour
from tests.access import (
    PEOPLE,
    Address,
    Case,
    Right,
    World,
    addresses,
    all_rows,
    expected,
    make_browser,
    make_worlds,
    told,
    undone,
)

pytestmark = pytest.mark.django_db

Body = dict[str, Any]
Rows = dict[str, set[str]]


def rights(world: World) -> Body:
    return {"admin_level": 1, "erp_level": 1, "version": 1, "username": "charlie"}


def connection(world: World) -> Body:
    return {"name": "Renamed", "income": world.account.pk, "options-behaviour": Behaviour.NORMAL}


def default(world: World) -> Body:
    return {"income": world.other_account.pk}


def item(world: World) -> Body:
    return {"code": "900", "description": "New", "parent": world.item.parent_id, "version": 1}


def items(world: World) -> Body:
    return {"item": [world.item.pk, world.export.item_id], "connection": world.connection.pk, "action": "deactivate"}


def project(world: World) -> Body:
    return {"number": "P-1", "name": "Renamed", "connection": world.connection.pk, "version": 1}


def accounts(world: World) -> Body:
    return {"version": 1, "item_version": 1, "income": world.other_account.pk, "expense": ""}


def ticked(world: World) -> Body:
    read = {"filter": "all", "only": "ticked", "seen_at": f"{datetime.max.replace(tzinfo=UTC).isoformat()} 999999"}
    return {**read, "export": [world.export.pk, world.failed.pk], "set_income": world.account.pk}


SEE_WBS, EDIT_WBS = Right.SEE_WBS, Right.EDIT_WBS
SEE_ERP, REVIEW, CONFIGURE = Right.SEE_ERP, Right.REVIEW, Right.CONFIGURE_ERP

CASES = {
    "healthz": Case(get=Right.PUBLIC),
    "readyz": Case(get=Right.PUBLIC),
    "erp_integrations_public:supported": Case(get=Right.PUBLIC),
    "companies:home": Case(get=Right.SIGNED_IN),
    "companies:sign_in": Case(get=Right.PUBLIC, post=Right.PUBLIC),
    "companies:sign_out": Case(post=Right.PUBLIC),
    "companies:members": Case(get=EDIT_WBS),
    "companies:add": Case(post=EDIT_WBS, body=rights),
    "companies:change": Case(post=EDIT_WBS, body=rights),
    "companies:four_eyes": Case(post=EDIT_WBS, body=lambda world: {"four_eyes": "on"}),
    "companies:remove": Case(post=EDIT_WBS, body=rights),
    "wbs:segments": Case(get=SEE_WBS),
    "wbs:cost_codes": Case(get=SEE_WBS),
    "wbs:codes": Case(get=SEE_WBS),
    "wbs:add_segment": Case(post=EDIT_WBS, body=lambda world: {"name": "Phase"}),
    "wbs:delete_segment": Case(post=EDIT_WBS),
    "wbs:budget_code": Case(get=EDIT_WBS, post=EDIT_WBS, body=lambda world: {"delimiter": "/"}),
    "wbs:change_items": Case(post=EDIT_WBS, body=items, sends_ids=True),
    "wbs:check_item": Case(get=EDIT_WBS),
    "wbs:add_item": Case(get=EDIT_WBS, post=EDIT_WBS, body=item, sends_ids=True),
    "wbs:edit_item": Case(get=EDIT_WBS, post=EDIT_WBS, body=item, sends_ids=True),
    "wbs:import_codes": Case(get=EDIT_WBS, post=EDIT_WBS),
    "wbs:draft": Case(get=EDIT_WBS),
    "wbs:download_template": Case(get=EDIT_WBS),
    "wbs:export_csv": Case(get=SEE_WBS),
    "wbs:export_xlsx": Case(get=SEE_WBS),
    "wbs:projects": Case(get=SEE_WBS),
    "wbs:add_project": Case(get=EDIT_WBS, post=EDIT_WBS, body=project, sends_ids=True),
    "wbs:missing_codes": Case(get=SEE_WBS),
    "wbs:add_where_missing": Case(post=EDIT_WBS, body=lambda world: {"project": world.project.pk}, sends_ids=True),
    "wbs:project": Case(get=SEE_WBS),
    "wbs:edit_project": Case(get=EDIT_WBS, post=EDIT_WBS, body=project, sends_ids=True),
    "wbs:company_codes": Case(
        get=EDIT_WBS, post=EDIT_WBS, body=lambda world: {"add": "selected", "item": world.item.pk}, sends_ids=True
    ),
    "wbs:remove_codes": Case(post=EDIT_WBS, body=lambda world: {"item": world.export.item_id}, sends_ids=True),
    "wbs:add_own_code": Case(post=EDIT_WBS, body=lambda world: {"code": "900", "description": "New"}),
    "wbs:remove_own_code": Case(post=EDIT_WBS),
    "erp_integrations:connections": Case(get=SEE_ERP),
    "erp_integrations:supported": Case(get=SEE_ERP),
    "erp_integrations:new_connection": Case(get=CONFIGURE, post=CONFIGURE, body=connection),
    "erp_integrations:gl_accounts": Case(get=SEE_ERP),
    "erp_integrations:sync_gl_accounts": Case(post=CONFIGURE),
    "erp_integrations:settings": Case(get=CONFIGURE, post=CONFIGURE, body=connection, sends_ids=True),
    "erp_integrations:test_connection": Case(post=CONFIGURE, body=connection),
    "erp_integrations:pause": Case(post=CONFIGURE),
    "erp_integrations:resume": Case(post=CONFIGURE),
    "exports:send": Case(post=EDIT_WBS, body=items, sends_ids=True),
    "exports:recall": Case(post=EDIT_WBS, body=items, sends_ids=True),
    "exports:standard_cost_codes": Case(get=SEE_ERP),
    "exports:poll": Case(post=SEE_ERP, body=ticked),
    "exports:export": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:reject": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:retry_selected": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:set_accounts": Case(post=REVIEW, body=ticked, sends_ids=True),
    "exports:undo": Case(post=REVIEW, pk="rejection"),
    "exports:reason": Case(post=REVIEW, pk="rejection", body=lambda world: {"reason": "Wrong division"}),
    "exports:default_accounts": Case(get=CONFIGURE),
    "exports:default_accounts_of": Case(get=CONFIGURE, post=CONFIGURE, pk="item", body=default, sends_ids=True),
    "exports:link_page": Case(get=REVIEW),
    "exports:read_items": Case(post=REVIEW),
    "exports:link_selected": Case(post=REVIEW, body=ticked),
    "exports:accept_change": Case(post=REVIEW, pk="export"),
    "exports:update": Case(post=REVIEW, pk="synced", body=accounts, sends_ids=True),
    "exports:unlink": Case(post=REVIEW, pk="export", body=lambda world: {"reason": "Wrong item"}),
    "exports:reject_one": Case(post=REVIEW, pk="export"),
    "exports:reset": Case(post=REVIEW, pk="export"),
    "exports:code": Case(get=SEE_ERP, pk="export"),
    "exports:assign": Case(post=REVIEW, pk="export", body=accounts, sends_ids=True),
    "exports:retry": Case(post=REVIEW, pk="export"),
    "exports:cancel": Case(post=REVIEW, pk="export"),
    "exports:link": Case(post=REVIEW, pk="export"),
    "exports:rules": Case(get=SEE_ERP),
    "exports:history": Case(get=SEE_ERP),
    "exports:batch": Case(get=SEE_ERP, pk="rejection"),
    "exports:batch_csv": Case(get=SEE_ERP, pk="rejection"),
    "exports:download_qwc": Case(get=CONFIGURE, connection="pulled"),
    "exports:new_password": Case(post=CONFIGURE, connection="pulled"),
    "web_connector:endpoint": Case(get=Right.PUBLIC, post=Right.MACHINE),
    "web_connector:support": Case(get=Right.PUBLIC),
}

ADDRESSES = {address.name: address for address in addresses(get_resolver().url_patterns)}
every_address = pytest.mark.parametrize("name", sorted(CASES))


def without_case(found: list[Address]) -> set[str]:
    return {address.name for address in found} - CASES.keys()


def test_every_address_has_a_case_and_every_case_an_address() -> None:
    found = list(addresses(get_resolver().url_patterns))

    assert without_case(found) == set()
    assert CASES.keys() - ADDRESSES.keys() == set()
    assert len(found) == len(ADDRESSES), "two addresses have one name"


def test_an_address_without_a_case_would_be_noticed() -> None:
    def view() -> None: ...

    new = [path("named/<int:pk>/", view, name="new"), path("nameless/", view)]

    assert without_case(list(addresses([*get_resolver().url_patterns, *new]))) == {"new", "/nameless/"}


@dataclass(frozen=True)
class Made:
    worlds: tuple[World, World]  # ours, and the one that must not be touched from ours
    browsers: dict[str, Client]
    rows: Rows

    def browser(self, person: str) -> Client:
        """Signed in just now: no answer to another test can have signed them out."""
        browser = Client()
        browser.cookies = deepcopy(self.browsers[person].cookies)
        return browser


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Made]:
    """Once for all tests: what each of them does is undone after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        worlds = make_worlds()
        browsers = {person: make_browser(person) for person in PEOPLE}
        yield Made(worlds, browsers, all_rows())
        transaction.set_rollback(True)


@pytest.fixture
def worlds(made: Made) -> tuple[World, World]:
    return made.worlds


@pytest.fixture
def before(made: Made) -> Rows:
    """Every row, before anything is asked."""
    return made.rows


@pytest.fixture
def dora(made: Made) -> Client:
    return made.browser("dora")


@every_address
def test_it_lets_in_who_may_and_whoever_is_refused_changes_nothing(name: str, made: Made, before: Rows) -> None:
    case, (ours, _) = CASES[name], made.worlds
    url = ADDRESSES[name].url(case, ours)
    browsers = {person: made.browser(person) for person in PEOPLE}
    wanted = {(method, person): expected(case.right(method), person) for method in ("GET", "POST") for person in PEOPLE}
    answers = {}

    for (method, person), answer in wanted.items():
        with undone() if (method, answer) == ("POST", "let in") else nullcontext():
            answers[method, person] = told(ask(browsers[person], method, url, case.body(ours)))

    assert answers == wanted
    assert all_rows() == before


@every_address
def test_other_methods_are_refused_and_head_is_no_way_around(
    name: str, dora: Client, worlds: tuple[World, World], before: Rows
) -> None:
    case, (ours, _) = CASES[name], worlds
    url = ADDRESSES[name].url(case, ours)

    for method in ("PUT", "PATCH", "DELETE"):
        assert dora.generic(method, url).status_code == 405
    assert dora.head(url).status_code in ({405, dora.get(url).status_code} if case.get else {405})
    assert all_rows() == before


@every_address
def test_what_another_site_sends_is_refused(name: str, dora: Client, worlds: tuple[World, World], before: Rows) -> None:
    """Everyone's cookies, no token."""
    case, (ours, _) = CASES[name], worlds
    url = ADDRESSES[name].url(case, ours)
    dora.handler.enforce_csrf_checks = True

    is_machine = case.post is Right.MACHINE  # reads no cookie, so there is nothing to abuse
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        refused = (400 if method == "POST" else 405) if is_machine else 403
        assert ask(dora, method, url, case.body(ours)).status_code == refused
    assert all_rows() == before


@pytest.mark.parametrize("name", sorted(name for name, address in ADDRESSES.items() if address.ids))
def test_what_belongs_to_another_company_is_not_below_ours(
    name: str, dora: Client, worlds: tuple[World, World], before: Rows
) -> None:
    case, (ours, theirs) = CASES[name], worlds

    for parameter in ADDRESSES[name].ids:
        url = ADDRESSES[name].url(case, ours, **{parameter: theirs.value(case, parameter)})
        for method in (method for method in ("GET", "POST") if case.right(method)):
            assert ask(dora, method, url, case.body(ours)).status_code == 404
    assert all_rows() == before


@pytest.mark.parametrize("name", sorted(name for name, case in CASES.items() if case.sends_ids))
def test_what_belongs_to_another_company_cannot_be_sent_to_ours(
    name: str, dora: Client, worlds: tuple[World, World], before: Rows
) -> None:
    """Ids inside a form: rows that are ticked, accounts that are chosen."""
    case, (ours, theirs) = CASES[name], worlds
    url, sessions = ADDRESSES[name].url(case, ours), "django_session"  # where the answer waits for the next page
    before = {table: rows for table, rows in before.items() if table != sessions}

    with undone():
        ask(dora, "POST", url, case.body(ours))
        assert all_rows(without=sessions) != before, "control: with our own ids it does something"
    ask(dora, "POST", url, case.body(theirs))

    assert all_rows(without=sessions) == before


def ask(browser: Client, method: str, url: str, body: Body) -> HttpResponse:
    return browser.post(url, body) if method == "POST" else browser.generic(method, url)
