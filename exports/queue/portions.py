"""The portions of one connection: what each call to the ERP carries, from the claim to the stored outcomes."""

from __future__ import annotations

import json
import logging
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection as database
from django.db import connections, transaction
from django.db.models import BigIntegerField, BooleanField, Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Now

from core import broker, statements
from core.clock import clock_sql
from core.crashpoints import crashpoint
from core.statements import Given, Rows
from erp_integrations.base import Capabilities, CodeData, Outcome
from erp_integrations.errors import ERPError
from erp_integrations.models import Connection, ConnectionQuerySet, Question
from exports.models import Attempt, CodeExport, CodeExportQuerySet, Status
from exports.queue import erp_calls, leases
from exports.queue.decisions import Next, after_call
from exports.queue.leases import Lease
from exports.queue.recovery import are_in_doubt, ask, codes_in_doubt, free, give_up, set_free
from exports.queue.standing import standing_sql
from exports.queue.transitions import follow, settle

logger = logging.getLogger(__name__)

CLAIMED_AT_ONCE = 200  # codes, for several calls
ALONE_AFTER = 2  # lost answers: then a code is sent alone, so that it takes no others with it


@dataclass(frozen=True)
class Work:
    """One code of a portion: its row, what the adapter is given, and the holder whose attempt is on record."""

    row: CodeExport
    code: CodeData
    token: int


def able() -> ConnectionQuerySet:
    """Connections that workers may send codes to now: neither paused nor broken, their breaker closed."""
    closed = Q(open_until=None) | Q(open_until__lte=Now())
    return Connection.objects.pushed().filter(closed, state=Connection.State.ACTIVE)


def with_work() -> ConnectionQuerySet:
    """Those of them that have due work, and nobody is at it."""
    return able().free().filter(Exists(CodeExport.objects.due().filter(connection=OuterRef("pk"))))


def export_portions(connection_id: int, until: float = 0) -> bool:
    """Do a portion of a connection's work: ask about codes in doubt, or else send codes. False: none was due.

    After codes that were sent well more are sent, until that moment of the monotonic clock, and on while nobody waits.
    Does nothing while someone else holds the lease, so it may be called twice, late, or at any time.
    """
    with transaction.atomic():
        lease = leases.take_for_call(able().filter(pk=connection_id))
        if lease is None:
            return False
        if lease.is_after_loss:
            clear(lease)
            return True
        doubtful = codes_in_doubt(lease)
        work = [] if doubtful else claim(lease, next_rows(lease))
        if not (doubtful or work):
            lease.release()
            return False
    try:
        if doubtful:
            ask(lease, doubtful)
        else:
            _export(lease, work, until)
    except leases.Lost:
        logger.warning("Lost the lease of connection %s; its holder finishes the work", connection_id)
    except Exception:
        lease.release()
        raise
    return True


def clear(lease: Lease) -> None:
    """What a holder that is gone left in EXPORTING becomes UNKNOWN, unless its call never began; the lease ends."""
    with transaction.atomic():
        lease.hold()
        set_free(lease)
    exporting = CodeExport.objects.filter(connection=lease.connection, status=Status.EXPORTING)
    give_up(lease, exporting.for_adapter())
    lease.release()


def _export(lease: Lease, work: list[Work], until: float) -> None:
    """Call after call under one lease: while the ERP works on one, the answer before is stored, and more is claimed."""
    turn = Turn(lease, until, time.monotonic())
    answer, error = _call(lease, work)
    with ThreadPoolExecutor(max_workers=1) as beside:
        while error is None and (following := turn.following(work)):
            call = beside.submit(_call_beside, lease, following)
            turn.go_on(work, answer)
            crashpoint("stored")
            work, (answer, error) = following, call.result()
    with transaction.atomic():
        lease.end(error)
        store(lease, work, answer)
        if turn.waiting:
            free([one.row for portion in turn.waiting for one in portion])
    crashpoint("stored")


def _is_in_doubt(rows: Iterable[CodeExport]) -> bool:
    return any(row.status == Status.UNKNOWN for row in rows)


