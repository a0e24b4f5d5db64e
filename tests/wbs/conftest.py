from __future__ import annotations

import pytest
from django.test import Client

from companies.models import Company, Member
from tests.factories import make_alice, make_bob, make_charlie, make_company, make_dora
from wbs.models import drafts


def signed_in(member: Member) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


@pytest.fixture
def dora(db: None) -> Client:
    """May do everything."""
    return signed_in(make_dora())


@pytest.fixture
def bob(db: None) -> Client:
    """May look."""
    return signed_in(make_bob())


@pytest.fixture
def alice(db: None) -> Client:
    """An approver, who may only look at the WBS."""
    return signed_in(make_alice())


@pytest.fixture
def charlie(db: None) -> Client:
    """Of another company."""
    return signed_in(make_charlie())


@pytest.fixture
def company(db: None) -> Company:
    return make_company()


@pytest.fixture(autouse=True)
def nobody_waits_for_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """None comes here, so the click reads and checks a list itself."""
    monkeypatch.setattr(drafts, "PATIENCE_S", 0)
