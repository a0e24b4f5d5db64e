from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from companies.models import Company, Level, Member
from core.clock import in_seconds
from tests.factories import make_alice, make_bob, make_charlie, make_dora

pytestmark = pytest.mark.django_db

MEMBERS = "/companies/sample-builders/admin/members/"


@pytest.fixture
def dora(client: Client) -> Member:
    dora = make_dora()
    client.force_login(dora.user)
    return dora


def test_a_stranger_signs_in_first_and_comes_back(client: Client) -> None:
    response = client.get(f"{MEMBERS}?q=a b")

    assert (response.status_code, response["Location"]) == (302, f"/login/?next={MEMBERS}%3Fq%3Da%2520b")


def test_after_an_action_the_way_back_is_the_page_it_was_on(client: Client) -> None:
    response = client.post(f"{MEMBERS}add/", headers={"Referer": f"http://testserver{MEMBERS}?page=2"})

    assert response["Location"] == f"/login/?next={MEMBERS}%3Fpage%3D2"


@pytest.mark.parametrize("referer", ["", "http://evil.example/", "http://testserver.evil.example/x", "javascript:x"])
def test_after_an_action_from_elsewhere_the_way_back_is_home(client: Client, referer: str) -> None:
    response = client.post(f"{MEMBERS}add/", headers={"Referer": referer} if referer else {})

    assert response["Location"] == "/login/?next=/"


def test_htmx_takes_the_whole_page_to_the_sign_in(client: Client) -> None:
    page = f"http://testserver{MEMBERS}"
    response = client.post(f"{MEMBERS}add/", headers={"HX-Request": "true", "HX-Current-URL": page})

    assert (response.status_code, response["HX-Redirect"]) == (401, f"/login/?next={MEMBERS}")
    assert response.content == b""


def test_someone_who_left_the_firm_is_a_stranger(client: Client, dora: Member) -> None:
    dora.user.is_active = False
    dora.user.save()

    assert client.get(MEMBERS)["Location"] == f"/login/?next={MEMBERS}"


def test_a_session_that_ran_out_is_a_strangers(client: Client, dora: Member) -> None:
    Session.objects.update(expire_date=in_seconds(-1))

    assert client.get(MEMBERS)["Location"] == f"/login/?next={MEMBERS}"


def test_another_company_looks_exactly_like_none(client: Client, dora: Member) -> None:
    Company.objects.create(name="Other Builders", slug="other-builders")
    other = client.get("/companies/other-builders/admin/members/")
    none = client.get("/companies/no-such-builders/admin/members/")

    assert (other.status_code, none.status_code) == (404, 404)
    assert [line for line in other.content.splitlines() if b"csrf" not in line.lower()] == [
        line for line in none.content.splitlines() if b"csrf" not in line.lower()
    ]


def test_too_low_a_level_is_refused_with_a_page(client: Client) -> None:
    client.force_login(make_bob().user)

    response = client.get(MEMBERS)

    assert response.status_code == 403
    assert "You may not do this" in response.content.decode()


def test_a_refusal_is_logged_with_person_company_and_path(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.force_login(make_bob().user)

    client.post(f"{MEMBERS}add/", {"username": "secret"})

    lines = [record.getMessage() for record in caplog.records if record.name == "companies.access"]
    assert lines == [f"Denied: POST {MEMBERS}add/ to bob in sample-builders. Needs Admin on Admin."]


def test_a_look_at_another_company_is_logged_too(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    make_alice()
    client.force_login(make_charlie().user)

    client.get(MEMBERS)

    lines = [record.getMessage() for record in caplog.records if record.name == "companies.access"]
    assert lines == [f"Denied: GET {MEMBERS} to charlie in sample-builders. There is no such company."]


def test_who_someone_is_costs_three_queries(
    client: Client, dora: Member, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(3 + 1):  # session, user, member; the list of members
        client.get(MEMBERS)


def test_pages_are_not_kept_for_the_back_button_after_signing_out(client: Client, dora: Member) -> None:
    assert "no-store" in client.get(MEMBERS)["Cache-Control"]


def test_rights_apply_from_the_next_request_on(client: Client, dora: Member) -> None:
    assert client.get(MEMBERS).status_code == 200

    Member.objects.update(admin_level=Level.STANDARD)

    assert client.get(MEMBERS).status_code == 403
