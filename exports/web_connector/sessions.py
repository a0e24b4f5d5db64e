"""A poll of the Web Connector as a session: who holds it, and how it begins and ends.

The same road as a worker's (`exports.queue`), with the roles swapped: the connector fetches a message (`handing_out`)
and brings the answer (`answers`). Between the two nothing is remembered but rows.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now

from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError
from erp_integrations.models import Connection
from erp_integrations.pull import PullAdapter
from exports.models import CodeExport, CodeExportQuerySet, Status
from exports.queue import Lease, Lost, give_up, leases
from exports.queue.decisions import AGAIN
from exports.web_connector.models import Message, Poll, hash_of

FAILED = -1  # to receiveResponseXML: stop, and ask for the last error
DONE = 100
TAKEN_OVER = "Another session of the Web Connector took over."
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


def begin(connection: Connection) -> str | None:
    """Begin a poll and return its ticket; None when there is nothing to do. An earlier poll loses the lease."""
    connection.note_contact()
    if not has_work(connection):
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
    give_up(lease, list(CodeExport.objects.for_adapter().filter(connection=connection, status=Status.EXPORTING)))
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
        end(session, error.message, percent=FAILED, detail=detail)


def finish(session: Session) -> None:
    """End the poll: there is nothing left to do."""
    session.lease.hold(state_message="", failures_in_a_row=0)
    sent = CodeExport.objects.filter(connection=session.connection, lease_token=session.lease.token)
    states = sent.order_by().values_list("status").annotate(Count("pk"))
    told = ", ".join(f"{count:,} {Status(status).label}" for status, count in sorted(states))
    end(session, f"{told}." if told else "Everything is up to date.", percent=DONE)


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


def end(session: Session, said: str, **values: Any) -> None:
    session.poll.said = said
    Poll.objects.filter(pk=session.poll.pk).update(ended_at=Now(), said=said, **values)
    session.lease.release()


def has_work(connection: Connection) -> bool:
    rows = CodeExport.objects.filter(connection=OuterRef("pk"))
    work = Exists(rows.filter(status=Status.EXPORTING)) | Exists(rows.due())
    outstanding = Exists(Message.objects.filter(connection=OuterRef("pk"), answered_at=None, kind=Message.Kind.EXPORT))
    chart = Q(gl_accounts_synced_at=None) | Q(gl_accounts_asked_at__isnull=False)
    return Connection.objects.filter(chart | Q(work) | Q(outstanding), pk=connection.pk).exists()
