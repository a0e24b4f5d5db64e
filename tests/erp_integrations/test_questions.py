"""What a page asks of an ERP is a row: a worker asks, once, and the page can be left and come back to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db import connection as database
from django.test import Client

from companies.models import AuditEvent, Level, Member
from core import broker
from core.clock import in_seconds
from erp_integrations import questions, tasks
from erp_integrations.models import Connection, Question
from erp_integrations.models.connections import NAME_TAKEN
from tests.erp_integrations import vault
from tests.erp_integrations.pages import (
    ACCOUNTS,
    HTMX,
    NEW,
    NEW_VAULT,
    NORMAL,
    REFUSED,
    SETTINGS,
    SYNC,
    VAULT,
    answer_to_test,
    connect,
    let_a_worker_answer,
    polled,
    text,
)
from tests.factories import make_company, make_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web process that calls an ERP fails."""
    from erp_integrations.adapters.practice.adapter import PracticeAdapter

    def call(*words: Any) -> None:
        raise AssertionError("The page called the ERP itself.")

    for name in ("check", "fetch_gl_accounts"):
        monkeypatch.setattr(PracticeAdapter, name, call)


@pytest.mark.usefixtures("never_called")
@pytest.mark.parametrize("url", [f"{SETTINGS}test/", SYNC, NEW])
def test_no_page_calls_an_erp(dora: Client, practice: Connection, url: str) -> None:
    response = dora.post(url, {**NORMAL, "name": "Another"}, follow=True)

    assert response.status_code == 200
    assert "You may leave this page" in text(response)
    assert Question.objects.get().is_pending


def test_a_page_asks_until_the_answer_is_there(dora: Client, practice: Connection) -> None:
    page = text(dora.post(f"{SETTINGS}test/", NORMAL, headers=HTMX))

    assert 'hx-trigger="every 1s"' in page
    assert dora.get(polled(page), headers=HTMX).status_code == 204
    let_a_worker_answer()
    answer = text(dora.get(polled(page), headers=HTMX))
    assert "Connected to Practice Books (Practice ERP 1.0)" in answer
    assert "hx-trigger" not in answer


@pytest.mark.parametrize("post", [SYNC, NEW])
def test_a_page_that_shows_more_than_the_answer_is_loaded_anew(dora: Client, practice: Connection, post: str) -> None:
    page = text(dora.post(post, {**NORMAL, "name": "Another"}, follow=True))
    assert dora.get(polled(page), headers=HTMX).status_code == 204

    let_a_worker_answer()

    assert dora.get(polled(page), headers=HTMX).headers["HX-Refresh"] == "true"


def test_the_settings_can_be_left_and_tell_the_answer_once(dora: Client, practice: Connection) -> None:
    dora.post(f"{SETTINGS}test/", NORMAL, headers=HTMX)
    assert "Asking the ERP" in text(dora.get(SETTINGS))

    let_a_worker_answer()

    assert "Connected to Practice Books" in text(dora.get(SETTINGS))
    assert "Connected to Practice Books" not in text(dora.get(SETTINGS))


def test_accounts_are_told_once(dora: Client, practice: Connection) -> None:
    dora.post(SYNC)
    let_a_worker_answer()

    assert "GL accounts read from Practice ERP." in text(dora.get(ACCOUNTS))
    assert "GL accounts read from" not in text(dora.get(ACCOUNTS))


def test_without_javascript_a_page_that_waits_offers_to_look_again(dora: Client, practice: Connection) -> None:
    page = text(dora.post(f"{SETTINGS}test/", NORMAL))
    answer = f'<noscript><a href="{polled(page).removesuffix("?stay=1")}">Show the answer</a></noscript>'
    again = '<noscript><a href="{}">Look again</a></noscript>'

    assert answer in page
    assert answer in text(dora.get(polled(page)))
    assert again.format(ACCOUNTS) in text(dora.post(SYNC, follow=True))
    connecting = dora.post(NEW, {**NORMAL, "name": "Another"})["Location"]
    assert again.format(connecting) in text(dora.get(connecting))
    let_a_worker_answer()
    assert "Back to Settings" in text(dora.get(polled(page)))
    for url in (polled(page), ACCOUNTS, connecting):
        assert "<noscript>" not in text(dora.get(url, follow=True))


# Secrets


def test_a_typed_secret_is_kept_encrypted_and_only_until_the_answer(dora: Client, vault_connection: Connection) -> None:
    data = {**REFUSED, "options-password": "typed-Canary-1"}
    dora.post(f"{VAULT}test/", data, headers=HTMX)
    dora.post(NEW_VAULT, {**data, "name": "Second"})

    assert [question.credentials["password"] for question in Question.objects.all()] == ["typed-Canary-1"] * 2
    assert "typed-Canary-1" not in stored()
    let_a_worker_answer()
    assert [question.credentials for question in Question.objects.all()] == [{}, {}]


