"""The lease: at any moment at most one holder speaks with a connection's ERP. All times are the database's clock."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db.models import Case, F, TextField, Value, When
from django.db.models.functions import Now
from django.db.models.lookups import LessThan

from companies import audit
from core import statements
from core.bulk import set_clauses
from core.clock import clock_sql, in_seconds
from erp_integrations import calls
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UnsupportedFeature
from erp_integrations.models import Connection, ConnectionQuerySet

BREAK_AFTER = 3  # failures in a row; from then on one portion goes as a probe
PROBE_AFTER = 2  # times EXPORT_RETRY_S: 30 s
HUNG = "The ERP did not answer in time, or the worker that called it was stopped."


class Lost(Exception):
    """Someone else holds the lease by now: write nothing, send nothing."""


@dataclass
class Lease:
    connection: Connection
    token: int
    length_s: float
    clock: datetime  # the database's, when the lease was taken
    read: float  # just after that, on the monotonic clock, which also runs while a process is frozen
    renewed: float  # before it was taken, or renewed last
    is_after_loss: bool = False  # did the holder before let it run out?
    settings: tuple[Any, ...] | None = None  # of the connection, as they stood in the database between two calls

    def now(self) -> datetime:
        """The database's clock, without asking it again; never ahead of it, so that what is due now is due at once."""
        return self.clock + timedelta(seconds=time.monotonic() - self.read)

    def hold(self, **changes: Any) -> None:
        """Renew the lease and change its connection; raises Lost. In a transaction this locks the connection's row."""
        with self.renewing():
            if changes:
                self._write(lease_until=in_seconds(self.length_s), **changes)
            else:
                with statements.run(*self.renewal()) as cursor:
                    if not cursor.rowcount:
                        raise Lost

    def renewal(self, *, is_between: bool = False) -> tuple[str, list[Any]]:
        """The statement that renews the lease, for whoever does more by the same; within `renewing`."""
        sql, params = _renewal(self.length_s, is_between)
        return sql, [*params, self.connection.pk, self.token]

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Unless it is left by Lost, the lease is renewed: from the moment at which it began, and not later."""
        began = time.monotonic()
        yield
        self.renewed = began

    def goes_on(self) -> bool:
        """Renew the lease between two calls, the first of which went well, and note that it did.

        The second has the settings as they are by now. False if the connection may not send any more, or the lease is
        lost: whoever gives it back will know.
        """
        began = time.monotonic()
        with statements.run(*self.renewal(is_between=True)) as cursor:
            return self._goes_on(cursor.fetchone(), began)

    def go_on(self, update: str, params: Sequence[Any]) -> list[int]:
        """The same, and run this UPDATE of attempts, on PostgreSQL in the same statement.

        Returns the ids of the codes whose attempts it changed. Empty if nothing more may be sent under this lease, also
        because the ERP is able to do other things by now.
        """
        able = self.connection.capabilities
        if database.vendor == "sqlite":
            is_on, sql = self.goes_on(), f"{update} RETURNING export_id"
            begun = statements.column(sql, params) if is_on else []
        else:
            began = time.monotonic()
            renewal, its = self.renewal(is_between=True)
            with statements.run(_both(renewal, update), [*its, *params]) as cursor:
                found = cursor.fetchone()
            is_on, begun = self._goes_on(found and found[:-1], began), found[-1] if found else []
        return begun if is_on and self.connection.capabilities == able else []

    def _goes_on(self, found: tuple[Any, ...] | None, began: float) -> bool:
        """What the renewal between two calls found: the connection's settings, or nothing."""
        if found is None:
            return False
        self.renewed = began
        if found != self.settings:
            self.connection, self.settings = Connection.objects.get(pk=self.connection.pk), found
        return True

    def end(self, error: ERPError | None) -> None:
        """Give the lease back at the end of a call, and note on the connection how that went; raises Lost.

        In a transaction this locks the connection's row, as `hold` does: what follows in it is still the holder's.
        """
        self._write(lease_until=None, **after_call(error))
        if isinstance(error, ConfigurationError) and self._is_broken():
            _record_broken(self.connection, error)

    def _is_broken(self) -> bool:
        return Connection.objects.filter(pk=self.connection.pk, state=Connection.State.BROKEN).exists()

    def _write(self, **changes: Any) -> None:
        if not Connection.objects.filter(pk=self.connection.pk, lease_token=self.token).update(**changes):
            raise Lost

    @property
    def portion_size(self) -> int:
        return self.connection.capabilities.batch_size

    def before_call(self, is_first: bool) -> None:
        """Renew the lease for each further call under it; raises Lost when it ran out."""
        if not is_first:
            self.hold()
        self.check_time()

    def check_time(self) -> None:
        """Raise Lost if the lease ran out: whoever slept that long may not speak with the ERP any more."""
        if time.monotonic() - self.renewed >= self.length_s:
            raise Lost

    def release(self) -> None:
        Connection.objects.filter(pk=self.connection.pk, lease_token=self.token).update(lease_until=None)


def _both(renewal: str, update: str) -> str:
    begun = f"{update} AND EXISTS (SELECT FROM held) RETURNING export_id"
    told = "SELECT options, credentials, ARRAY(SELECT export_id FROM begun) FROM held"
    return f"WITH held AS ({renewal}), begun AS ({begun}) {told}"


