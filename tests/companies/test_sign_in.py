from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory
from pytest_django import Settings

from companies import sign_in
from companies.forms import SignInForm
from companies.models import SignInAttempt
from tests.factories import PASSWORD, make_user
from tests.meeting import wait_for

pytestmark = pytest.mark.django_db

WRONG = "This username and password do not fit together."
WAIT = "Too many failed sign-ins. Try again in"


def attempt(client: Client, username: str = "alice", password: str = "wrong", address: str = "192.0.2.1"):  # noqa: S107
    return client.post("/login/", {"username": username, "password": password}, REMOTE_ADDR=address)


def fail(client: Client, times: int, username: str = "alice", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert WRONG in attempt(client, username, address=address).content.decode()


def age(by: timedelta) -> None:
    SignInAttempt.objects.update(at=F("at") - by)


@pytest.fixture
def alice() -> User:
    return make_user("alice")


def test_the_fifth_failure_still_gets_its_answer_and_the_sixth_has_to_wait(client: Client, alice: User) -> None:
    fail(client, 5)

    response = attempt(client)

    assert response.status_code == 429
    assert f"{WAIT} 15 minutes." in response.content.decode()


def test_even_the_right_password_has_to_wait(client: Client, alice: User) -> None:
    fail(client, 5)

    assert WAIT in attempt(client, password=PASSWORD).content.decode()
    assert "_auth_user_id" not in client.session


def test_names_count_together_however_they_are_capitalised(client: Client, alice: User) -> None:
    for name in ("alice", "Alice", "ALICE", "aLICE", "alicE"):
        fail(client, 1, name)

    assert WAIT in attempt(client, password=PASSWORD).content.decode()


def test_the_wait_is_told_in_minutes_and_ends(client: Client, alice: User) -> None:
    fail(client, 5)

    age(timedelta(minutes=14, seconds=10))
    assert f"{WAIT} 1 minute." in attempt(client).content.decode()

    age(timedelta(minutes=1))
    assert attempt(client, password=PASSWORD).status_code == 302


def test_tries_during_the_wait_do_not_make_it_longer(client: Client, alice: User) -> None:
    fail(client, 5)
    age(timedelta(minutes=10))

    for _ in range(10):
        assert f"{WAIT} 5 minutes." in attempt(client).content.decode()


def test_the_wait_ends_for_one_try_when_the_oldest_failure_is_old(client: Client, alice: User) -> None:
    fail(client, 1)
    age(timedelta(minutes=10))
    fail(client, 4)

    age(timedelta(minutes=5, seconds=1))

    fail(client, 1)
    assert f"{WAIT} 10 minutes." in attempt(client).content.decode()


def test_an_unknown_name_is_treated_like_a_known_one(client: Client, alice: User) -> None:
    known = [attempt(client, "alice", address="192.0.2.1") for _ in range(6)]
    unknown = [attempt(client, "nobody", address="192.0.2.2") for _ in range(6)]

    def shape(response) -> tuple[int, str]:
        text = response.content.decode().replace("nobody", "alice")
        return response.status_code, "".join(line for line in text.splitlines() if "csrf" not in line.lower())

    assert [shape(response) for response in known] == [shape(response) for response in unknown]


@pytest.mark.parametrize("username", ["alice", "nobody", "gone"])
def test_known_unknown_and_inactive_names_cost_one_hashing(
    client: Client, alice: User, username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    hashings = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda self, *words: hashings.append(words) or encode(self, *words)
    )

    fail(client, 1, username)

    assert len(hashings) == 1


def test_an_address_may_fail_twenty_times_whatever_the_names(client: Client, alice: User) -> None:
    for number in range(20):
        fail(client, 1, f"name-{number}")

    assert WAIT in attempt(client, password=PASSWORD).content.decode()
    assert attempt(client, password=PASSWORD, address="192.0.2.2").status_code == 302


def test_a_success_forgives_the_name_but_not_the_address(client: Client, alice: User) -> None:
    fail(client, 4)

    attempt(client, password=PASSWORD)

    assert not SignInAttempt.objects.filter(key="pair:192.0.2.1:alice").exists()
    assert SignInAttempt.objects.filter(key="address:192.0.2.1").count() == 4


def test_failures_older_than_the_window_are_removed(client: Client, alice: User) -> None:
    fail(client, 3)
    age(timedelta(minutes=16))

    fail(client, 1, "bob", "192.0.2.9")

    keys = {"pair:192.0.2.9:bob", "address:192.0.2.9", "name:bob"}
    assert set(SignInAttempt.objects.values_list("key", flat=True)) == keys


def test_a_name_as_long_as_names_may_be_is_counted(client: Client) -> None:
    fail(client, 5, "ß" * 150)

    assert WAIT in attempt(client, "ß" * 150).content.decode()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::2", "2001:db8:1:2::"),
        ("", "unknown"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("192.0.2.7:5678", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:5678", "192.0.2.7"),
        ("[2001:db8:1:2::1]:443", "2001:db8:1:2::"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_a_sender_counts_by_the_network_it_owns_however_its_address_is_written(address: str, network: str) -> None:
    assert sign_in.network_of(RequestFactory().get("/", REMOTE_ADDR=address)) == network


def test_a_stranger_on_ipv4_locks_nobody_else_out_where_one_listener_takes_both_kinds(alice: User) -> None:
    fail(Client(), 5, address="::ffff:198.51.100.1")
    assert WAIT in attempt(Client(), address="::ffff:198.51.100.1").content.decode()

    assert attempt(Client(), password=PASSWORD, address="::ffff:198.51.100.2").status_code == 302


@pytest.mark.parametrize("address", ["", "unix:", "not-an-address", "[", "192.0.2.7:1:2"])
def test_an_address_that_cannot_be_read_is_reported(address: str, caplog: pytest.LogCaptureFixture) -> None:
    fail(Client(), 1, address=address)

    assert SignInAttempt.objects.filter(key="pair:unknown:alice").exists()
    assert "The address of a visitor cannot be read" in caplog.text


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(settings: Settings) -> None:
    claims = {"X-Forwarded-For": "198.51.100.1, 203.0.113.5"}  # the first is what the sender claims
    request = RequestFactory().get("/", headers=claims, REMOTE_ADDR="10.0.0.1")

    assert sign_in.network_of(request) == "10.0.0.1"
    settings.BEHIND_PROXY = True
    assert sign_in.network_of(request) == "203.0.113.5"


class TestStrangers:
    """They know a name, and keep nobody but themselves out."""

    @pytest.fixture
    def known(self, client: Client, alice: User) -> Client:
        """A browser in which alice signed in once."""
        assert attempt(client, password=PASSWORD).status_code == 302
        client.post("/logout/")
        return client

    def test_a_stranger_does_not_keep_the_person_out_elsewhere(self, alice: User) -> None:
        fail(Client(), 5)
        assert WAIT in attempt(Client()).content.decode()

        assert attempt(Client(), password=PASSWORD, address="198.51.100.7").status_code == 302

    def test_nor_a_known_device_in_the_same_network(self, known: Client) -> None:
        for number in range(4):
            fail(Client(), 5, f"name-{number}")
        assert WAIT in attempt(Client(), password=PASSWORD).content.decode(), "the network has failed too often"

        assert attempt(known, password=PASSWORD).status_code == 302

    def test_nor_do_many_networks_a_known_device(self, known: Client) -> None:
        for number in range(10):
            fail(Client(), 5, address=f"198.51.100.{number}")

        assert WAIT in attempt(Client(), address="198.51.100.99").content.decode(), "the name has failed too often"
        assert attempt(known, password=PASSWORD, address="198.51.100.99").status_code == 302

    def test_many_networks_meet_a_bound(self, alice: User) -> None:
        looked_at = sum(
            WRONG in attempt(Client(), address=f"198.51.{number}.1").content.decode() for number in range(60)
        )

        assert looked_at == 50

    def test_one_network_alone_uses_up_little_of_that_bound(self, alice: User) -> None:
        for _ in range(60):
            attempt(Client())

        assert SignInAttempt.objects.filter(key="name:alice").count() == 5

    def test_the_many_networks_of_one_ipv6_site_count_as_one_for_a_name(self, alice: User) -> None:
        for number in range(5):
            fail(Client(), 1, address=f"2001:db8:1:{number}::1")

        assert WAIT in attempt(Client(), address="2001:db8:1:99::1").content.decode()
        assert attempt(Client(), password=PASSWORD, address="2001:db8:2::1").status_code == 302

    def test_a_device_that_knows_another_name_is_a_stranger(self, known: Client) -> None:
        make_user("bob")
        fail(Client(), 5, "bob")

        assert WAIT in attempt(known, "bob", PASSWORD).content.decode()

    def test_a_known_device_may_not_guess_either(self, known: Client) -> None:
        fail(known, 5)

        assert attempt(known, password=PASSWORD).status_code == 429
        assert attempt(Client(), password=PASSWORD).status_code == 302

    def test_a_cookie_that_was_changed_or_is_old_makes_no_known_device(self, known: Client) -> None:
        fail(Client(), 5)
        genuine = known.cookies["device"].value

        for forged in ("", "x", f"{genuine}x", genuine[1:], signing.dumps(["id", "alice"])):
            known.cookies["device"] = forged
            assert WAIT in attempt(known, password=PASSWORD).content.decode()

        known.cookies["device"] = genuine
        assert attempt(known, password=PASSWORD).status_code == 302

    def test_the_cookie_is_for_the_sign_in_page_alone_and_names_nobody(self, known: Client) -> None:
        cookie = known.cookies["device"]

        assert (cookie["path"], cookie["samesite"], bool(cookie["httponly"])) == ("/login/", "Lax", True)
        assert cookie["max-age"] == 365 * 24 * 3600
        assert "alice" not in str(signing.loads(cookie.value, salt="device"))

    def test_a_device_knows_the_latest_names(self, known: Client) -> None:
        for number in range(8):
            make_user(f"name-{number}")
            attempt(known, f"name-{number}", PASSWORD)
            known.post("/logout/")
        fail(Client(), 5)
        fail(Client(), 5, "name-0")

        assert attempt(known, password=PASSWORD).status_code == 429
        assert attempt(known, "name-0", PASSWORD).status_code == 302


class TestManyAtOnce:
    """A try counts before its password is looked at; the control counts afterwards, as one would first write it."""

    TOGETHER = 12

    @pytest.fixture
    def looks(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """The passwords that were looked at, each look as long as it takes the others to come: hashing is slow."""
        looks: list[str] = []
        self.refused: list[None] = []

        def look(request: object, username: str, password: str) -> None:
            looks.append(password)
            wait_for(lambda: len(looks) + len(self.refused) >= self.TOGETHER)

        monkeypatch.setattr("django.contrib.auth.forms.authenticate", look)
        return looks

    def guess_together(self) -> None:
        start = threading.Barrier(self.TOGETHER)

        def guess() -> None:
            start.wait()
            attempt(Client())
            self.refused.append(None)  # or looked at, long ago
            connection.close()

        threads = [threading.Thread(target=guess) for _ in range(self.TOGETHER)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @pytest.mark.django_db(transaction=True)
    def test_no_more_than_five_passwords_are_looked_at(self, looks: list[str]) -> None:
        self.guess_together()

        assert len(looks) <= 5

    @pytest.mark.django_db(transaction=True)
    def test_control_counting_afterwards_lets_more_through(
        self, looks: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clean = SignInForm.clean

        def clean_then_count(form: SignInForm) -> dict[str, Any]:
            try:
                return clean(form)
            except ValidationError:
                SignInAttempt.objects.create(key="pair:192.0.2.1:alice")
                raise

        class CountsNothing(sign_in.Attempt):
            def __init__(self, limits: dict[str, int]) -> None:
                self.rows = []
                self.wait = max(sign_in._wait(key, limit - 1) for key, limit in limits.items())

        monkeypatch.setattr("companies.forms.Attempt", CountsNothing)
        monkeypatch.setattr(SignInForm, "clean", clean_then_count)
        self.guess_together()

        assert len(looks) > 6
        assert WAIT in attempt(Client()).content.decode(), "it does count, too late"