def test_a_test_of_what_is_saved_keeps_no_secret(dora: Client, vault_connection: Connection) -> None:
    dora.post(f"{VAULT}test/", REFUSED, headers=HTMX)

    question = Question.objects.get()
    assert (question.is_of_saved, question.options, question.credentials) == (True, {}, {})
    let_a_worker_answer()
    assert "Connected to Vault &amp; Sons (3)" in text(dora.get(VAULT))


def stored() -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM erp_integrations_question")
        return repr(cursor.fetchall())


@pytest.mark.parametrize("limit", [{"asked_at": in_seconds(-301)}, {"claimed_until": in_seconds(-1)}])
def test_a_secret_goes_with_a_question_that_nobody_answers(
    dora: Client, vault_connection: Connection, limit: dict[str, Any]
) -> None:
    dora.post(NEW_VAULT, {**REFUSED, "name": "Second", "options-password": vault.PASSWORD})
    Question.objects.update(**limit)

    tasks.sweep()

    question = Question.objects.get()
    assert (question.is_pending, question.credentials, question.is_good) == (False, {}, False)
    assert not Connection.objects.filter(name="Second").exists()


# Workers


def test_a_question_is_asked_once(dora: Client, practice: Connection) -> None:
    dora.post(NEW, {**NORMAL, "name": "Another"})
    question = Question.objects.get()

    for _ in range(3):
        tasks.answer(question.pk)

    assert Connection.objects.filter(name="Another").count() == 1
    assert AuditEvent.objects.filter(action="accounts.synced").count() == 1


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ({"claimed_until": in_seconds(-1)}, questions.DIED),
        ({"asked_at": in_seconds(-301)}, questions.UNTAKEN),
    ],
)
def test_a_page_whose_worker_is_gone_says_so_and_does_not_wait_for_ever(
    dora: Client, practice: Connection, limit: dict[str, Any], sentence: str
) -> None:
    page = text(dora.post(f"{SETTINGS}test/", NORMAL, headers=HTMX))
    assert dora.get(polled(page), headers=HTMX).status_code == 204

    Question.objects.update(**limit)

    assert sentence in text(dora.get(polled(page), headers=HTMX))


