"""Asking an ERP on behalf of a page: the row is the record, a worker asks, and the page can be left meanwhile.

A question is claimed once and never asked again: whoever dies of it leaves a sentence, not a second connection.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import Error, InterfaceError, OperationalError, close_old_connections, transaction

from companies.models import Level, Member, MemberQuerySet
from core import broker
from core.clock import in_seconds
from erp_integrations import calls
from erp_integrations.errors import ConfigurationError, ERPError, UncertainError
from erp_integrations.models import Connection, Question
from erp_integrations.models.connections import NAME_TAKEN, naming
from erp_integrations.models.questions import ASKED_ANEW as ASKED_ANEW
from erp_integrations.registry import adapter_class

KEPT_S = 24 * 3600  # an answer, for whoever comes back to it
DIED = "The ERP did not answer in time, or the worker that asked it was stopped. Try again."
UNTAKEN = "No worker was free to ask the ERP. Try again later; if it stays so, tell whoever runs Tieback."
CROWDED = (
    "As many calls to ERPs as this company may make at once were under way, so this one was not made. "
    "Try again when they are done."
)
FAILED = (
    "Something failed inside Tieback; nothing more was done. Try again, and tell whoever runs it if this comes back."
)
DATABASE_BUSY = "Tieback's own database was busy or away; nothing more was done. Try again in a moment."
NO_RIGHT = "You may no longer do this in this company. Nothing was done."

# What is asked about cost codes is answered by `exports`, which lies above and so is known by name alone.
OF_CODES = {Question.Kind.COMPARE, Question.Kind.LINK}

logger = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What a worker notes for the page."""

    message: str
    is_good: bool = True


Act = Callable[[Question], Answer]  # asks the ERP; raises ERPError


def ask(question: Question) -> Question:
    """Store the question and wake a worker. It takes the place of the same that this person still waits for."""
    same = {name: getattr(question, name) for name in ("asker", "kind", "company", "connection", "erp", "name")}
    if question.kind == Question.Kind.LINK:  # of other codes is not the same
        same["options"] = question.options
    for older in Question.objects.waiting().filter(**same):
        older.close(is_good=False, message=ASKED_ANEW)
    question.save()
    _wake([question])
    return question


def _wake(asked: list[Question]) -> None:
    for task, is_of_codes in (("erp_integrations.tasks.answer", False), ("exports.tasks.answer", True)):
        ids = [question.pk for question in asked if (question.kind in OF_CODES) == is_of_codes]
        if ids:
            broker.wake(task, ids)


def answer(question_id: int, acts: Mapping[str, Act] | None = None) -> None:
    """Ask the ERP and note what it says; nothing when another worker was first, or the company has no call left.

    Whatever else fails is noted, and raised. One that took too long is found by the sweep like one whose worker died.
    """
    question = _claim(question_id)
    if question is None:
        return
    try:
        told = (acts or _ACTS)[question.kind](question)
    except ERPError as error:
        question.close(is_good=False, message=error.message, detail=error.detail)
    except SoftTimeLimitExceeded:
        raise
    except Exception as error:
        _note_failure(question, error)
        raise
    else:
        question.close(is_good=told.is_good, message=told.message)


def _note_failure(question: Question, error: Exception) -> None:
    """On a new connection, where the error was the loss of the old one. While there is none, the sweep finds it."""
    if isinstance(error, Error):
        close_old_connections()
    message = DATABASE_BUSY if isinstance(error, OperationalError | InterfaceError) else FAILED
    try:
        question.close(is_good=False, message=message, detail=type(error).__name__)
    except Error:
        logger.exception("That question %s failed could not be noted", question.pk)


def sweep() -> None:
    """What no wake-up call reached is asked, what nobody answers is given up, what is old is forgotten."""
    give_up()
    Question.objects.filter(asked_at__lte=in_seconds(-KEPT_S)).delete()
    _wake(list(Question.objects.waiting().order_by("pk").only("pk", "kind")))


def give_up(question: Question | None = None) -> None:
    """Answer the questions that nobody will answer any more (or this one) with a sentence."""
    overdue = Question.objects.overdue()
    for lost in overdue.filter(pk=question.pk) if question else overdue:
        lost.close(is_good=False, message=DIED if lost.claimed_until else lost.message or UNTAKEN)


