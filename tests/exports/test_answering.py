"""What pages ask about items is asked by a worker: once, within the company's limit, and by whoever still may."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from companies.models import Member
from core import broker
from erp_integrations import questions
from erp_integrations import tasks as erp_tasks
from erp_integrations.models import Question
from exports import answering, services, tasks
from exports.models import CodeExport, Reading, RemoteItem
from tests.exports.review_pages import let_a_worker_answer
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import by_hand

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(scene: Scene) -> Client:
    client = Client()
    client.force_login(scene.alice.user)
    return client


def link_url(scene: Scene, path: str = "") -> str:
    return f"/companies/{scene.connection.company.slug}/erp-integrations/{scene.connection.slug}/link/{path}"


def ask_to_link(scene: Scene, **seen: str) -> Question:
    ids = dict(CodeExport.objects.values_list("code", "pk"))
    chosen = {ids[code]: remote_id for code, remote_id in seen.items()}
    asked = Question.about(scene.connection, Question.Kind.LINK, scene.alice.user, seen=chosen, despite={})
    return questions.ask(asked)


def test_no_page_calls_the_erp(scene: Scene, alice: Client) -> None:
    [row] = scene.send("01-100")
    by_hand(scene, "01-100")

    alice.post(link_url(scene, "read/"))
    alice.post(link_url(scene, "selected/"), {"export": f"{row.pk}:R1"})

    assert scene.books.events("start") == []
    assert [question.kind for question in Question.objects.waiting().order_by("pk")] == ["compare", "link"]


def test_a_worker_takes_each_kind_to_where_it_is_answered(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[tuple[str, list[int]]] = []
    monkeypatch.setattr(broker, "wake", lambda task, ids: woken.append((task, list(ids))))

    sync = questions.ask(Question.about(scene.connection, Question.Kind.SYNC, scene.alice.user))
    compare = questions.ask(Question.about(scene.connection, Question.Kind.COMPARE, scene.alice.user))
    questions.sweep()

    there = {sync.pk: erp_tasks.answer.name, compare.pk: tasks.answer.name}
    assert {(pk, task) for task, ids in woken for pk in ids} == set(there.items())
    assert len(woken) == 4, "each once at the click, and once by the sweep"


def test_the_calls_of_a_company_are_counted(scene: Scene, settings: Any) -> None:
    settings.EXPORT_COMPANY_CALLS = 1
    Question.objects.filter(pk=ask_to_link(scene).pk).update(claimed_until="2999-01-01T00:00Z")
    waits = questions.ask(Question.about(scene.connection, Question.Kind.COMPARE, scene.alice.user))

    let_a_worker_answer()
    assert (Question.objects.get(pk=waits.pk).is_pending, RemoteItem.objects.count()) == (True, 0)
    Question.objects.exclude(pk=waits.pk).update(answered_at="2026-01-01T00:00Z")
    let_a_worker_answer()

    assert not Question.objects.get(pk=waits.pk).is_pending


@pytest.mark.parametrize("kind", ["compare", "link"])
def test_whoever_lost_the_right_meanwhile_is_told_so(scene: Scene, kind: str) -> None:
    scene.send("01-100")
    by_hand(scene, "01-100")
    compare = Question.about(scene.connection, Question.Kind.COMPARE, scene.alice.user)
    asked = ask_to_link(scene, **{"01-100": "R1"}) if kind == "link" else questions.ask(compare)
    Member.objects.filter(pk=scene.alice.pk).update(can_push_to_accounting=False)

    let_a_worker_answer()

    asked.refresh_from_db()
    assert (asked.is_good, asked.message) == (False, questions.NO_RIGHT)
    assert (scene.states(), scene.books.events("start")) == ({"01-100": "READY"}, [])


def test_links_of_two_codes_are_both_made_and_one_asked_twice_is_made_once(scene: Scene) -> None:
    scene.send("01-100", "01-200")
    by_hand(scene, "01-100")
    by_hand(scene, "01-200")

    twice = [ask_to_link(scene, **{"01-100": "R1"}), ask_to_link(scene, **{"01-100": "R1"})]
    other = ask_to_link(scene, **{"01-200": "R2"})
    let_a_worker_answer()

    for question in (*twice, other):
        question.refresh_from_db()
    assert [question.message for question in twice] == [questions.ASKED_ANEW, "Linked 1 cost code."]
    assert other.message == "Linked 1 cost code."
    assert scene.states() == {"01-100": "SUCCESS", "01-200": "SUCCESS"}


def test_a_schedule_links_nothing(scene: Scene) -> None:
    asked = questions.ask(Question.about(scene.connection, Question.Kind.LINK, None, seen={}, despite={}))

    tasks.answer(asked.pk)

    asked.refresh_from_db()
    assert not asked.is_good


def test_each_connection_whose_day_it_is_is_read_by_a_task_of_its_own(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs holds up no other."""
    woken: list[int] = []
    monkeypatch.setattr(broker, "wake", lambda task, ids: woken.extend(ids))
    scene.connection.company.connections.create(erp="scripted", name="Another", slug="another")

    tasks.read_items()

    assert len(woken) == Question.objects.filter(kind="compare", asker=None).count() == 2
    assert scene.books.events("start") == []


def test_a_reading_that_nobody_took_up_is_tried_again_within_the_hour(scene: Scene) -> None:
    services.read_due_items()
    soon = Reading.objects.get().due_at
    let_a_worker_answer()

    assert soon < Reading.objects.get().due_at, "read, so its next day is tomorrow"


class TestAnErpThatAnswersBadly:
    def test_is_asked_in_halves_until_the_bad_code_is_alone(self, scene: Scene) -> None:
        codes = ["01-100", "01-200", "01-300", "01-400"]
        scene.send(*codes)
        seen = {code: by_hand(scene, code) for code in codes}
        scene.books.tell(Rule("uncertain", "01-300", on="find"))

        asked = ask_to_link(scene, **seen)
        tasks.answer(asked.pk)

        asked.refresh_from_db()
        assert scene.states() == {code: "READY" if code == "01-300" else "SUCCESS" for code in codes}
        assert asked.message.startswith("Linked 3 cost codes. 01-300: ")

    def test_is_not_asked_again_for_each_portion_when_it_is_down(self, scene: Scene) -> None:
        codes = [f"01-{number}" for number in range(100, 160)]
        scene.send(*codes)
        scene.books.tell(Rule("transient", on="find"))

        asked = ask_to_link(scene, **dict.fromkeys(codes, "R1"))
        tasks.answer(asked.pk)

        asked.refresh_from_db()
        assert len(scene.books.events("start")) == 1
        assert asked.message.count("The ERP cannot be reached.") == len(codes)


def test_acts_are_those_that_are_sent_there() -> None:
    assert answering.ACTS.keys() == questions.OF_CODES
