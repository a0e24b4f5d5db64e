from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from companies.models import AuditEvent, Level
from erp_integrations import views
from erp_integrations.base import AccountKind
from erp_integrations.models import Connection, GLAccount, Question
from tests.erp_integrations import vault
from tests.erp_integrations.pages import (
    ACCOUNTS,
    BASE,
    HTMX,
    NEW,
    NEW_VAULT,
    SETTINGS,
    SYNC,
    connect,
    let_a_worker_answer,
    text,
)
from tests.factories import (
    make_account,
    make_alice,
    make_bob,
    make_charlie,
    make_company,
    make_connection,
    make_member,
)

pytestmark = [pytest.mark.django_db, pytest.mark.either]
READ = [BASE, f"{BASE}supported/", ACCOUNTS]
CONFIGURE = [NEW, SETTINGS]
POSTS = [SYNC, f"{SETTINGS}test/", f"{SETTINGS}pause/", f"{SETTINGS}resume/"]


# Who may do what


@pytest.mark.parametrize("url", READ + CONFIGURE)
def test_pages_are_for_people_who_signed_in(client: Client, url: str) -> None:
    make_connection()

    assert client.get(url).headers["Location"] == f"/login/?next={url}"


@pytest.mark.parametrize("url", [*CONFIGURE, *POSTS])
@pytest.mark.parametrize("make_person", [make_bob, make_alice])
def test_only_an_admin_of_the_tool_connects_syncs_and_changes(client: Client, make_person, url: str) -> None:
    make_connection()
    client.force_login(make_person().user)

    assert client.post(url).status_code == 403
    if url in CONFIGURE:
        assert client.get(url).status_code == 403
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("url", [*READ, *CONFIGURE])
def test_another_companys_pages_do_not_exist(client: Client, url: str) -> None:
    make_connection()
    client.force_login(make_charlie().user)

    assert client.get(url).status_code == 404


@pytest.mark.parametrize("url", [*CONFIGURE, *POSTS])
def test_another_companys_connection_cannot_be_touched(client: Client, url: str) -> None:
    make_connection()
    client.force_login(make_charlie().user)

    assert client.post(url).status_code == 404
    assert client.post(url.replace("sample-builders", "other-builders")).status_code in {200, 404}
    assert not AuditEvent.objects.exists()
    assert Connection.objects.count() == 1


@pytest.mark.parametrize("url", [ACCOUNTS, SYNC, SETTINGS, f"{SETTINGS}test/", f"{SETTINGS}pause/"])
def test_a_connection_that_is_none_is_not_found(dora: Client, url: str) -> None:
    method = dora.get if url in {ACCOUNTS, SETTINGS} else dora.post

    assert method(url).status_code == 404


@pytest.mark.parametrize("url", POSTS)
def test_what_changes_something_is_posted(dora: Client, url: str) -> None:
    make_connection()

    assert dora.get(url).status_code == 405


@pytest.mark.parametrize("url", [*READ, "/supported-erps/"])
def test_what_only_shows_is_not_posted(dora: Client, url: str) -> None:
    make_connection()

    assert dora.post(url).status_code == 405


def test_an_admin_of_the_wbs_alone_sees_nothing_of_the_erp(client: Client) -> None:
    make_connection()
    client.force_login(make_member("wilma", admin=Level.ADMIN).user)

    assert all(client.get(url).status_code == 403 for url in READ)


# The way in


def test_the_tool_goes_to_the_companys_connection(bob: Client) -> None:
    make_connection()
    make_connection(name="Another", slug="another")

    assert bob.get(BASE).headers["Location"] == f"{BASE}practice-erp/standard-cost-codes/"


def test_without_a_connection_it_goes_to_the_supported_erps(bob: Client) -> None:
    make_connection(make_company("Other Builders", "other-builders"))

    assert bob.get(BASE).headers["Location"] == f"{BASE}supported/"


def test_every_tab_tells_which_erp_it_is_connected_to(bob: Client) -> None:
    make_connection(name="Our Books", slug="our-books")

    assert "Our Books (Practice ERP)" in text(bob.get(f"{BASE}our-books/gl-accounts/"))