def test_an_answer_that_comes_too_late_changes_nothing(
    dora: Client, vault_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = vault.VaultAdapter.check

    def late(self: vault.VaultAdapter) -> Any:
        Question.objects.update(claimed_until=in_seconds(-1))
        questions.give_up()
        return check(self)

    monkeypatch.setattr(vault.VaultAdapter, "check", late)
    data = {"name": "Second", "options-address": "vault.test", "options-password": vault.PASSWORD}

    page = text(connect(dora, NEW_VAULT, data))

    assert questions.DIED in page
    assert not Connection.objects.filter(name="Second").exists()
    assert not AuditEvent.objects.exists()


def test_the_sweep_wakes_for_what_no_call_reached_and_forgets_what_is_old(
    dora: Client, practice: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    dora.post(SYNC)
    question = Question.objects.get()
    woken: list[int] = []
    monkeypatch.setattr(broker, "wake", lambda task, ids: woken.extend(ids))

    tasks.sweep()
    assert woken == [question.pk]

    woken.clear()
    tasks.answer(question.pk)
    tasks.sweep()
    assert (woken, Question.objects.count()) == ([], 1)
    Question.objects.update(asked_at=in_seconds(-questions.KEPT_S - 1))
    tasks.sweep()
    assert Question.objects.count() == 0


def test_a_question_waits_while_the_company_has_no_call_left(dora: Client, practice: Connection, settings: Any) -> None:
    settings.EXPORT_COMPANY_CALLS = 1
    other = make_connection(make_company(), name="Busy", slug="busy", lease_until=in_seconds(60))
    dora.post(SYNC)

    let_a_worker_answer()
    assert Question.objects.get().is_pending

    Connection.objects.filter(pk=other.pk).update(lease_until=None)
    let_a_worker_answer()
    assert not Question.objects.get().is_pending


def test_one_that_the_company_had_no_call_left_for_says_so_in_the_end(
    dora: Client, practice: Connection, settings: Any
) -> None:
    settings.EXPORT_COMPANY_CALLS = 1
    other = make_connection(make_company(), name="Busy", slug="busy", lease_until=in_seconds(60))
    page = text(dora.post(f"{SETTINGS}test/", NORMAL, headers=HTMX))
    let_a_worker_answer()
    assert dora.get(polled(page), headers=HTMX).status_code == 204

    Connection.objects.filter(pk=other.pk).update(lease_until=None)
    Question.objects.update(asked_at=in_seconds(-301))

    assert questions.CROWDED in text(dora.get(polled(page), headers=HTMX))


def test_who_asks_again_waits_for_the_last_alone(dora: Client, practice: Connection) -> None:
    first = text(dora.post(f"{SETTINGS}test/", NORMAL, headers=HTMX))
    dora.post(f"{SETTINGS}test/", NORMAL, headers=HTMX)

    assert Question.objects.waiting().count() == 1
    assert questions.ASKED_ANEW in text(dora.get(polled(first), headers=HTMX))


def test_who_lost_the_right_meanwhile_connects_nothing(dora: Client, practice: Connection) -> None:
    dora.post(NEW, {**NORMAL, "name": "Another"})
    Member.objects.update(erp_level=Level.READ_ONLY)

    let_a_worker_answer()

    assert (Question.objects.get().message, Connection.objects.count()) == (questions.NO_RIGHT, 1)


def test_a_name_that_was_taken_meanwhile_is_not_taken_twice(dora: Client, practice: Connection) -> None:
    for _ in range(2):
        dora.post(NEW, {**NORMAL, "name": "Another"})
    Question.objects.update(answered_at=None)  # both are asked, as by two people

    let_a_worker_answer()

    assert Connection.objects.filter(name="Another").count() == 1
    assert NAME_TAKEN in Question.objects.values_list("message", flat=True)


def test_an_adapter_that_fails_unforeseen_is_told_and_logged(dora: Client, caplog: pytest.LogCaptureFixture) -> None:
    make_connection(options={"behaviour": "bug"})

    answer = answer_to_test(dora, f"{SETTINGS}test/", {**NORMAL, "options-behaviour": "bug"})

    assert "Something failed inside Tieback; its log tells more." in answer
    assert "told to fail in an unforeseen way" in caplog.text


@pytest.mark.django_db(transaction=True)
class TestAnActThatFailsUnforeseen:
    """Outside the adapter, and so with no ERPError."""

    @pytest.fixture
    def question(self, practice: Connection) -> Question:
        question = Question.about(practice, Question.Kind.CHECK, None)
        question.save()
        return question

    def fail(self, question: Question, act: Callable[[Question], Any], kind: type[Exception]) -> Question:
        with pytest.raises(kind):
            questions.answer(question.pk, {question.kind: act})
        question.refresh_from_db()
        return question

    def test_is_told_at_once_and_raised_to_be_logged(self, question: Question) -> None:
        self.fail(question, raising(ZeroDivisionError("a secret")), ZeroDivisionError)

        assert (question.is_pending, question.is_good, question.message) == (False, False, questions.FAILED)
        assert question.detail == "ZeroDivisionError"

    @pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
    def test_for_a_busy_database_says_so(self, question: Question, kind: type[Exception]) -> None:
        self.fail(question, raising(kind("canceling statement due to lock timeout")), kind)

        assert question.message == questions.DATABASE_BUSY

    def test_for_its_time_is_found_by_the_sweep_like_one_whose_worker_died(self, question: Question) -> None:
        self.fail(question, raising(SoftTimeLimitExceeded()), SoftTimeLimitExceeded)
        assert question.is_pending

        Question.objects.update(claimed_until=in_seconds(-1))
        tasks.sweep()

        assert Question.objects.get().message == questions.DIED

    def test_in_its_transaction_is_noted_outside_it(self, question: Question) -> None:
        def act(question: Question) -> questions.Answer:
            with transaction.atomic():
                Question.objects.update(message="half done")
                make_connection(question.company)  # whose name is taken
            raise AssertionError("the database took it")

        self.fail(question, act, IntegrityError)

        assert question.message == questions.FAILED

    def test_for_the_loss_of_its_connection_is_noted_over_another(self, question: Question) -> None:
        def act(question: Question) -> questions.Answer:
            database.connection.close()
            Question.objects.update(message="half done")
            raise AssertionError("the connection was not lost")

        self.fail(question, act, DatabaseError)

        assert not question.is_pending

    def test_that_cannot_be_noted_is_raised_all_the_same(
        self, question: Question, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(Question, "close", raising(OperationalError("no connection")))

        self.fail(question, raising(ZeroDivisionError()), ZeroDivisionError)

        assert f"question {question.pk} failed could not be noted" in caplog.text


def raising(error: Exception) -> Callable[..., Any]:
    def act(*_: Any, **__: Any) -> Any:
        raise error

    return act
