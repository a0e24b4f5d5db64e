"""A poll, step by step: what each call of the Web Connector means for the queue.

The same road as a worker's (`exports.services`), with the roles swapped: the connector fetches a message and brings the
answer. Between the two nothing is remembered but rows. Order within a poll: what is outstanding, the chart of accounts,
adding what was looked up and not found, looking further codes up by name. A look-up that comes to nothing thus keeps no
code back that was looked up before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now

from core.bulk import storable
from erp_integrations.base import CodeData, Receipt, Refused
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.models import Connection
from erp_integrations.pull import Books, NothingStored, PullAdapter
from exports.models import UNFINISHED, CodeExport, CodeExportQuerySet, Status
from exports.queue import erp_calls, leases
from exports.queue.decisions import AGAIN
from exports.queue.leases import Lease, Lost
from exports.queue.portions import Work, claim, next_rows, store
from exports.queue.recovery import give_up, resolve
from exports.queue.standing import stands
from exports.web_connector.models import Message, Poll, hash_of

TIMES = 4  # that one message is handed out without a readable answer; then its codes are looked up by name
MOST_UNANSWERED = 5  # codes of one poll that are asked about alone in vain; then it ends
MOST_DETAIL = 4000  # characters
FAILED = -1  # to receiveResponseXML: stop, and ask for the last error
DONE = 100
T = TypeVar("T")
TAKEN_OVER = "Another session of the Web Connector took over."
CLOSED_EARLY = "The Web Connector ended before everything was done; the rest goes at its next call."
RAN_OUT = "This call of the Web Connector was idle for too long. What it was at is asked about at its next call."
UNREADABLE = (
    "Tieback could not read what the Web Connector sent: it was broken or cut short on its way, or too long. "
    "What it was about is asked again at the next call; if this comes back, show it to whoever runs the network."
)
NOTHING_WRONG = "Nothing is wrong."
IN_VAIN = "It failed {} times in a row. When that is mended, resume the connection."


class OtherBooks(UncertainError):
    """The company file that is open is not this connection's."""


@dataclass
class Session:
    """A poll that goes on: it holds the lease of its connection."""

    poll: Poll
    lease: Lease

    @property
    def connection(self) -> Connection:
        return self.lease.connection

    @property
    def adapter(self) -> PullAdapter:
        return cast(PullAdapter, self.connection.adapter())

    def rows(self) -> CodeExportQuerySet:
        return CodeExport.objects.for_adapter().filter(connection=self.connection)

    def open_message(self) -> Message | None:
        return Message.objects.filter(connection=self.connection, answered_at=None).first()


# Beginning and ending


def begin(connection: Connection) -> str | None:
    """Begin a poll and return its ticket; None when there is nothing to do. An earlier poll loses the lease."""
    connection.note_contact()
    if not _has_work(connection):
        return None
    lease = leases.take_over(Connection.objects.filter(pk=connection.pk, state=Connection.State.ACTIVE))
    if lease is None:
        return None
    ticket = secrets.token_urlsafe(16)
    with transaction.atomic():
        lease.hold()
        Poll.objects.filter(connection=connection, ended_at=None).update(
            ended_at=Now(), percent=FAILED, said=TAKEN_OVER
        )
        last = Poll.objects.filter(connection=connection).first()
        size = last.look_up_size if last else None
        Poll.objects.create(connection=connection, ticket_hash=hash_of(ticket), token=lease.token, look_up_size=size)
        readings = Message.objects.filter(connection=connection, answered_at=None).exclude(kind=Message.Kind.EXPORT)
        readings.delete()  # nothing is lost with a question
    give_up(lease, list(CodeExport.objects.for_adapter().filter(connection=connection, status=Status.SENDING)))
    return ticket


def resume(guid: UUID, ticket: str) -> Session:
    """The poll that the ticket stands for; raises Lost if it ended, ran out, or is another connection's."""
    poll = Poll.objects.of_ticket(guid, ticket)
    if poll is None or poll.ended_at:
        raise Lost
    return Session(poll, leases.resume(Connection.objects.filter(pk=poll.connection_id), poll.token))


def failure(session: Session, code: str, message: str) -> ERPError | None:
    """What the connector tells instead of an answer, as an error of ours; None when it tells nothing."""
    return session.adapter.connector_error(code, message) if code.strip() else None


