"""Two people at one project, or at one code of it, at the same moment. PostgreSQL, real threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError

from tests.factories import make_company, make_cost_code, make_project, make_segment
from tests.meeting import wait_unless_held_back
from tests.patience import PATIENCE_S
from tests.wbs.test_races import at_once
from tests.wbs.test_races import unguarded as unguarded
from wbs.errors import Conflict, Refused
from wbs.models import Outcome, Project, ProjectCode, ProjectQuerySet, Segment, SegmentItem
from wbs.models.projects import ProjectCodeQuerySet

pytestmark = [pytest.mark.pg_only, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def deleted_meanwhile(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """After a project got its codes, and before that is committed, someone may delete them."""
    inserted, deleted = threading.Event(), threading.Event()
    insert = ProjectCodeQuerySet.insert_from

    def insert_and_wait(*words: Any) -> int:
        number = insert(*words)
        inserted.set()
        wait_unless_held_back(deleted.is_set)
        return number

    monkeypatch.setattr(ProjectCodeQuerySet, "insert_from", insert_and_wait)
    return inserted, deleted


def add_and_delete(events: tuple[threading.Event, threading.Event]) -> list[Any]:
    code, project = make_cost_code("01"), make_project()
    inserted, deleted = events

    def delete() -> Outcome:
        inserted.wait(PATIENCE_S)
        outcome = code.segment.delete_items([code.pk], None)
        deleted.set()
        return outcome

    return at_once(lambda: project.add_codes(SegmentItem.objects.filter(pk=code.pk), None), delete)


@pytest.mark.usefixtures("unguarded")
def test_control_without_the_guard_a_code_is_deleted_while_a_project_gets_it(
    deleted_meanwhile: tuple[threading.Event, threading.Event],
) -> None:
    added, outcome = add_and_delete(deleted_meanwhile)

    assert isinstance(added, IntegrityError)
    assert outcome.changed == 1


def test_a_code_that_a_project_is_getting_is_not_deleted(
    deleted_meanwhile: tuple[threading.Event, threading.Event],
) -> None:
    added, outcome = add_and_delete(deleted_meanwhile)

    assert added == 1
    assert [why for _, why in outcome.refused] == [
        "01 is used on the project P-100. Remove it there first, or deactivate it."
    ]
    assert ProjectCode.objects.count() == SegmentItem.objects.count() == 1


def test_two_who_add_the_same_codes_add_each_once() -> None:
    project = make_project()
    for number in range(20):
        make_cost_code(f"{number:02}")

    def add() -> int:
        return project.add_codes(make_segment().items.all(), None)

    assert sorted(at_once(add, add)) == [0, 20]
    assert project.codes.count() == 20


@pytest.fixture
def both_look_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of two finds the other's project before both have looked."""
    barrier, get = threading.Barrier(2, timeout=PATIENCE_S), ProjectQuerySet.create

    def create(*words: Any, **named: Any) -> Project:
        barrier.wait()
        return get(*words, **named)

    monkeypatch.setattr(ProjectQuerySet, "create", create)


@pytest.mark.usefixtures("both_look_first")
def test_the_second_of_two_equal_numbers_is_told_that_it_exists() -> None:
    company = make_company()

    outcomes = at_once(*[lambda: Project.add(company, "P-1", "Tower", None, None)] * 2)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Project", "Refused"]
    assert Project.objects.count() == 1


def test_of_two_who_edit_what_they_read_the_second_is_told() -> None:
    project = make_project("P-1")
    Segment.all_of(project.company)

    outcomes = at_once(*[lambda: Project.objects.get().change("P-1", "Tower", None, 1, None)] * 2)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Project"]
    assert Project.objects.get().version == 2


def test_two_who_take_one_number_are_told_in_words() -> None:
    for number in ("P-1", "P-2"):
        make_project(number)

    outcomes = at_once(
        *[lambda n=n: Project.objects.get(number=n).change("P-3", "x", None, 1, None) for n in ("P-1", "P-2")]
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Project", "Refused"]
    assert not any(isinstance(outcome, Conflict) for outcome in outcomes)
    assert any(isinstance(outcome, Refused) and outcome.field == "number" for outcome in outcomes)
