"""Asking an ERP on behalf of a page: the row is the record, a worker asks, and the page can be left meanwhile.

A question is claimed once and never asked again: whoever dies of it leaves a sentence, not a second connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import transaction

from companies import broker
from companies.clock import in_seconds
from companies.models import Level, Member
from erp_integrations import calls
from erp_integrations.errors import ConfigurationError, ERPError, UncertainError
from erp_integrations.models import Connection, Question
from erp_integrations.registry import adapter_class

KEPT_S = 24 * 3600  # an answer, for whoever comes back to it
DIED = "The ERP did not answer in time, or the worker that asked it was stopped. Try again."
UNTAKEN = "No worker was free to ask the ERP. Try again later; if it stays so, tell whoever runs Tieback."
NAME_TAKEN = "This company has a connection of that name already. Choose another."
ASKED_ANEW = "This was asked anew meanwhile."
NO_RIGHT = "You may no longer configure ERP Integrations in this company. Nothing was done."

logger = logging.getLogger(__name__)
T = TypeVar("T")


def ask(question: Question) -> Question:
    """Store the question and wake a worker. It takes the place of the same that this person still waits for."""
    same = {name: getattr(question, name) for name in ("asker", "kind", "company", "connection", "erp", "name")}
    for older in Question.objects.waiting().filter(**same):
        older.close(is_good=False, message=ASKED_ANEW)
    question.save()
    wake([question.pk])
    return question


def wake(question_ids: list[int]) -> None:
    broker.wake("erp_integrations.tasks.answer", question_ids)


def answer(question_id: int) -> None:
    """Ask the ERP and note what it says; nothing when another worker was first, or the company has no call left."""
    question = _claim(question_id)
    if question is None:
        return
    try:
        message = _ACTS[Question.Kind(question.kind)](question)
    except ERPError as error:
        question.close(is_good=False, message=error.message, detail=error.detail)
    else:
        question.close(is_good=True, message=message)


def sweep() -> None:
    """What no wake-up call reached is asked, what nobody answers is given up, what is old is forgotten."""
    give_up()
    Question.objects.filter(asked_at__lte=in_seconds(-KEPT_S)).delete()
    wake(list(Question.objects.waiting().order_by("pk").values_list("pk", flat=True)))


def give_up(question: Question | None = None) -> None:
    """Answer the questions that nobody will answer any more (or this one) with a sentence."""
    overdue = Question.objects.overdue()
    for lost in overdue.filter(pk=question.pk) if question else overdue:
        lost.close(is_good=False, message=DIED if lost.claimed_until else UNTAKEN)


def _claim(question_id: int) -> Question | None:
    with transaction.atomic():
        waiting = Question.objects.waiting().filter(pk=question_id)
        known = waiting.select_related("company", "connection__company", "asker")
        question = known.select_for_update(of=("company",), no_key=True).first()
        if question is None:
            return None
        mine = waiting.filter(calls.room(for_question=True))
        return question if mine.update(claimed_until=in_seconds(_length_s(question))) else None


def _length_s(question: Question) -> float:
    """How long the answer is waited for: two calls (Connect makes as many), and what lies around them."""
    try:
        return 2 * adapter_class(question.erp).capabilities.call_timeout_s + settings.EXPORT_LEASE_S
    except ConfigurationError:  # the integration is no longer installed, which the call will tell
        return settings.EXPORT_LEASE_S


def _check(question: Question) -> str:
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
    return str(found)


def _is_still(connection: Connection, before: object) -> bool:
    """Whether nobody saved other settings while the ERP was asked."""
    connection.refresh_from_db(fields=["options", "credentials"])
    return (connection.options, connection.credentials) == before


def _sync(question: Question) -> str:
    """Raises ERPError."""
    connection = question.connection
    assert connection is not None  # noqa: S101
    try:
        accounts = _asked(lambda: list(connection.adapter().fetch_gl_accounts()))
        number = _asked(lambda: connection.keep_gl_accounts(accounts, question.asker))
    except ERPError as error:
        error.message = f"The GL accounts could not be read. {error.message}"
        raise
    return f"{number:,} GL accounts read from {connection}."


def _connect(question: Question) -> str:
    """Check, then make the connection, then read its accounts: what fails last leaves the connection in place."""
    _check(question)
    with transaction.atomic():
        names = question.company.connections.values_list("name", flat=True)
        if question.name.casefold() in {name.casefold() for name in names}:
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


def _if_still_allowed(act: Callable[[Question], str]) -> Callable[[Question], str]:
    def guarded(question: Question) -> str:
        member = Member.objects.filter(company=question.company_id, user=question.asker_id, erp_level__gte=Level.ADMIN)
        if not member.filter(user__is_active=True).exists():
            raise ConfigurationError(NO_RIGHT)
        return act(question)

    return guarded


_ACTS: dict[Question.Kind, Callable[[Question], str]] = {
    Question.Kind.CHECK: _if_still_allowed(_check),
    Question.Kind.CONNECT: _if_still_allowed(_connect),
    Question.Kind.SYNC: _if_still_allowed(_sync),
}
