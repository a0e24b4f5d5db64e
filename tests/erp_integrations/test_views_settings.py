from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from django.test import Client

from companies.models import AuditEvent
from erp_integrations.base import AccountKind
from erp_integrations.models import Connection
from tests.erp_integrations import vault
from tests.erp_integrations.pages import (
    BASE,
    HTMX,
    NEW_VAULT,
    SETTINGS,
    VAULT,
    answer_to_test,
    let_a_worker_answer,
    polled,
    text,
)
from tests.factories import make_account, make_connection

pytestmark = [pytest.mark.django_db, pytest.mark.either]


def settings_of(connection: Connection, **values: str) -> dict[str, str]:
    options = {f"options-{name}": value for name, value in connection.options.items()}
    return {"name": connection.name, "income": "", "expense": "", **options, **values}


def test_settings_show_what_is_stored(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "busy"})
    connection.default_income_account = make_account(connection, "4000")
    connection.save()

    page = text(dora.get(SETTINGS))

    assert 'value="Practice ERP"' in page
    assert '<option value="busy" selected>' in page
    assert f'<option value="{connection.default_income_account_id}" selected>4000 Account 4000</option>' in page


def test_a_change_is_saved_and_audited_setting_by_setting(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})
    income = make_account(connection, "4000")
    expense = make_account(connection, "5000", AccountKind.COST_OF_GOODS_SOLD)
    data = {"options-behaviour": "slow", "income": income.pk, "expense": expense.pk}

    response = dora.post(SETTINGS, settings_of(connection, **data), follow=True)

    connection.refresh_from_db()
    assert "Saved." in text(response)
    assert connection.options == {"behaviour": "slow"}
    assert (connection.default_income_account, connection.default_expense_account) == (income, expense)
    events = AuditEvent.objects.filter(action="connection.changed").order_by("pk").values_list("label", "old", "new")
    assert list(events) == [
        ("Practice ERP: Behaviour", "Normal: strict, and quick", "Slow: answers after two seconds"),
        ("Practice ERP: Default income account", "", "4000 Account 4000"),
        ("Practice ERP: Default expense account", "", "5000 Account 5000"),
    ]


def test_saving_without_a_change_is_no_event(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})

    dora.post(SETTINGS, settings_of(connection))

    assert not AuditEvent.objects.exists()


def test_the_name_changes_and_the_address_stays(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})

    dora.post(SETTINGS, settings_of(connection, name="Main Books"))

    connection.refresh_from_db()
    assert (connection.name, connection.slug) == ("Main Books", "practice-erp")


def test_a_default_account_can_be_taken_away(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})
    connection.default_income_account = make_account(connection, "4000")
    connection.save()

    dora.post(SETTINGS, settings_of(connection))

    connection.refresh_from_db()
    assert connection.default_income_account is None
    assert AuditEvent.objects.get().old == "4000 Account 4000"


def test_defaults_are_active_accounts_of_the_fitting_kinds_of_this_connection(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})
    other = make_connection(name="Other", slug="other")
    refused = [
        ("income", make_account(connection, "1000", AccountKind.OTHER)),
        ("income", make_account(connection, "4800", is_active=False)),
        ("income", make_account(other, "4000")),
        ("expense", make_account(connection, "4000")),
    ]

    for field, account in refused:
        page = text(dora.post(SETTINGS, settings_of(connection, **{field: account.pk})))
        assert "not one of the available choices" in page
    assert not AuditEvent.objects.exists()


def test_income_accounts_come_first_and_the_other_kinds_in_a_group(dora: Client) -> None:
    connection = make_connection()
    make_account(connection, "3000", AccountKind.EXPENSE)
    make_account(connection, "4000")

    page = text(dora.get(SETTINGS))

    assert page.index("4000 Account 4000") < page.index('<optgroup label="Other accounts">')
    assert page.index('<optgroup label="Other accounts">') < page.index("3000 Account 3000")


def test_a_default_account_that_became_inactive_stays_and_is_flagged(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})
    account = make_account(connection, "4000", is_active=False)
    connection.default_income_account = account
    connection.save()

    assert "4000 Account 4000 (inactive)" in text(dora.get(SETTINGS))

    dora.post(SETTINGS, settings_of(connection, income=account.pk, name="Renamed"))
    connection.refresh_from_db()
    assert (connection.name, connection.default_income_account) == ("Renamed", account)


def test_an_erp_without_expense_accounts_asks_for_none(dora: Client, vault_connection: Connection) -> None:
    page = text(dora.get(VAULT))

    assert "Default income account" in page
    assert "Default expense account" not in page


def test_bad_settings_are_told_and_what_was_typed_stays(dora: Client, vault_connection: Connection) -> None:
    data = settings_of(vault_connection, name="", **{"options-branch": "East"})

    page = text(dora.post(VAULT, data))

    assert "This field is required." in page
    assert 'value="East"' in page
    vault_connection.refresh_from_db()
    assert vault_connection.name == "Vault"


# Secrets


