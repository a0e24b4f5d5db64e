from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection as database
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from companies.models import AuditEvent
from erp_integrations.base import AccountKind, GLAccountData
from erp_integrations.errors import ConfigurationError, TransientError
from erp_integrations.models import Connection, GLAccount
from tests.erp_integrations import vault
from tests.erp_integrations.vault import VaultAdapter
from tests.factories import make_account, make_company, make_connection, make_user

pytestmark = pytest.mark.django_db


def connect(name: str = "Practice ERP", **values: object) -> Connection:
    values = {"company": make_company(), "actor": None, "erp": "practice", "options": {}, "credentials": {}, **values}
    return Connection.objects.connect(name=name, **values)


def make_chart(count: int = 3, **values: object) -> list[GLAccountData]:
    values = {"kind": AccountKind.INCOME, **values}
    return [GLAccountData(str(n), f"{4000 + n}", f"Account {n}", **values) for n in range(count)]


def sync(connection: Connection, chart: list[GLAccountData], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(VaultAdapter, "chart", chart)
    return connection.sync_gl_accounts(None)


# Connecting


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Practice ERP", "practice-erp"),
        ("Sage 300 / East", "sage-300-east"),
        ("Supported", "supported-2"),
        ("new", "new-2"),
        ("会计", "practice"),
        ("x" * 100, "x" * 50),
    ],
)
def test_the_slug_comes_from_the_name_and_is_no_reserved_word(name: str, slug: str) -> None:
    assert connect(name).slug == slug


def test_slugs_are_unique_within_a_company_alone() -> None:
    other = make_company("Other Builders", "other-builders")

    slugs = [connect().slug, connect().slug, connect().slug, connect(company=other).slug]

    assert slugs == ["practice-erp", "practice-erp-2", "practice-erp-3", "practice-erp"]


def test_connecting_is_audited() -> None:
    connection = connect(actor=make_user("dora"))

    event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.subject_id) == ("connection.created", "connection", connection.pk)
    assert (event.actor.username, event.label, event.new) == ("dora", "Practice ERP", "Practice ERP")


def test_a_stored_option_that_the_adapter_does_not_know_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="does not know the option colour"):
        make_connection(options={"colour": "green"}).adapter()


def test_an_integration_that_is_no_longer_installed_is_told() -> None:
    with pytest.raises(ConfigurationError, match='"gone" is not installed'):
        make_connection(erp="gone").adapter()


# Pause and resume


def test_pausing_and_resuming_are_audited_once() -> None:
    connection, dora = make_connection(), make_user("dora")

    assert [connection.pause(dora), connection.pause(dora)] == [True, False]
    assert connection.state == Connection.State.PAUSED
    assert [connection.resume(dora), connection.resume(dora)] == [True, False]
    assert connection.state == Connection.State.ACTIVE

    actions = list(AuditEvent.objects.order_by("pk").values_list("action", "old"))
    assert actions == [("connection.paused", "Connected"), ("connection.resumed", "Paused")]


def test_resuming_clears_what_broke_it_and_the_breaker() -> None:
    connection = make_connection(state=Connection.State.BROKEN, state_message="Wrong password.", failures_in_a_row=5)
    Connection.objects.update(open_until=Now())

    assert connection.resume(make_user("dora"))

    connection.refresh_from_db()
    assert (connection.state, connection.state_message) == (Connection.State.ACTIVE, "")
    assert (connection.failures_in_a_row, connection.open_until) == (0, None)


def test_a_breaker_that_is_open_is_something_to_resume() -> None:
    connection = make_connection(failures_in_a_row=3)

    assert not connection.is_running
    assert connection.resume(make_user("dora"))
    assert connection.is_running


def test_contact_is_noted() -> None:
    connection = make_connection()

    connection.note_contact()

    connection.refresh_from_db()
    assert connection.last_contact_at is not None


# GL accounts


def test_the_practice_chart_is_read(django_user_model: type) -> None:
    connection = make_connection()

    number = connection.sync_gl_accounts(make_user("dora"))

    connection.refresh_from_db()
    accounts = connection.gl_accounts
    assert number == accounts.count() >= 60
    assert accounts.active().count() < number
    assert connection.gl_accounts_synced_at is not None
    assert connection.last_contact_at is not None
    assert AuditEvent.objects.get().new == f"{number} accounts: {number} new, 0 changed, 0 no longer there"


