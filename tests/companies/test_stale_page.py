"""A page that was loaded before someone signed in or out in another tab."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from companies.models import Member
from core.bodies import STRANGER_BYTES
from tests.factories import PASSWORD, make_bob, make_dora, make_user

pytestmark = pytest.mark.django_db

MEMBERS = "/companies/sample-builders/admin/members/"
OURS = {"Origin": "http://testserver"}
HTMX = {**OURS, "HX-Request": "true"}


@pytest.fixture
def dora() -> Member:
    return make_dora()


@pytest.fixture
def browser(dora: Member) -> Client:
    """Checks tokens, as the real ones do."""
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser, "dora")
    return browser


def sign_in(browser: Client, username: str) -> None:
    data = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token_in(browser, "/login/")}
    assert browser.post("/login/", data).status_code == 302


def token_in(browser: Client, page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(page, follow=True).content.decode())
    assert found
    return found[1]


def send(browser: Client, data: dict[str, Any], headers: dict[str, str] = OURS, url: str = f"{MEMBERS}add/") -> Any:
    return browser.post(url, data, headers=headers)


def offered(response: Any) -> dict[str, str]:
    """What the page would send again."""
    html = response.content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', html.partition("<main")[2])
    kept = dict(re.findall(r'<textarea name="(\w+)" hidden>\n(.*?)</textarea>', html, re.DOTALL))
    return {**kept, "csrfmiddlewaretoken": token[0]} if token else kept


NEW = {"username": "erin", "admin_level": "1", "erp_level": "0"}


class TestSignedInAnew:
    @pytest.fixture
    def stale(self, browser: Client) -> dict[str, str]:
        """What a form sends that was loaded before the person signed in anew."""
        make_user("erin")
        token = token_in(browser, MEMBERS)
        sign_in(browser, "dora")
        return {**NEW, "csrfmiddlewaretoken": token}

    def test_a_form_is_told_the_truth_and_offered_again(self, browser: Client, stale: dict[str, str]) -> None:
        response = send(browser, stale)

        assert response.status_code == 403
        assert "You are signed in as dora now." in response.content.decode()
        assert not Member.objects.filter(user__username="erin").exists()
        again = offered(response)
        assert again.items() >= NEW.items()
        assert send(browser, again).status_code == 302
        assert Member.objects.get(user__username="erin").admin_level == 1

    @pytest.mark.parametrize("headers", [{}, {"Origin": "null"}, {"Origin": "https://evil.example"}])
    def test_what_may_come_from_another_site_is_not_offered(
        self, browser: Client, stale: dict[str, str], headers: dict[str, str]
    ) -> None:
        response = send(browser, stale, headers)

        assert response.status_code == 403
        assert offered(response).keys() & NEW.keys() == set()

    def test_htmx_is_told_in_a_sentence(self, browser: Client, stale: dict[str, str]) -> None:
        response = send(browser, stale, HTMX)

        assert response.status_code == 403
        assert response["Content-Type"].startswith("text/plain")
        assert "You are signed in as dora now. Load the page anew." in response.content.decode()

    def test_secrets_and_files_are_asked_for_again(self, browser: Client, stale: dict[str, str]) -> None:
        file = SimpleUploadedFile("list.csv", b"code\n01\n")
        response = send(browser, {**stale, "options-password": "s3cret-value", "file": file})

        assert "s3cret-value" not in response.content.decode()
        assert "Files and passwords are not kept" in response.content.decode()

    def test_a_file_is_asked_for_again_also_when_a_strangers_was_dropped(self, client: Client) -> None:
        file = SimpleUploadedFile("list.csv", b"code\n01\n")
        address = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/import/"

        response = client.post(address, {"file": file}, headers=OURS)

        assert response.status_code == 401
        assert "Files and passwords are not kept" in response.content.decode()

    def test_what_was_typed_is_no_markup_and_keeps_its_lines(self, browser: Client, stale: dict[str, str]) -> None:
        response = send(browser, {**stale, "reason": "\n</textarea><b>one\ntwo"})

        assert "\n\n&lt;/textarea&gt;&lt;b&gt;one\ntwo</textarea>" in response.content.decode()


class TestSomeoneElse:
    """The token is of now, since scripts or the person have seen to that; the page is another's."""

    @pytest.fixture
    def sent(self, browser: Client, dora: Member) -> dict[str, str]:
        make_user("erin")
        other = make_bob()
        Member.objects.filter(pk=other.pk).update(admin_level=3)
        sign_in(browser, "bob")
        return {**NEW, "csrfmiddlewaretoken": token_in(browser, MEMBERS), "page_person": str(dora.user_id)}

    def test_nothing_is_done_under_another_name(self, browser: Client, sent: dict[str, str]) -> None:
        response = send(browser, sent)

        assert response.status_code == 403
        assert "You are signed in as bob now; this page was made for someone else." in response.content.decode()
        assert not Member.objects.filter(user__username="erin").exists()

    def test_unless_they_say_so(self, browser: Client, sent: dict[str, str]) -> None:
        again = offered(send(browser, sent))

        assert "Send it as bob" in send(browser, sent).content.decode()
        assert send(browser, again).status_code == 302
        assert Member.objects.filter(user__username="erin").exists()

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_htmx_says_whose_page_it_is_in_a_header(
        self, browser: Client, sent: dict[str, str], dora: Member, method: str
    ) -> None:
        data = {"csrfmiddlewaretoken": sent["csrfmiddlewaretoken"]}
        url = {"get": MEMBERS, "post": f"{MEMBERS}add/"}[method]
        response = getattr(browser, method)(url, data, headers={**HTMX, "Page-Person": str(dora.user_id)})

        assert response.status_code == 403
        assert "You are signed in as bob now" in response.content.decode()

    def test_their_own_page_is_as_ever(self, browser: Client, sent: dict[str, str]) -> None:
        own = {**sent, "page_person": str(Member.objects.get(user__username="bob").user_id)}

        assert send(browser, own).status_code == 302


