"""What a question says of its connection, and how an open page learns of that."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now
from django.test import Client

from companies.models import AuditEvent
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection
from tests.erp_integrations import vault
from tests.erp_integrations.pages import (
    ACCOUNTS,
    HTMX,
    REFUSED,
    VAULT,
    answer_to_test,
    text,
)

pytestmark = pytest.mark.django_db


def test_a_test_that_fails_for_the_connections_own_reason_breaks_it_and_one_that_works_mends_it(
    dora: Client, vault_connection: Connection
) -> None:
    Connection.objects.update(credentials={"password": "rotated"})
    answer_to_test(dora, f"{VAULT}test/", REFUSED)

    why = "Vault does not accept the password. Type it again."
    vault_connection.refresh_from_db()
    assert (vault_connection.state, vault_connection.state_message) == ("broken", why)
    assert AuditEvent.objects.get(action="connection.broken").new == why
    assert AuditEvent.objects.get(action="connection.broken").actor.username == "dora"
    answer_to_test(dora, f"{VAULT}test/", REFUSED)
    assert AuditEvent.objects.count() == 1

    Connection.objects.update(credentials={"password": vault.PASSWORD})
    answer_to_test(dora, f"{VAULT}test/", REFUSED)

    vault_connection.refresh_from_db()
    assert (vault_connection.state, vault_connection.state_message) == ("active", "")
    assert AuditEvent.objects.filter(action="connection.resumed").count() == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"options-password": "mistyped"},
        {"options-address": "down.test", "options-password": vault.PASSWORD},
    ],
)
def test_what_was_only_typed_says_nothing_of_the_connection(
    dora: Client, vault_connection: Connection, typed: dict[str, str]
) -> None:
    answer_to_test(dora, f"{VAULT}test/", {**REFUSED, **typed})

    vault_connection.refresh_from_db()
    assert (vault_connection.state, vault_connection.last_contact_at) == ("active", None)


def test_an_erp_that_is_down_is_no_reason_of_the_connection(dora: Client, vault_connection: Connection) -> None:
    Connection.objects.update(options={"address": "down.test", "branch": ""})

    answer_to_test(dora, f"{VAULT}test/", {**REFUSED, "options-address": "down.test"})

    vault_connection.refresh_from_db()
    assert vault_connection.state == "active"


def test_a_paused_connection_stays_paused_whatever_a_test_says(dora: Client, vault_connection: Connection) -> None:
    for password in ("rotated", vault.PASSWORD):
        Connection.objects.update(credentials={"password": password}, state="paused")
        answer_to_test(dora, f"{VAULT}test/", REFUSED)

        vault_connection.refresh_from_db()
        assert vault_connection.state == "paused"


def test_settings_that_were_mended_while_the_old_ones_were_tested_are_not_called_broken(
    dora: Client, vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: vault.VaultAdapter) -> None:
        Connection.objects.update(credentials={"password": "the new one"})
        raise ConfigurationError("Vault does not accept the password. Type it again.")

    monkeypatch.setattr(vault.VaultAdapter, "check", refuse)

    answer_to_test(dora, f"{VAULT}test/", REFUSED)

    vault_connection.refresh_from_db()
    assert vault_connection.state == "active"


# The head of an open page


def test_an_open_page_learns_that_the_erp_refuses_us(bob: Client, practice: Connection) -> None:
    page = text(bob.get(ACCOUNTS))
    address = page.partition('hx-get="')[2].partition('"')[0]
    assert 'hx-trigger="every 10s"' in page
    assert bob.get(address, headers=HTMX).status_code == 204

    Connection.objects.update(state="broken", state_message="The password is wrong.")

    head = text(bob.get(address, headers=HTMX))
    assert "Needs attention" in head
    assert "The password is wrong." in head
    again = head.partition('hx-get="')[2].partition('"')[0]
    assert bob.get(again, headers=HTMX).status_code == 204


def test_a_connection_whose_last_call_failed_is_not_called_connected(bob: Client, practice: Connection) -> None:
    said = {"state_message": "The Practice ERP cannot be reached.", "failures_in_a_row": 1, "open_until": Now()}
    Connection.objects.update(**said)

    page = text(bob.get(ACCOUNTS))

    assert "Retrying at" in page
    assert "The Practice ERP cannot be reached." in page
    assert "> Connected<" not in page
