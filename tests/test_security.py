"""What every answer carries, whatever the page."""

from __future__ import annotations

from contextlib import closing

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from pytest_django import Settings

from config.middleware import POLICY, ContentSecurityPolicy
from tests.factories import PASSWORD, make_bob, make_dora, make_user

pytestmark = pytest.mark.django_db

MEMBERS = "/companies/sample-builders/admin/members/"


def directives(policy: str) -> dict[str, str]:
    return dict(directive.strip().split(" ", 1) for directive in policy.split(";"))


@pytest.mark.parametrize("path", ["/login/", "/healthz", "/", "/nowhere/", MEMBERS, "/static/css/app.css"])
def test_every_answer_carries_the_policy(client: Client, path: str) -> None:
    with closing(client.get(path)) as response:
        assert response["Content-Security-Policy"] == POLICY


def test_the_policy_admits_our_own_files_and_nothing_inline() -> None:
    policy = directives(POLICY)

    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert policy["default-src"] == policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"


def test_a_page_may_carry_a_policy_of_its_own() -> None:
    own = ContentSecurityPolicy(lambda request: HttpResponse(headers={"Content-Security-Policy": "sandbox"}))

    assert own(HttpRequest())["Content-Security-Policy"] == "sandbox"


def test_browsers_are_told_not_to_guess_frame_or_leak(client: Client) -> None:
    response = client.get("/login/")

    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(client: Client) -> None:
    make_user("alice")
    response = client.post("/login/", {"username": "alice", "password": PASSWORD})

    session = response.cookies["sessionid"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")


def test_cookies_travel_by_https_where_the_site_is_https(client: Client, settings: Settings) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    make_user("alice")

    response = client.post("/login/", {"username": "alice", "password": PASSWORD})

    assert response.cookies["sessionid"]["secure"]
    assert response.cookies["csrftoken"]["secure"]


def test_a_page_by_http_is_sent_to_https_but_a_health_check_is_answered(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get("/login/")["Location"] == "https://testserver/login/"
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_https_is_remembered(client: Client, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000

    assert "max-age=31536000" in client.get("/login/", secure=True)["Strict-Transport-Security"]


@pytest.mark.parametrize("path", ["/login/", "/logout/", f"{MEMBERS}add/"])
def test_a_form_of_another_site_is_refused(path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_dora().user)

    response = client.post(path, {"username": "bob"})

    assert response.status_code == 403
    assert "Nothing was done" in response.content.decode()


def test_our_own_form_is_not_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    make_user("alice")
    token = client.get("/login/").cookies["csrftoken"].value

    response = client.post("/login/", {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token})

    assert response.status_code == 302


def test_a_password_is_nowhere_in_a_page_or_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    make_bob()

    response = client.post("/login/", {"username": "bob", "password": "canary-of-a-password"})

    assert "canary" not in response.content.decode()
    assert "canary" not in caplog.text