@pytest.mark.parametrize("tab", ["standard-cost-codes", "gl-accounts", "history", "settings"])
def test_with_several_connections_each_tab_leads_to_the_same_tab_of_the_others(dora: Client, tab: str) -> None:
    make_connection()
    make_connection(make_company("Other Builders", "other-builders"), name="Foreign", slug="foreign")
    assert 'aria-label="Connections"' not in text(dora.get(f"{BASE}practice-erp/{tab}/"))
    make_connection(name="Another", slug="another")

    page = text(dora.get(f"{BASE}practice-erp/{tab}/"))

    assert f'href="{BASE}another/{tab}/"' in page
    assert "foreign" not in page


# Supported ERPs


def test_an_admin_may_connect_each_supported_erp(dora: Client) -> None:
    page = text(dora.get(f"{BASE}supported/"))

    assert "Practice ERP" in page
    assert "Code: at most 40 characters" in page
    assert "[refuse], [exists]" in page
    assert f'href="{NEW}"' in page


def test_others_see_what_is_supported_without_connect(bob: Client) -> None:
    page = text(bob.get(f"{BASE}supported/"))

    assert "Practice ERP" in page
    assert "/new/" not in page
    assert "Someone with Admin rights on ERP Integrations can connect one." in page


def test_everyone_may_see_the_supported_erps(client: Client) -> None:
    page = text(client.get("/supported-erps/"))

    assert "Practice ERP" in page
    assert "/new/" not in page


# A new connection


def test_a_new_connection_is_checked_kept_and_its_accounts_are_read(dora: Client) -> None:
    response = connect(dora, NEW, {"name": "Our Books", "options-behaviour": "slow"})

    connection = Connection.objects.get()
    assert response.redirect_chain == [(f"{BASE}our-books/settings/", 302)]
    assert (connection.erp, connection.name, connection.options) == ("practice", "Our Books", {"behaviour": "slow"})
    assert connection.gl_accounts.count() >= 60
    assert "GL accounts read from Our Books." in text(response)
    actions = list(AuditEvent.objects.order_by("pk").values_list("action", "actor__username"))
    assert actions == [("connection.created", "dora"), ("accounts.synced", "dora")]


def test_what_is_kept_when_is_told_beforehand(dora: Client) -> None:
    assert "signs in to the ERP first, and keeps nothing unless that works" in text(dora.get(NEW))


def test_an_erp_that_is_down_is_told_and_nothing_typed_is_lost(dora: Client) -> None:
    response = connect(dora, NEW, {"name": "Our Books", "options-behaviour": "down"})

    assert response.status_code == 200
    assert "The Practice ERP cannot be reached." in text(response)
    assert 'value="Our Books"' in text(response)
    assert '<option value="down" selected>' in text(response)
    assert not Connection.objects.exists()


def test_wrong_credentials_are_told_and_asked_again(dora: Client, vault_connection: Connection) -> None:
    data = {"name": "Second", "options-address": "books.test", "options-password": "wrong-guess"}

    page = text(connect(dora, NEW_VAULT, data))

    assert "Vault does not accept the password. Type it again." in page
    assert 'value="books.test"' in page
    assert "wrong-guess" not in page
    assert Connection.objects.count() == 1


def test_secrets_are_kept_encrypted_and_apart_from_the_options(dora: Client, vault_connection: Connection) -> None:
    data = {"name": "Second", "options-address": "books.test", "options-password": vault.PASSWORD}

    connect(dora, NEW_VAULT, data)

    connection = Connection.objects.get(slug="second")
    assert connection.options == {"address": "books.test", "branch": ""}
    assert connection.credentials == {"password": vault.PASSWORD}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"name": "", "options-behaviour": "normal"}, "This field is required."),
        ({"name": "x" * 101, "options-behaviour": "normal"}, "at most 100 characters"),
        ({"name": "PRACTICE erp", "options-behaviour": "normal"}, "has a connection of that name already"),
        ({"name": "Books", "options-behaviour": "odd"}, "not one of the available choices"),
        ({"name": "Books"}, "This field is required."),
    ],
)
def test_bad_input_is_told_beside_its_field(dora: Client, data: dict[str, str], sentence: str) -> None:
    make_connection()

    response = dora.post(NEW, data)

    assert sentence in text(response)
    assert 'aria-invalid="true"' in text(response)
    assert Connection.objects.count() == 1