@lru_cache(maxsize=100)
def _renewal(length_s: float, is_between: bool = False) -> tuple[str, tuple[Any, ...]]:
    """What holds a lease, as SQL; each portion says it twice, and the ORM would build it anew each time."""
    told = after_call(None) if is_between else {}
    sets, params = set_clauses(Connection, {"lease_until": in_seconds(length_s), **told})
    able = f" AND state = '{Connection.State.ACTIVE.value}' AND (open_until IS NULL OR open_until <= {clock_sql()})"
    then = f"{able} RETURNING options, credentials" if is_between else ""
    sql = f"UPDATE {Connection._meta.db_table} SET {', '.join(sets)} WHERE id = %s AND lease_token = %s{then}"  # noqa: S608
    return sql, tuple(params)


def take(connections: ConnectionQuerySet) -> Lease | None:
    """Take the lease of a connection, the one that these are filtered to; None if it is not among them, or not free.

    If the holder before let it run out, its call to the ERP hung or killed it. That counts as a failure of the ERP,
    which opens the breaker, so that the next worker does not run into the same.
    """
    return _take(connections.free())


def take_for_call(connections: ConnectionQuerySet) -> Lease | None:
    """Take the lease to call the ERP, if the company has a call left. In a transaction, which locks the company."""
    locking = connections.select_related("company").select_for_update(of=("company",), no_key=True)
    return _take(locking.free(), calls.room())


def take_over(connections: ConnectionQuerySet) -> Lease | None:
    """Take the lease whoever holds it: a connector that signs in anew has lost what it did before."""
    return _take(connections)


def resume(connections: ConnectionQuerySet, token: int) -> Lease:
    """The lease as the next request of its holder finds it; raises Lost if it ran out or was taken over."""
    began = time.monotonic()
    held = connections.filter(lease_token=token, lease_until__gt=Now()).annotate(clock=Now()).first()
    read = time.monotonic()
    if held is None:
        raise Lost
    return Lease(held, token, _length_s(held), held.clock, read, renewed=began)


def _take(connections: ConnectionQuerySet, *conditions: LessThan) -> Lease | None:
    began = time.monotonic()
    connection = connections.annotate(clock=Now()).first()
    read = time.monotonic()
    if connection is None:
        return None
    try:
        length_s = _length_s(connection)
    except ConfigurationError as error:  # the integration is no longer installed
        if connections.filter(state=Connection.State.ACTIVE).update(**after_call(error)):
            _record_broken(connection, error)
        return None
    token = secrets.randbits(62)  # never given before, not even by a database whose older state was restored since
    mine = connections.filter(*conditions, lease_token=connection.lease_token)
    is_after_loss = connection.lease_until is not None and not connection.is_pulled
    failed = _failure(HUNG, first_s=settings.EXPORT_RETRY_S) if is_after_loss else {}
    if not mine.update(lease_token=token, lease_until=in_seconds(length_s), **failed):
        return None
    return Lease(connection, token, length_s, connection.clock, read, began, is_after_loss)


def _length_s(connection: Connection) -> float:
    return connection.capabilities.call_timeout_s + settings.EXPORT_LEASE_S


def _record_broken(connection: Connection, error: ERPError) -> None:
    audit.record(connection.company, None, "connection.broken", connection, new=error.message)


def free_leases() -> None:
    """Free the leases of a process that is gone; only where there is one process (start of the embedded mode)."""
    Connection.objects.exclude(lease_until=None).update(lease_until=None)


def after_call(error: ERPError | None) -> dict[str, Any]:
    """What the end of a call changes on its connection: last contact, the breaker, or that a person must mend it.

    An ERP that tells us to wait is left alone for that long, but never shorter than one that failed.
    """
    match error:
        case None:
            good = {"failures_in_a_row": 0, "open_until": None, "last_contact_at": Now()}
            return {**good, "state_message": _said("")}
        case ConfigurationError():
            broken = {"state": Connection.State.BROKEN, "state_message": error.message}
            return {name: _unless_paused(name, value) for name, value in broken.items()}
        case UnsupportedFeature():
            return {}
        case TransientError(retry_after_s=float() | int() as told_s):
            return _failure(error.message, told_s, first_s=max(told_s, settings.EXPORT_RETRY_S))
    return _failure(error.message)


def _failure(message: str, told_s: float = 0, first_s: float | None = None) -> dict[str, Any]:
    """One more in a row. The breaker opens with the third, or with the first for `first_s`."""
    breaks = in_seconds(max(told_s, PROBE_AFTER * settings.EXPORT_RETRY_S))
    early = F("open_until") if first_s is None else in_seconds(first_s)
    opens = Case(When(failures_in_a_row__gte=BREAK_AFTER - 1, then=breaks), default=early)
    more = F("failures_in_a_row") + 1
    return {"failures_in_a_row": more, "open_until": opens, "state_message": _said(message)}


def _unless_paused(name: str, value: str) -> Case:
    """A pause ends when someone resumes, and not by what was under way when it began."""
    return Case(When(state=Connection.State.PAUSED, then=F(name)), default=Value(value), output_field=TextField())


def _said(message: str) -> Case:
    """Why a connection is broken, or paused, outlives the end of a call."""
    text = Value(message, TextField())
    return Case(When(state=Connection.State.ACTIVE, then=text), default=F("state_message"))
