"""Two who make a connection of one name at the same moment."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db.models import QuerySet

from companies.models import Company
from erp_integrations import questions
from erp_integrations.models import Connection, Question
from tests import factories
from tests.concurrency.test_races import at_once
from tests.meeting import Meeting

pytestmark = [pytest.mark.pg_only, pytest.mark.django_db(transaction=True)]


def connect_twice(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What both are told, who looked at the names at the same moment, unless something kept one of them back."""
    admin, meeting = factories.make_dora(), Meeting()
    connect = Connection.objects.connect

    def meet(*words: Any) -> Connection:
        meeting.wait()
        return connect(*words)

    monkeypatch.setattr(Connection.objects, "connect", meet)
    asked = [
        Question.objects.create(
            company=admin.company,
            asker=admin.user,
            kind=Question.Kind.CONNECT,
            erp="practice",
            name=name,
            options={"behaviour": "normal"},
        )
        for name in ("Practice ERP", "practice erp")
    ]
    assert at_once(*(partial(questions.answer, question.pk) for question in asked)) == [None, None]
    return list(Question.objects.values_list("message", flat=True))


def test_the_second_is_told_that_the_name_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    told = connect_twice(monkeypatch)

    assert Connection.objects.count() == 1
    assert told.count(questions.NAME_TAKEN) == 1


def test_control_without_the_lock_both_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = QuerySet.select_for_update
    monkeypatch.setattr(
        QuerySet,
        "select_for_update",
        lambda rows, **how: rows if rows.model is Company else unlocked(rows, **how),
    )

    connect_twice(monkeypatch)

    assert Connection.objects.count() == 2