def test_what_changed_in_the_erp_changes_here(vault_connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    sync(vault_connection, make_chart(3), monkeypatch)
    kept = vault_connection.gl_accounts.get(remote_id="0").pk
    chart = [
        GLAccountData("0", "4000", "Account 0", AccountKind.INCOME),
        GLAccountData("1", None, "Renamed", AccountKind.EXPENSE, is_active=False),
        GLAccountData("9", "4900", "New", AccountKind.OTHER),
    ]

    sync(vault_connection, chart, monkeypatch)

    fields = ("remote_id", "number", "name", "kind", "is_active")
    assert set(vault_connection.gl_accounts.values_list(*fields)) == {
        ("0", "4000", "Account 0", "income", True),
        ("1", "", "Renamed", "expense", False),
        ("2", "4002", "Account 2", "income", False),
        ("9", "4900", "New", "other", True),
    }
    assert vault_connection.gl_accounts.get(remote_id="0").pk == kept
    last = AuditEvent.objects.order_by("-pk")[0]
    assert last.new == "3 accounts: 1 new, 1 changed, 1 no longer there"


def test_an_account_that_comes_back_is_active_again(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in (3, 2, 3):
        sync(vault_connection, make_chart(count), monkeypatch)

    assert vault_connection.gl_accounts.active().count() == 3


def test_the_accounts_of_other_connections_stay(vault_connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    other = make_account(make_connection())

    sync(vault_connection, make_chart(), monkeypatch)

    other.refresh_from_db()
    assert other.is_active
    assert GLAccount.objects.count() == 4


def test_long_names_and_numbers_are_cut_to_what_fits(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(vault_connection, [GLAccountData("1", "4" * 60, "x" * 300, AccountKind.INCOME)], monkeypatch)

    account = vault_connection.gl_accounts.get()
    assert (account.number, account.name) == ("4" * 50, "x" * 255)


def test_an_empty_chart_is_told_and_takes_nothing_away(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(vault_connection, make_chart(), monkeypatch)

    with pytest.raises(ConfigurationError, match="no GL accounts"):
        sync(vault_connection, [], monkeypatch)

    assert vault_connection.gl_accounts.active().count() == 3


def test_an_erp_that_is_down_changes_nothing(vault_connection: Connection) -> None:
    vault_connection.options["address"] = "down.test"

    with pytest.raises(TransientError):
        vault_connection.sync_gl_accounts(None)

    vault_connection.refresh_from_db()
    assert vault_connection.gl_accounts_synced_at is None
    assert not AuditEvent.objects.exists()


ALIKE = [
    GLAccountData("1", None, "Materials", AccountKind.INCOME, parent="Commercial"),
    GLAccountData("2", None, "Materials", AccountKind.INCOME, parent="Public Works"),
    GLAccountData("3", "5000", "Job Materials", AccountKind.EXPENSE),
    GLAccountData("4", "5000", "Job Materials", AccountKind.EXPENSE),
    GLAccountData("5", "5000", "Labor", AccountKind.EXPENSE, parent="Commercial"),
]


def test_accounts_that_read_alike_are_told_apart_by_parents_else_by_ids(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(vault_connection, ALIKE, monkeypatch)

    assert sorted(map(str, vault_connection.gl_accounts.all())) == [
        "5000 Job Materials (id 3)",
        "5000 Job Materials (id 4)",
        "5000 Labor",
        "Materials (Commercial)",
        "Materials (Public Works)",
    ]


@pytest.mark.parametrize("rest", [ALIKE[1:], [replace(ALIKE[0], name="Concrete"), *ALIKE[1:]]], ids=["gone", "renamed"])
def test_one_that_reads_like_no_other_is_called_as_before(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch, rest: list[GLAccountData]
) -> None:
    sync(vault_connection, [data for data in ALIKE if data.remote_id != "1"], monkeypatch)
    assert str(vault_connection.gl_accounts.get(remote_id="2")) == "Materials"
    sync(vault_connection, ALIKE, monkeypatch)
    sync(vault_connection, rest, monkeypatch)

    second = vault_connection.gl_accounts.get(remote_id="2")

    renamed = rest[0].name == "Concrete"
    assert str(second) == ("Materials" if renamed else "Materials (Public Works)")  # codes may still have the other


def test_what_tells_apart_never_makes_it_read_like_a_third(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = GLAccountData("9", None, "Materials (Commercial)", AccountKind.INCOME)

    sync(vault_connection, [*ALIKE, third], monkeypatch)

    assert len(set(map(str, vault_connection.gl_accounts.all()))) == 6


@pytest.mark.parametrize("values", [{}, {"number": ""}, {"distinction": "Commercial"}, {"number": "", "name": "4 x"}])
def test_an_account_reads_the_same_in_python_and_in_the_database(values: dict[str, str]) -> None:
    account = make_account(make_connection(), "4000")
    GLAccount.objects.update(**values)
    account.refresh_from_db()
    Connection.objects.update(default_income_account=account)

    told = Connection.objects.values_list(GLAccount.label("default_income_account")).get()
    identity = GLAccount.objects.values_list(GLAccount.identity_sql()).get()

    assert (told[0], identity[0]) == (str(account), account.identity)


def test_a_sync_takes_few_queries_for_any_number_of_accounts(
    vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def queries(count: int) -> int:
        GLAccount.objects.all().delete()
        with CaptureQueriesContext(database) as captured:
            sync(vault_connection, make_chart(count), monkeypatch)
        return len(captured)

    few = queries(1)

    assert queries(100) == few
    assert queries(1000) <= few + 10  # one statement for up to 500 rows, or for as many as SQLite takes


@pytest.mark.django_db(transaction=True)
def test_the_erp_is_asked_outside_of_transactions() -> None:
    """The Practice ERP refuses to be called inside one."""
    assert make_connection().sync_gl_accounts(None) >= 60


def test_a_drop_down_offers_active_accounts_of_the_kinds_and_the_choice_there_is() -> None:
    connection = make_connection()
    offered = make_account(connection, "4000")
    chosen = make_account(connection, "4800", is_active=False)
    make_account(connection, "4900", is_active=False)
    make_account(connection, "1000", AccountKind.OTHER)
    kinds = frozenset({AccountKind.INCOME})

    assert list(connection.gl_accounts.offered(kinds)) == [offered]
    assert list(connection.gl_accounts.offered(kinds, chosen)) == [offered, chosen]


def test_secrets_show_in_no_text_of_a_connection(vault_connection: Connection) -> None:
    texts = [repr(vault_connection), str(vault_connection), repr(vault_connection.adapter()), repr([vault_connection])]

    assert not any(vault.PASSWORD in text for text in texts)