def _claim(question_id: int) -> Question | None:
    with transaction.atomic():
        waiting = Question.objects.waiting().filter(pk=question_id)
        known = waiting.select_related("company", "connection__company", "asker")
        question = known.select_for_update(of=("company",), no_key=True).first()
        if question is None:
            return None
        mine = waiting.filter(calls.room(for_question=True))
        if mine.update(claimed_until=in_seconds(_length_s(question))):
            return question
        waiting.exclude(message=CROWDED).update(message=CROWDED)  # if it is given up, that was why
        return None


def _length_s(question: Question) -> float:
    """How long the answer is waited for: so many calls, and what lies around them; at most as long as a task may take.

    Connect makes two calls. A portion of codes may take two as well, when it is asked in halves.
    """
    try:
        able = adapter_class(question.erp).capabilities
    except ConfigurationError:  # the integration is no longer installed, which the call will tell
        return settings.EXPORT_LEASE_S
    portions = math.ceil(len(question.options["seen"]) / able.batch_size) if question.kind == Question.Kind.LINK else 1
    length_s = 2 * portions * able.call_timeout_s + settings.EXPORT_LEASE_S
    return min(length_s, settings.CELERY_TASK_SOFT_TIME_LIMIT)


def _check(question: Question) -> Answer:
    connection = question.connection if question.is_of_saved else None
    before = (connection.options, connection.credentials) if connection else None
    try:
        found = _asked(lambda: question.adapter().check())
    except ConfigurationError as error:
        if connection and _is_still(connection, before):
            connection.note_broken(question.asker, error.message)
        raise
    if connection and _is_still(connection, before):
        connection.note_works(question.asker)
    return Answer(str(found))


def _is_still(connection: Connection, before: object) -> bool:
    """Whether nobody saved other settings while the ERP was asked."""
    connection.refresh_from_db(fields=["options", "credentials"])
    return (connection.options, connection.credentials) == before


def _sync(question: Question) -> Answer:
    """Raises ERPError."""
    connection = question.connection
    assert connection is not None  # noqa: S101
    try:
        accounts = _asked(lambda: list(connection.adapter().fetch_gl_accounts()))
        number = _asked(lambda: connection.keep_gl_accounts(accounts, question.asker))
    except ERPError as error:
        error.message = f"The GL accounts could not be read. {error.message}"
        raise
    return Answer(f"{number:,} GL accounts read from {connection}.")


def _connect(question: Question) -> Answer:
    """Check, then make the connection, then read its accounts: what fails last leaves the connection in place."""
    _check(question)
    with naming(question.company):
        if question.company.connections.has_name(question.name):
            raise ConfigurationError(NAME_TAKEN)
        question.connection = Connection.objects.connect(
            question.company, question.asker, question.erp, question.name, question.options, question.credentials
        )
        still_open = Question.objects.filter(pk=question.pk, answered_at=None)
        if not still_open.update(connection=question.connection, credentials={}):
            raise UncertainError(DIED)  # and nothing is kept
    return _sync(question)


def _asked(call: Callable[[], T]) -> T:
    """What the adapter says; raises ERPError, whatever happens inside it."""
    try:
        return call()
    except ERPError as error:
        logger.warning("%s: %s (%s)", type(error).__name__, error.message, error.detail)
        raise
    except Exception as error:
        logger.exception("An adapter failed in a way that is no ERPError")
        raise UncertainError("Something failed inside Tieback; its log tells more.", type(error).__name__) from error


def if_still_allowed(members: Callable[[], MemberQuerySet], act: Act) -> Act:
    """The act, unless the asker is none of these by now. What the schedule asks is asked by nobody."""

    def guarded(question: Question) -> Answer:
        allowed = members().filter(company=question.company_id, user=question.asker_id, user__is_active=True)
        if question.asker_id and not allowed.exists():
            raise ConfigurationError(NO_RIGHT)
        return act(question)

    return guarded


def _admins() -> MemberQuerySet:
    return Member.objects.filter(erp_level__gte=Level.ADMIN)


_ACTS: dict[str, Act] = {
    Question.Kind.CHECK: if_still_allowed(_admins, _check),
    Question.Kind.CONNECT: if_still_allowed(_admins, _connect),
    Question.Kind.SYNC: if_still_allowed(_admins, _sync),
}