def test_accounts_that_cannot_be_read_are_told_but_the_connection_stays(
    dora: Client, vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault.VaultAdapter, "chart", [])
    data = {"name": "Second", "options-address": "books.test", "options-password": vault.PASSWORD}

    page = text(connect(dora, NEW_VAULT, data))

    assert "The GL accounts could not be read. Second has no GL accounts." in page
    assert Connection.objects.filter(slug="second").exists()


def test_an_erp_that_nobody_knows_cannot_be_connected(dora: Client) -> None:
    assert dora.get(f"{BASE}new/nothing/").status_code == 404


# GL Accounts


def test_accounts_show_number_name_type_and_whether_active(bob: Client) -> None:
    connection = make_connection()
    make_account(connection, "4000", name="Sales & Service")
    make_account(connection, "5000", AccountKind.COST_OF_GOODS_SOLD, is_active=False)

    page = text(bob.get(ACCOUNTS))

    for words in ("4000", "Sales &amp; Service", "Cost of goods sold", "Active", "Inactive", "Never synced"):
        assert words in page
    assert "Sync GL Accounts" not in page


@pytest.mark.parametrize(("search", "found"), [("50", ["5000"]), ("BÉTON", ["5000"]), (" sales ", ["4000"]), ("x", [])])
def test_the_search_finds_number_and_name_whatever_the_case(bob: Client, search: str, found: list[str]) -> None:
    connection = make_connection()
    make_account(connection, "4000", name="Sales")
    make_account(connection, "5000", name="Béton")

    response = bob.get(ACCOUNTS, {"q": search}, headers=HTMX)

    assert [account.number for account in response.context["page"]] == found
    assert "<html" not in text(response)
    assert ("No account has this" in text(response)) is not found or not found


def test_many_accounts_come_in_pages_that_keep_the_search(bob: Client) -> None:
    connection = make_connection()
    GLAccount.objects.bulk_create(
        GLAccount(connection=connection, remote_id=str(n), number=f"{n:04}", name="A&B", kind="income")
        for n in range(600)
    )

    response = bob.get(ACCOUNTS, {"q": "A&B", "page": "2"})

    assert [account.number for account in response.context["page"]][:1] == ["0250"]
    assert "600 accounts" in text(response)
    assert "?q=A%26B&amp;page=3" in text(response)
    assert bob.get(ACCOUNTS, {"page": "nonsense"}).context["page"].number == 1


def test_the_accounts_of_others_are_not_shown(bob: Client) -> None:
    make_connection()
    make_account(make_connection(make_company("Other Builders", "other-builders")), name="Secret account")

    assert "Secret account" not in text(bob.get(ACCOUNTS))


def test_the_list_takes_few_queries(bob: Client, django_assert_max_num_queries) -> None:
    connection = make_connection()
    for number in range(50):
        make_account(connection, str(number))

    with django_assert_max_num_queries(5):
        bob.get(ACCOUNTS)


def test_syncing_reads_the_accounts_and_says_so(dora: Client) -> None:
    connection = make_connection()

    waiting = dora.post(SYNC, follow=True)
    assert waiting.redirect_chain == [(ACCOUNTS, 302)]
    assert "Reading the GL accounts." in text(waiting)
    let_a_worker_answer()
    response = dora.get(ACCOUNTS)

    assert f"{connection.gl_accounts.count()} GL accounts read from Practice ERP." in text(response)
    assert "just now" in text(response)
    assert AuditEvent.objects.get().actor.username == "dora"


def test_an_answer_that_comes_while_its_page_is_made_is_told_beside_what_it_changed(
    dora: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, look = make_connection(), views.asked_before
    dora.post(SYNC)

    def answered_just_before(*words: Any) -> list[Question]:
        let_a_worker_answer()
        return look(*words)

    monkeypatch.setattr(views, "asked_before", answered_just_before)
    page = text(dora.get(ACCOUNTS))

    assert "GL accounts read from Practice ERP." in page
    assert f"{connection.gl_accounts.count()} accounts." in page
    assert "Last synced" in page


def test_an_erp_that_is_down_leaves_the_accounts_and_says_so(dora: Client) -> None:
    connection = make_connection(options={"behaviour": "down"})
    make_account(connection, "4000")

    dora.post(SYNC)
    let_a_worker_answer()
    page = text(dora.get(ACCOUNTS))

    assert "The GL accounts could not be read. The Practice ERP cannot be reached." in page
    assert connection.gl_accounts.active().count() == 1
