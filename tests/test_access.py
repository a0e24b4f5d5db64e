"""Every address times every person and method. The table is held against the URL resolver: an address without a
case fails here, so nobody can add a page without saying who may use it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, path
from pytest_django import DjangoDbBlocker

from tests.access import (
    PEOPLE,
    Address,
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
from tests.addresses import ADDRESSES, CASES, Body

pytestmark = [pytest.mark.django_db, pytest.mark.either]

Rows = dict[str, set[str]]
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
