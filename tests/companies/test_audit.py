from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from companies.audit import record
from companies.models import AuditEvent, Company
from tests.factories import make_alice, make_company, make_user

pytestmark = pytest.mark.django_db

TABLE = AuditEvent._meta.db_table
COLUMNS = "id, company_id, at, actor_id, action, subject, subject_id, label, old, new, answer, batch_id"


@pytest.fixture
def event() -> AuditEvent:
    record(make_company(), make_user("alice"), "member.changed", label="bob", old="Read Only", new="Admin")
    return AuditEvent.objects.get()


def refused(sql: str) -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    assert AuditEvent.objects.get().new == "Admin"


def test_it_says_who_did_what_to_whom_and_when(event: AuditEvent) -> None:
    assert (event.actor.username, event.action, event.label) == ("alice", "member.changed", "bob")
    assert (event.subject, event.old, event.new, event.at is not None) == ("company", "Read Only", "Admin", True)


def test_it_names_its_subject_by_the_kind_of_thing_it_is() -> None:
    alice = make_alice()

    record(alice.company, None, "member.added", alice)

    event = AuditEvent.objects.get()
    assert (event.subject, event.subject_id, event.label) == ("member", alice.pk, "alice in Sample Builders")


def test_the_database_refuses_to_change_an_event(event: AuditEvent) -> None:
    refused(f"UPDATE {TABLE} SET new = 'Nothing' WHERE id = {event.pk}")  # noqa: S608


def test_the_database_refuses_to_delete_an_event(event: AuditEvent) -> None:
    refused(f"DELETE FROM {TABLE} WHERE id = {event.pk}")  # noqa: S608


def test_the_database_refuses_to_delete_them_all(event: AuditEvent) -> None:
    refused(f"DELETE FROM {TABLE}")  # noqa: S608


@pytest.mark.pg_only
@pytest.mark.django_db(transaction=True)  # else the open checks of its foreign keys refuse first
def test_the_database_refuses_to_truncate(event: AuditEvent) -> None:
    refused(f"TRUNCATE {TABLE}")


def test_the_database_refuses_to_write_over_an_event(event: AuditEvent) -> None:
    """SQLite's INSERT OR REPLACE asks no DELETE trigger."""
    over = f"INSERT INTO {TABLE} ({COLUMNS}) SELECT {COLUMNS} FROM {TABLE} WHERE true"  # noqa: S608
    on_postgresql = f"{over} ON CONFLICT (id) DO UPDATE SET new = 'Nothing'"
    refused(on_postgresql if connection.vendor == "postgresql" else over.replace("INSERT", "INSERT OR REPLACE"))


def test_the_orm_is_refused_too(event: AuditEvent) -> None:
    event.new = "Nothing"

    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        event.delete()


def test_a_person_or_company_with_a_past_cannot_be_deleted(event: AuditEvent) -> None:
    for thing in (User.objects.get(username="alice"), Company.objects.get()):
        with pytest.raises(IntegrityError), transaction.atomic():
            thing.delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", ["the first", "the second"])
def test_emptying_the_tables_between_tests_leaves_the_guard_on(run: str) -> None:
    assert not AuditEvent.objects.exists()  # the second finds what the first left emptied

    record(make_company(), None, "member.changed", new="Admin")

    refused(f"DELETE FROM {TABLE}")  # noqa: S608
