"""Two who give a connection of theirs the same name at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db.models import QuerySet

from companies.models import Company, Member
from erp_integrations import questions
from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.forms import ConnectionForms, SettingsForms
from erp_integrations.models import Connection, Question
from erp_integrations.models.connections import NAME_TAKEN, ConnectionQuerySet
from tests import factories
from tests.concurrency.test_races import at_once
from tests.meeting import Meeting

pytestmark = [pytest.mark.pg_only, pytest.mark.django_db(transaction=True)]
Name = Callable[[Member, str], Callable[[], str]]  # makes what names a connection so, and returns what it says


def by_a_worker(admin: Member, name: str) -> Callable[[], str]:
    values = {"kind": Question.Kind.CONNECT, "erp": "practice", "name": name, "options": {"behaviour": "normal"}}
    question = Question.objects.create(company=admin.company, asker=admin.user, **values)

    def say() -> str:
        questions.answer(question.pk)
        question.refresh_from_db()
        return question.message

    return say


def by_the_page(admin: Member, name: str) -> Callable[[], str]:
    """Where nothing is asked of the ERP, as of QuickBooks Desktop."""
    data = {"name": name, "options-item_names": "code", "options-codes_per_message": "20"}
    forms = ConnectionForms(admin.company, QuickBooksDesktopAdapter, valid(ConnectionForms, admin, data))
    return saying(forms, lambda: forms.connect(admin.user))


def by_renaming(admin: Member, name: str) -> Callable[[], str]:
    number = str(Connection.objects.count())
    connection = factories.make_connection(admin.company, name=f"Books {number}", slug=f"books-{number}")
    forms = SettingsForms(connection, {"name": name, "options-behaviour": "normal"})
    return saying(forms, lambda: forms.save(admin.user))


def valid(kind: type[ConnectionForms], admin: Member, data: Mapping[str, str]) -> dict[str, str]:
    """What the empty form would post, with these values."""
    asked = kind(admin.company, QuickBooksDesktopAdapter).options
    return {f"options-{name}": str(field.initial) for name, field in asked.fields.items()} | dict(data)


def saying(forms: ConnectionForms, store: Callable[[], Any]) -> Callable[[], str]:
    assert forms.are_valid(), forms.faults()
    return lambda: "Stored." if store() else " ".join(forms.faults())


@pytest.fixture(params=[by_a_worker, by_the_page, by_renaming])
def twice(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What both are told, who looked at the names at the same moment, unless something kept one of them back."""

    def name_twice() -> list[str]:
        admin, meeting, has_name = factories.make_dora(), Meeting(), ConnectionQuerySet.has_name
        both = [request.param(admin, name) for name in ("Main Books", "main books")]

        def meet(rows: ConnectionQuerySet, name: str) -> bool:
            is_taken = has_name(rows, name)
            meeting.wait()
            return is_taken

        monkeypatch.setattr(ConnectionQuerySet, "has_name", meet)
        return [str(told) for told in at_once(*both)]

    return name_twice


def named() -> int:
    return Connection.objects.filter(name__iexact="main books").count()


def test_the_second_is_told_that_the_name_is_taken(twice: Callable[[], list[str]]) -> None:
    told = twice()

    assert named() == 1
    assert sum(NAME_TAKEN in sentence for sentence in told) == 1


def test_control_without_the_lock_both_take_it(twice: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = QuerySet.select_for_update
    monkeypatch.setattr(
        QuerySet,
        "select_for_update",
        lambda rows, **how: rows if rows.model is Company else unlocked(rows, **how),
    )

    twice()

    assert named() == 2