def test_secrets_are_never_shown(dora: Client, vault_connection: Connection, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    data = settings_of(vault_connection, **{"options-password": vault.PASSWORD, "name": ""})
    pages = [
        dora.get(VAULT),
        dora.post(VAULT, data),
        dora.post(f"{VAULT}test/", data),
        dora.post(f"{VAULT}test/", data, headers=HTMX),
        dora.get(f"{BASE}vault/gl-accounts/"),
        dora.post(NEW_VAULT, {"name": "", "options-password": vault.PASSWORD}),
    ]

    assert not any(vault.PASSWORD in text(page) for page in pages)
    assert vault.PASSWORD not in caplog.text


def test_a_secret_that_is_left_empty_is_kept(dora: Client, vault_connection: Connection) -> None:
    dora.post(VAULT, settings_of(vault_connection, **{"options-branch": "East"}))

    vault_connection.refresh_from_db()
    assert vault_connection.options["branch"] == "East"
    assert vault_connection.credentials == {"password": vault.PASSWORD}


def test_that_a_secret_changed_is_audited_but_not_the_secret(dora: Client, vault_connection: Connection) -> None:
    dora.post(VAULT, settings_of(vault_connection, **{"options-password": "another-canary"}))

    vault_connection.refresh_from_db()
    assert vault_connection.credentials == {"password": "another-canary"}
    event = AuditEvent.objects.get()
    assert (event.label, event.old, event.new) == ("Vault: Password", "", "changed")


@pytest.mark.parametrize("url", [VAULT, f"{VAULT}test/"])
def test_a_stored_secret_is_not_sent_to_a_new_address(dora: Client, vault_connection: Connection, url: str) -> None:
    data = settings_of(vault_connection, **{"options-address": "attacker.test"})

    page = text(dora.post(url, data))

    assert "what is stored is not sent to another address" in page
    assert "Connected to" not in page
    vault_connection.refresh_from_db()
    assert vault_connection.options["address"] == "vault.test"


def test_whoever_knows_the_secret_may_change_the_address(dora: Client, vault_connection: Connection) -> None:
    data = {"options-address": "new.test", "options-password": vault.PASSWORD}

    dora.post(VAULT, settings_of(vault_connection, **data))

    vault_connection.refresh_from_db()
    assert vault_connection.options["address"] == "new.test"


# Test Connection


def test_the_connection_is_tested_and_the_contact_noted(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})

    answer = answer_to_test(dora, f"{SETTINGS}test/", settings_of(connection))

    assert 'role="status"' in answer
    assert "Connected to Practice Books (Practice ERP 1.0)" in answer
    assert "<html" not in answer
    connection.refresh_from_db()
    assert connection.last_contact_at is not None


def test_without_javascript_the_whole_page_answers(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})

    page = text(dora.post(f"{SETTINGS}test/", settings_of(connection, name="Typed name")))
    let_a_worker_answer()
    answer = text(dora.get(polled(page)))

    assert 'value="Typed name"' in page
    assert f'<noscript><a href="{polled(page).removesuffix("?stay=1")}">Show the answer</a></noscript>' in page
    assert "Connected to Practice Books" in answer
    assert "<html" in answer


def test_saving_what_mends_a_broken_connection_has_it_tested(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "wrong credentials"}, state=Connection.State.BROKEN)

    dora.post(SETTINGS, settings_of(connection, **{"options-behaviour": "normal"}))
    assert "You may leave this page" in text(dora.get(SETTINGS))
    let_a_worker_answer()

    connection.refresh_from_db()
    assert connection.state == Connection.State.ACTIVE
    assert "Connected to Practice Books" in text(dora.get(SETTINGS))


def test_what_is_typed_is_tested_and_not_saved(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "normal"})
    data = settings_of(connection, **{"options-behaviour": "down"})

    answer = answer_to_test(dora, f"{SETTINGS}test/", data)

    assert "The Practice ERP cannot be reached." in answer
    assert "Connected to" not in answer
    connection.refresh_from_db()
    assert connection.options == {"behaviour": "normal"}
    assert connection.last_contact_at is None


def test_a_test_with_bad_input_names_the_field(dora: Client) -> None:
    connection = make_connection()

    answer = text(dora.post(f"{SETTINGS}test/", settings_of(connection, name="", **{"options-behaviour": "normal"})))

    assert "Name: This field is required." in answer


# Pause and resume


def test_an_admin_pauses_and_resumes(dora: Client) -> None:
    connection = make_connection()

    paused = text(dora.post(f"{SETTINGS}pause/", follow=True))
    connection.refresh_from_db()
    assert connection.state == Connection.State.PAUSED
    assert ">Resume</button>" in paused
    assert ">Pause</button>" not in paused

    resumed = text(dora.post(f"{SETTINGS}resume/", follow=True))
    connection.refresh_from_db()
    assert connection.state == Connection.State.ACTIVE
    assert ">Pause</button>" in resumed


def test_a_broken_connection_says_why_and_can_be_resumed(dora: Client) -> None:
    make_connection(state=Connection.State.BROKEN, state_message="The password is wrong.")

    page = text(dora.get(SETTINGS))

    assert "The password is wrong." in page
    assert ">Resume</button>" in page


def test_after_failures_in_a_row_it_can_be_paused_and_resumed(dora: Client) -> None:
    make_connection(failures_in_a_row=3, open_until=datetime(2026, 1, 2, 14, 5, tzinfo=UTC))

    page = text(dora.get(SETTINGS))

    assert "The last 3 calls to this ERP failed; it is left alone until Jan 2, 2026, 14:05." in page
    assert ">Resume</button>" in page
    assert ">Pause</button>" in page