class TestSignedOut:
    def test_what_was_typed_is_kept_and_goes_after_signing_in(self, browser: Client, dora: Member) -> None:
        make_user("erin")
        token = token_in(browser, MEMBERS)
        browser.post("/logout/", {"csrfmiddlewaretoken": token})

        response = send(browser, {**NEW, "csrfmiddlewaretoken": token, "page_person": str(dora.user_id)})

        assert response.status_code == 401
        assert "You are signed out." in response.content.decode()
        again = offered(response)
        assert again["page_person"] == str(dora.user_id), "whoever signs in next is told"
        sign_in(browser, "dora")
        assert send(browser, {**again, "csrfmiddlewaretoken": token_in(browser, MEMBERS)}).status_code == 302
        assert Member.objects.filter(user__username="erin").exists()

    @pytest.mark.parametrize("is_file", [True, False])
    def test_what_is_too_long_to_be_read_is_neither_promised_nor_offered(self, client: Client, is_file: bool) -> None:
        much = "x" * (STRANGER_BYTES + 1)
        data = {**NEW, "file": SimpleUploadedFile("list.csv", much.encode()) if is_file else much}

        response = client.post(f"{MEMBERS}add/", data, headers=OURS)

        page = response.content.decode()
        assert response.status_code == 401
        assert "You are signed out." in page
        assert "too long to be kept on this page" in page
        assert "What you typed is kept" not in page
        assert "Send Again" not in page

    def test_signing_in_as_another_is_no_silent_going_on_as_before(self, browser: Client) -> None:
        make_user("erin")

        sign_in(browser, "erin")

        assert browser.get("/").wsgi_request.user.get_username() == "erin"


def test_a_browser_without_cookies_is_told_about_them(dora: Member) -> None:
    response = Client(enforce_csrf_checks=True).post("/login/", {"username": "dora", "password": PASSWORD})

    assert response.status_code == 403
    assert "does not keep cookies" in response.content.decode()
