"""What the Web Connector is given when it asks for work: one message, stored before it is handed out.

Order within a poll: what is outstanding, the chart of accounts, adding what was looked up and not found, looking
further codes up by name. A look-up that comes to nothing thus keeps no code back that was looked up before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar, cast

from django.db import transaction
from django.db.models import BigIntegerField, Exists, OuterRef, Q
from django.db.models.functions import Now

from core.statements import Given
from erp_integrations.base import Capabilities, CodeData
from erp_integrations.errors import ERPError
from erp_integrations.models import Connection
from erp_integrations.pull import Books
from exports.models import UNFINISHED, CodeExport, Status
from exports.queue import Kinds, claim, erp_calls, give_up, kinds_of, next_rows, stands
from exports.web_connector.models import Message, Poll
from exports.web_connector.sessions import FAILED, OtherBooks, Session, end, finish, stop

TIMES = 4  # that one message is handed out without a readable answer; then its codes are looked up by name
T = TypeVar("T")


def next_message(session: Session, greeting: str) -> str:
    """The document that is due, stored before it is handed out; empty when the poll has ended, well or not."""
    try:
        with transaction.atomic():
            session.lease.hold()
            if not session.poll.has_greeted:
                _read_greeting(session, greeting)
            if session.connection.state != Connection.State.ACTIVE:
                end(session, f"{session.connection} is paused in Tieback.", percent=FAILED)
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
    waiting = session.rows().filter(Q(due, due_at__lte=Now()) | Q(status=Status.EXPORTING))
    unasked = waiting.exclude(absent_token=session.lease.token)
    in_vain = Q(status=Status.UNKNOWN, tries__gt=0)  # these go last, each alone: they spoil the others' answers
    size = session.poll.look_up_size or session.adapter.look_up_size
    rows = list(unasked.exclude(in_vain)[:size]) or list(unasked[:1])
    if not rows:
        return None
    give_up(session.lease, [row for row in rows if row.status == Status.EXPORTING])  # its message was given up
    codes = [row.as_data() for row in rows]
    return _hand_out(session, Message.Kind.FIND, _asked(lambda: session.adapter.find_message(codes)), codes)


def _export(session: Session) -> Message | None:
    """Claim a portion. What lies below a division that is under way comes when that is in the ERP."""
    kinds, token = _ripe(session.connection.capabilities), session.lease.token
    codes = [one.code for one in claim(session.lease, next_rows(session.lease, kinds=kinds, token=token))]
    if not codes:
        return None
    done = Message.objects.filter(connection=session.connection, kind=Message.Kind.EXPORT).first()
    key, done_key = secrets.token_urlsafe(16), done.key if done else ""
    text = _asked(lambda: session.adapter.export_message(codes, key, done_key))
    return _hand_out(session, Message.Kind.EXPORT, text, codes, key)


@lru_cache(maxsize=100)
def _ripe(able: Capabilities) -> Kinds:
    ripe = CodeExport.objects.due().filter(absent_token=Given("token", BigIntegerField()))
    if able.has_tiers:
        above = CodeExport.objects.filter(item=OuterRef("item__parent"), status__in=UNFINISHED)
        ripe = ripe.exclude(Exists(above.filter(connection=OuterRef("connection"))))
    return kinds_of(ripe, able)


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