@dataclass
class Turn:
    """What one worker does for one connection under one lease: it claims many codes, and sends them call by call."""

    lease: Lease
    until: float  # on the monotonic clock: then no call begins if others wait
    began: float
    sent: int = 0
    waiting: list[list[Work]] = field(default_factory=list)  # claimed, by call; their calls have not begun
    has_doubts: bool = False  # the ERP must be asked before more is sent

    def following(self, sent: Sequence[Work]) -> list[Work]:
        """What the next call carries, after one that carried these; empty when the turn is over."""
        self.sent += len(sent)
        if self._is_over() or self.has_doubts:
            return []
        if not self.waiting:
            with transaction.atomic():
                return self._claim(self.lease.portion_size) if self.lease.goes_on() else []
        meant, *self.waiting = self.waiting
        begun = begin(self.lease, [one.row.id for one in meant])
        if len(begun) < len(meant):
            self.waiting.append([one for one in meant if one.row.id not in begun])
        return [one for one in meant if one.row.id in begun]

    def go_on(self, sent: Sequence[Work], answer: Mapping[str, Outcome]) -> None:
        """Beside the call that is under way: store what the one before answered, and claim what the next ones carry."""
        self.has_doubts |= _is_in_doubt(store(self.lease, sent, answer, renews=True))
        if self.waiting or self._is_over():
            return
        with transaction.atomic():
            if self.lease.goes_on():
                work, size = self._claim(self._most(), waits=True), self.lease.portion_size
                self.waiting = [work[start : start + size] for start in range(0, len(work), size)]

    def _is_over(self) -> bool:
        """Whether no further call shall begin; a turn that is through goes on while nobody waits for a worker."""
        if time.monotonic() >= self.until:
            self._go_on_alone()
        return time.monotonic() >= self.until or broker.is_ending()

    def _go_on_alone(self) -> None:
        """By another turn, unless it was to make one call only (`until` lies before its beginning)."""
        now, last = time.monotonic(), self.began + settings.EXPORT_LONG_TURN_S
        if self.began < self.until and now < last and not others_wait(self.lease):
            self.until = min(now + settings.EXPORT_TURN_S, last)

    def _most(self) -> int:
        """As many codes as will be through by the end of the turn, in whole calls; one call at the least."""
        now, size = time.monotonic(), self.lease.portion_size
        rate = self.sent / max(now - self.began, 0.001)
        return max(size, min(CLAIMED_AT_ONCE, int(rate * (self.until - now))) // size * size)

    def _claim(self, most: int, *, waits: bool = False) -> list[Work]:
        if self.has_doubts or are_in_doubt(self.lease):
            return []
        return claim(self.lease, next_rows(self.lease, most), waits=waits)


def others_wait(lease: Lease) -> bool:
    """Whether another connection has work that nobody is at, someone asked an ERP, or calls wait for a worker.

    What was asked waits without a call, if its company had none left when its turn came.
    """
    work = with_work().exclude(pk=lease.connection.pk)
    return work.exists() or Question.objects.waiting().exists() or broker.waiting() > 0


def begin(lease: Lease, ids: Sequence[int]) -> set[int]:
    """Renew the lease between two calls, and note that the second begins: with those of these codes that it returns.

    Those are the ones whose acceptance still stands; none if nothing more may be sent under this lease.
    """
    sql, params = _begins(lease.connection.capabilities)
    meant = list(ids) if database.vendor == "postgresql" else json.dumps(ids)
    return set(lease.go_on(sql, [lease.token, meant, *params]))


@lru_cache(maxsize=100)
def _begins(able: Capabilities) -> tuple[str, tuple[Any, ...]]:
    attempts, rows = Attempt._meta.db_table, CodeExport._meta.db_table
    meant = "SELECT value FROM json_each(%s)"
    if database.vendor == "postgresql":
        meant = f"SELECT id FROM unnest(%s::bigint[]) AS code(id) WHERE {statements.takes_for_one('id')}"  # noqa: S608
    stand, params = statements.written_out(*standing_sql(able))
    standing = f"EXISTS (SELECT 1 FROM {rows} WHERE id = {attempts}.export_id AND {stand})"  # noqa: S608
    mine = f"lease_token = %s AND began_at IS NULL AND ended_at IS NULL AND export_id IN ({meant})"
    return f"UPDATE {attempts} SET began_at = {clock_sql()} WHERE {mine} AND {standing}", tuple(params)  # noqa: S608


def _call(lease: Lease, work: list[Work]) -> tuple[dict[str, Outcome], ERPError | None]:
    crashpoint("claimed")
    lease.check_time()
    told = erp_calls.export(lease.connection, [one.code for one in work])
    crashpoint("answered")
    return told


def _call_beside(lease: Lease, work: list[Work]) -> tuple[dict[str, Outcome], ERPError | None]:
    """In a thread of its own, which leaves no connection to the database behind: an adapter may have used one."""
    try:
        return _call(lease, work)
    finally:
        connections.close_all()


Kinds = tuple[Rows[CodeExport], ...]  # new codes, updates, and all


@lru_cache(maxsize=100)
def _kinds(able: Capabilities) -> Kinds:
    return kinds_of(CodeExport.objects.due(), able)


def kinds_of(due: CodeExportQuerySet, able: Capabilities) -> Kinds:
    """Of the due rows of a connection those that may go: new codes, updates, and all, which are not sent together."""
    stand = Q(RawSQL(*standing_sql(able), BooleanField()), connection=Given("connection", BigIntegerField()))  # noqa: S611
    queued = due.for_adapter().filter(stand, status=Status.QUEUED, ask_first=False)
    sure = queued.filter(lost_answers__lt=ALONE_AFTER)
    new, updates = (sure.filter(before_update__isnull=is_new) for is_new in (True, False))
    return tuple(Rows(kind.all, is_planned_anew=True) for kind in (new, updates, queued))


def next_rows(lease: Lease, most: int = 0, kinds: Kinds = (), **given: Any) -> list[CodeExport]:
    """What fits into one call, or `most`: new codes, or else updates, of those whose acceptance still stands.

    One code alone to an ERP that failed last time, unless it calls itself and so is there. Those whose answers were
    lost again and again come last, each alone.
    """
    connection = lease.connection
    is_probe = connection.failures_in_a_row > 0 and not connection.is_pulled
    size = 1 if is_probe else most or connection.capabilities.batch_size
    given["connection"] = connection.pk
    new, updates, all_ = kinds or _kinds(connection.capabilities)
    return new.some(size, **given) or updates.some(size, **given) or all_.some(1, **given)


def claim(lease: Lease, rows: list[CodeExport], *, waits: bool = False) -> list[Work]:
    """QUEUED -> EXPORTING, with the exact payload of each code on record before the first byte leaves.

    Those of a later call wait for it (`begin`). To be called in the transaction that took or holds the lease and read
    the rows.
    """
    decided = [(row, _claimed(row, lease)) for row in rows]
    codes = [row.as_data(then.changes["request_key"]) for row, then in decided]
    claimed = follow(decided, [{"try_payload": dict(vars(code)), "try_waits": waits} for code in codes])
    return [Work(row, code, lease.token) for row, code in zip(claimed, codes, strict=True)]


def _claimed(row: CodeExport, lease: Lease) -> Next:
    key = row.request_key or secrets.token_hex(16)
    return Next(Status.EXPORTING, changes={"request_key": key, "lease_token": lease.token, "absent_token": None})


def store(
    lease: Lease, work: Sequence[Work], answer: Mapping[str, Outcome], *, renews: bool = False
) -> list[CodeExport]:
    """Give each code of a portion what follows from its outcome, and return the rows as they are then.

    In the transaction that holds the lease, or it `renews` the lease itself; raises Lost. The codes are in EXPORTING,
    or in UNKNOWN when the answer of a pulled ERP was lost and is told again.
    """
    ended = after_call([(one.row, one.code, answer[one.row.reference]) for one in work], lease.now())
    decided = [(one.row, then) for one, then in zip(work, ended, strict=True)]
    tries = [_end(one, then) for one, then in zip(work, ended, strict=True)]
    return settle(decided, tries, lease if renews else None)


def _end(one: Work, then: Next) -> dict[str, Any]:
    """What is noted of the attempt."""
    told = {"try_outcome": then.attempt, "try_message": then.message, "try_detail": then.changes["detail"]}
    return {"try_token": one.token, **told}
