"""What the Web Connector brings back: the answer to the message that is outstanding, and what follows for its codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from core.bulk import storable
from erp_integrations.base import Receipt, Refused
from erp_integrations.errors import ERPError, UncertainError
from erp_integrations.pull import NothingStored, PullAdapter
from exports.models import UNFINISHED, CodeExport, Status
from exports.queue import Lost, Work, erp_calls, give_up, resolve, stands, store
from exports.web_connector.models import Message, Poll
from exports.web_connector.sessions import DONE, FAILED, RAN_OUT, Session, end, finish, has_work, resume, stop

MOST_UNANSWERED = 5  # codes of one poll that are asked about alone in vain; then it ends
MOST_DETAIL = 4000  # characters
CLOSED_EARLY = "The Web Connector ended before everything was done; the rest goes at its next call."


def take_answer(session: Session, answer: str, failure: ERPError | None) -> int:
    """Store what the answer says of the outstanding message; `failure` is what the connector told instead of one.

    Returns how much of the work is done in percent, DONE, or FAILED when the poll has ended with an error.
    """
    with transaction.atomic():
        session.lease.hold()
        message = session.open_message()
        if message is None:  # it was brought before
            return session.poll.percent
        error = TAKERS[Message.Kind(message.kind)](session, message, answer, failure)
        if error is None:
            return _percent(session)
    stop(session, error)
    return FAILED


def _take_accounts(session: Session, message: Message, answer: str, failure: ERPError | None) -> ERPError | None:
    adapter = session.adapter
    accounts, error = erp_calls.guarded(lambda: adapter.read_accounts(_or_raise(answer, failure)))
    message.delete()
    if not error:
        _note_remarks(session, adapter)
        _, error = erp_calls.guarded(lambda: session.connection.keep_gl_accounts(accounts or [], None))
    return error


def _take_found(session: Session, message: Message, answer: str, failure: ERPError | None) -> ERPError | None:
    codes, adapter = {code.reference: code for code in message.code_data}, session.adapter
    receipts, error = erp_calls.guarded(lambda: adapter.read_found(list(codes.values()), _or_raise(answer, failure)))
    message.delete()
    asked = _rows_of(session, message)
    if error or receipts is None:
        goes_on = error and _narrow(session, asked, error, message.made_at) and not failure
        return None if goes_on else error
    _note_remarks(session, adapter)
    _widen(session, len(codes))
    absent = {row.pk for row in asked if _is_absent(row, receipts)}
    CodeExport.objects.filter(pk__in=absent, status=Status.QUEUED).update(absent_token=session.lease.token)
    in_doubt = give_up(session.lease, [row for row in asked if row.pk not in absent])
    asked_about = [(row, row.as_data()) for row in in_doubt]
    _count(session, resolve(session.lease, asked_about, receipts, {}, message.made_at))
    return None


def _is_absent(row: CodeExport, receipts: Mapping[str, Receipt]) -> bool:
    """Whether the code may be added now: it was never sent in this life, and the ERP has nothing of its name."""
    return row.status == Status.QUEUED and row.reference not in receipts and not row.ask_first


def _rows_of(session: Session, message: Message) -> list[CodeExport]:
    """The codes that a look-up is about, as far as they still are what it asked about."""
    codes = {code.reference: code for code in message.code_data}
    accepted = Q(stands(session.connection), status=Status.QUEUED)
    rows = session.rows().filter(accepted | Q(status=Status.UNKNOWN), reference__in=codes)
    return [row for row in rows if row.code == codes[row.reference].code]


def _narrow(session: Session, asked: list[CodeExport], error: ERPError, asked_at: datetime) -> bool:
    """After a look-up that came to nothing the next one asks about half as many, until a bad code is alone; of that
    one it is noted. Whether the poll may go on: the first time it may be the session's fault, which a new one cures.
    """
    if not isinstance(error, UncertainError) or not asked:
        return False
    is_known = session.poll.look_up_size is not None or asked[0].tries > 0
    if len(asked) > 1 or not is_known:
        session.poll.look_up_size = max(1, len(asked) // 2)
    else:
        [row] = give_up(session.lease, asked)
        resolve(session.lease, [(row, row.as_data())], {}, {row.reference: error}, asked_at)
        session.poll.unanswered += 1
    session.poll.save(update_fields=["look_up_size", "unanswered"])
    return is_known and session.poll.unanswered < MOST_UNANSWERED


def _widen(session: Session, number: int) -> None:
    """A look-up of so many codes went well: the next may be twice as large."""
    if (size := session.poll.look_up_size) and number >= size:
        session.poll.look_up_size = 2 * size if 2 * size < session.adapter.look_up_size else None
        session.poll.save(update_fields=["look_up_size"])


def _note_remarks(session: Session, adapter: PullAdapter) -> None:
    """What could not be read of an answer is named beside the poll."""
    if adapter.remarks:
        told = [session.poll.detail, *adapter.remarks] if session.poll.detail else adapter.remarks
        session.poll.detail = storable("\n".join(told))[:MOST_DETAIL]
        session.poll.save(update_fields=["detail"])


def _take_outcomes(session: Session, message: Message, answer: str, failure: ERPError | None) -> ERPError | None:
    adapter, codes = session.adapter, {code.reference: code for code in message.code_data}
    sent = list(codes.values())
    outcomes, error = erp_calls.outcomes(
        session.connection, sent, lambda: adapter.read_outcomes(sent, _or_raise(answer, failure))
    )
    is_open = isinstance(error, UncertainError)  # then the same message is handed out again
    unanswered = (Status.EXPORTING,) if is_open else (Status.EXPORTING, Status.UNKNOWN)
    rows = session.rows().filter(reference__in=codes, status__in=unanswered)
    stored = store(session.lease, [Work(row, codes[row.reference], message.token) for row in rows], outcomes)
    if not is_open:
        Message.objects.filter(pk=message.pk).update(answered_at=Now())
    if any(isinstance(outcome, Refused) and outcome.is_chart_stale for outcome in outcomes.values()):
        session.connection.ask_for_gl_accounts()
    _count(session, stored)
    goes_on = isinstance(error, NothingStored) or (is_open and not failure)
    return None if goes_on else error


TAKERS: dict[Message.Kind, Callable[[Session, Message, str, ERPError | None], ERPError | None]] = {
    Message.Kind.ACCOUNTS: _take_accounts,
    Message.Kind.FIND: _take_found,
    Message.Kind.EXPORT: _take_outcomes,
}


def _or_raise(answer: str, failure: ERPError | None) -> str:
    if failure:
        raise failure
    return answer


def _count(session: Session, rows: Sequence[CodeExport]) -> None:
    session.poll.settled += sum(row.status not in UNFINISHED for row in rows)


def _percent(session: Session) -> int:
    """How far the poll is. DONE is said only when nothing is left, and ends it."""
    if not has_work(session.connection):
        Poll.objects.filter(pk=session.poll.pk).update(settled=session.poll.settled)
        finish(session)
        return DONE
    due = CodeExport.objects.due().filter(connection=session.connection).count()
    settled = session.poll.settled
    percent = max(1, min(DONE - 1, 100 * settled // max(settled + due, 1)))
    Poll.objects.filter(pk=session.poll.pk).update(settled=settled, percent=percent, said="")
    return percent


def close(guid: UUID, ticket: str) -> str:
    """End the poll if it has not ended yet; how it ended, in words. Whatever comes under this ticket later is late."""
    poll = Poll.objects.of_ticket(guid, ticket)
    if poll is None:
        return "Nothing to do."
    try:
        session = resume(guid, ticket)
    except Lost:
        Poll.objects.filter(pk=poll.pk).update(percent=FAILED)
        return poll.said or RAN_OUT
    if session.poll.said:  # what it sent last could not be read
        _give_up_reading(session, UncertainError(session.poll.said))
        return session.poll.said
    with transaction.atomic():
        session.lease.hold()
        end(session, CLOSED_EARLY, percent=FAILED)
    return session.poll.said


def _give_up_reading(session: Session, error: ERPError) -> None:
    """An answer that never arrives in one piece, too long perhaps, is a failure as one is that cannot be read."""
    with transaction.atomic():
        session.lease.hold()
        message = session.open_message()
        if message and message.kind == Message.Kind.FIND:
            _narrow(session, _rows_of(session, message), error, message.made_at)
            message.delete()
    stop(session, error)