def stop(session: Session, error: ERPError) -> None:
    """End the poll because of an error; the connection's pages tell it until a poll goes well.

    One that may pass by itself is tried again at the next calls, up to EXPORT_MAX_TRIES in a row; then a person must
    look. A poll that settled codes begins the count anew. Another company file that is open is no failure: its owner
    works with it, and the next call finds ours.
    """
    before = 0 if session.poll.settled else session.connection.failures_in_a_row
    failures = before + (not isinstance(error, OtherBooks))
    if isinstance(error, TransientError | UncertainError) and failures >= settings.EXPORT_MAX_TRIES:
        error = ConfigurationError(f"{error.message} {IN_VAIN.format(failures)}", error.detail)
    elif isinstance(error, TransientError):
        error = TransientError(f"{error.message} {AGAIN}", error.detail)
    with transaction.atomic():
        if isinstance(error, ConfigurationError):
            session.lease.end(error)
        else:
            session.lease.hold(state_message=error.message, failures_in_a_row=failures)
        detail = "\n".join(filter(None, [session.poll.detail, error.detail]))
        _end(session, error.message, percent=FAILED, detail=detail)


def finish(session: Session) -> None:
    """End the poll: there is nothing left to do."""
    session.lease.hold(state_message="", failures_in_a_row=0)
    sent = CodeExport.objects.filter(connection=session.connection, lease_token=session.lease.token)
    states = sent.order_by().values_list("status").annotate(Count("pk"))
    told = ", ".join(f"{count:,} {Status(status).label}" for status, count in sorted(states))
    _end(session, f"{told}." if told else "Everything is up to date.", percent=DONE)


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
        _end(session, CLOSED_EARLY, percent=FAILED)
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


def percent_told(guid: UUID, ticket: str) -> int:
    """What an answer that was brought to the end of a poll is told when it is brought once more."""
    poll = Poll.objects.of_ticket(guid, ticket)
    return DONE if poll and poll.ended_at and poll.percent == DONE else FAILED


def last_error(guid: UUID, ticket: str) -> str | None:
    """What went wrong last, in words; None for a ticket that is unknown."""
    poll = Poll.objects.of_ticket(guid, ticket)
    if poll is None:
        return None
    if poll.said:
        return poll.said
    try:
        resume(guid, ticket)
    except Lost:
        return RAN_OUT
    return NOTHING_WRONG


def note_unreadable(connection: Connection) -> None:
    """The connector said something that is no call: it will ask what was wrong, and nobody knows for whom it spoke.

    Anybody can do this to a poll that goes on, so that it changes no more than its words.
    """
    Poll.objects.filter(connection=connection, ended_at=None, said="").update(said=UNREADABLE)


def _end(session: Session, said: str, **values: Any) -> None:
    session.poll.said = said
    Poll.objects.filter(pk=session.poll.pk).update(ended_at=Now(), said=said, **values)
    session.lease.release()


def _has_work(connection: Connection) -> bool:
    rows = CodeExport.objects.filter(connection=OuterRef("pk"))
    work = Exists(rows.filter(status=Status.SENDING)) | Exists(rows.due())
    outstanding = Exists(Message.objects.filter(connection=OuterRef("pk"), answered_at=None, kind=Message.Kind.EXPORT))
    chart = Q(gl_accounts_synced_at=None) | Q(gl_accounts_asked_at__isnull=False)
    return Connection.objects.filter(chart | Q(work) | Q(outstanding), pk=connection.pk).exists()


# Handing out


def next_message(session: Session, greeting: str) -> str:
    """The document that is due, stored before it is handed out; empty when the poll has ended, well or not."""
    try:
        with transaction.atomic():
            session.lease.hold()
            if not session.poll.has_greeted:
                _read_greeting(session, greeting)
            if session.connection.state != Connection.State.ACTIVE:
                _end(session, f"{session.connection} is paused in Tieback.", percent=FAILED)
                return ""
            message = _outstanding(session) or _chart(session) or _export(session) or _look_up(session)
            if message is None:
                finish(session)
    except ERPError as error:
        stop(session, error)
        return ""
    return message.text if message else ""


def _read_greeting(session: Session, greeting: str) -> None:
    """The company file that is open must be this connection's: another one would mix up two companies' books."""
    connection = session.connection
    books: Books = _asked(lambda: session.adapter.read_greeting(greeting))
    if books.owner_key != str(connection.guid):
        raise OtherBooks(
            f"The company file that is open, “{books.company}”, is not the one of the connection {connection}. "
            "Open the right company file in QuickBooks and run the Web Connector again. Nothing was written.",
            books.version,
        )
    session.lease.hold(books=f"{books.company} ({books.version})"[:255])
    Poll.objects.filter(pk=session.poll.pk).update(has_greeted=True)


def _outstanding(session: Session) -> Message | None:
    """A message that was handed out and not answered: the same again, word for word."""
    message = session.open_message()
    if message is None:
        return None
    if message.times >= TIMES:
        Message.objects.filter(pk=message.pk).update(answered_at=Now())
        return None
    Message.objects.filter(pk=message.pk).update(times=message.times + 1)
    return message


def _chart(session: Session) -> Message | None:
    connection = session.connection
    if connection.gl_accounts_synced_at and not connection.gl_accounts_asked_at:
        return None
    return _hand_out(session, Message.Kind.ACCOUNTS, _asked(session.adapter.accounts_message))


def _look_up(session: Session) -> Message | None:
    """Ask about all codes that this poll has not asked about yet."""
    due = Q(stands(session.connection), status=Status.QUEUED) | Q(status=Status.UNKNOWN)
    waiting = session.rows().filter(Q(due, due_at__lte=Now()) | Q(status=Status.SENDING))
    unasked = waiting.exclude(absent_token=session.lease.token)
    in_vain = Q(status=Status.UNKNOWN, tries__gt=0)  # these go last, each alone: they spoil the others' answers
    size = session.poll.look_up_size or session.adapter.look_up_size
    rows = list(unasked.exclude(in_vain)[:size]) or list(unasked[:1])
    if not rows:
        return None
    give_up(session.lease, [row for row in rows if row.status == Status.SENDING])  # its message was given up
    codes = [row.as_data() for row in rows]
    return _hand_out(session, Message.Kind.FIND, _asked(lambda: session.adapter.find_message(codes)), codes)


def _export(session: Session) -> Message | None:
    """Claim a portion. What lies below a division that is under way comes when that is in the ERP."""
    ripe = CodeExport.objects.due().filter(absent_token=session.lease.token)
    if session.connection.capabilities.has_tiers:
        above = CodeExport.objects.filter(item=OuterRef("item__parent"), status__in=UNFINISHED)
        ripe = ripe.filter(~Exists(above.filter(connection=session.connection)))
    codes = [one.code for one in claim(session.lease, next_rows(session.lease, ripe))]
    if not codes:
        return None
    done = Message.objects.filter(connection=session.connection, kind=Message.Kind.EXPORT).first()
    key, done_key = secrets.token_urlsafe(16), done.key if done else ""
    text = _asked(lambda: session.adapter.export_message(codes, key, done_key))
    return _hand_out(session, Message.Kind.EXPORT, text, codes, key)


def _hand_out(
    session: Session, kind: Message.Kind, text: str, codes: Sequence[CodeData] = (), key: str = ""
) -> Message:
    return Message.objects.create(
        connection=session.connection,
        kind=kind,
        key=key,
        token=session.lease.token,
        text=text,
        codes=[dict(vars(code)) for code in codes],
        times=1,
    )


def _asked(call: Callable[[], T]) -> T:
    """What the adapter says; raises ERPError, whatever happens inside it."""
    told, error = erp_calls.guarded(call)
    if error:
        raise error
    return cast(T, told)


# Taking the answer


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
    return row.status == Status.QUEUED and row.reference not in receipts and not row.look_first


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
    unanswered = (Status.SENDING,) if is_open else (Status.SENDING, Status.UNKNOWN)
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
    if not _has_work(session.connection):
        Poll.objects.filter(pk=session.poll.pk).update(settled=session.poll.settled)
        finish(session)
        return DONE
    due = CodeExport.objects.due().filter(connection=session.connection).count()
    settled = session.poll.settled
    percent = max(1, min(DONE - 1, 100 * settled // max(settled + due, 1)))
    Poll.objects.filter(pk=session.poll.pk).update(settled=settled, percent=percent, said="")
    return percent
