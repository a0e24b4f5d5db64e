"""The portions of one connection: what each call to the ERP carries, from the claim to the stored outcomes."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, transaction
from django.db.models import Q
from django.db.models.functions import Now

from erp_integrations.base import CodeData, Outcome
from erp_integrations.errors import ERPError
from erp_integrations.models import Connection, ConnectionQuerySet
from exports.crashpoints import crashpoint
from exports.models import CodeExport, CodeExportQuerySet, Status
from exports.services import calling, leases
from exports.services.decisions import Next, after_sending, pace
from exports.services.leases import Lease, after_call
from exports.services.resolving import ask, codes_in_doubt, give_up, in_doubt
from exports.services.standing import stands
from exports.services.transitions import follow, set_apart_doubles

logger = logging.getLogger(__name__)

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


def export_portions(connection_id: int, until: float = 0) -> bool:
    """Do a portion of a connection's work: ask about codes in doubt, or else send codes. False: none was due.

    After codes that were sent well more are sent, until that moment of the monotonic clock. Does nothing while someone
    else holds the lease, so it may be called twice, late, or at any time.
    """
    with transaction.atomic():
        lease = leases.take_for_call(able().filter(pk=connection_id))
        if lease is None:
            return False
        if lease.is_after_loss:
            clear(lease)
            return True
        doubtful = codes_in_doubt(lease)
        work = [] if doubtful else claim(lease, next_rows(lease, CodeExport.objects.due()))
        if not (doubtful or work):
            lease.release()
            return False
    try:
        if doubtful:
            ask(lease, doubtful)
        else:
            _send(lease, work, until)
    except leases.Lost:
        logger.warning("Lost the lease of connection %s; its holder finishes the work", connection_id)
    except Exception:
        lease.release()
        raise
    return True


def clear(lease: Lease) -> None:
    """What a holder that is gone left in SENDING becomes UNKNOWN, and the lease is given back."""
    sending = CodeExport.objects.filter(connection=lease.connection, status=Status.SENDING)
    give_up(lease, sending.for_adapter())
    lease.release()


def _send(lease: Lease, work: list[Work], until: float) -> None:
    """Call after call under one lease: what one answered is stored while the ERP works on the next."""
    answer, error = _call(lease, work)
    with ThreadPoolExecutor(max_workers=1) as beside:
        while error is None and time.monotonic() < until and (following := _claim_more(lease)):
            call = beside.submit(_call_beside, lease, following)
            with transaction.atomic():
                lease.hold(**after_call(None))
                store(lease, work, answer)
            crashpoint("stored")
            work, (answer, error) = following, call.result()
    with transaction.atomic():
        lease.end(error)
        store(lease, work, answer)
    crashpoint("stored")


def _call(lease: Lease, work: list[Work]) -> tuple[dict[str, Outcome], ERPError | None]:
    crashpoint("claimed")
    lease.check_time()
    told = calling.send(lease.connection, [one.code for one in work])
    crashpoint("answered")
    return told


def _call_beside(lease: Lease, work: list[Work]) -> tuple[dict[str, Outcome], ERPError | None]:
    """In a thread of its own, which leaves no connection to the database behind: an adapter may have used one."""
    try:
        return _call(lease, work)
    finally:
        connections.close_all()


def _claim_more(lease: Lease) -> list[Work]:
    """Another portion, unless the connection may not send by now or something must be asked first."""
    with transaction.atomic():
        if not lease.renew(able()) or in_doubt(lease).exists():
            return []
        return claim(lease, next_rows(lease, CodeExport.objects.due()))


def next_rows(lease: Lease, due: CodeExportQuerySet) -> list[CodeExport]:
    """What fits into one call: new codes, or else updates, of those whose acceptance still stands.

    One code alone to an ERP that failed last time, unless it calls itself and so is there. Those whose answers were
    lost again and again come last, each alone.
    """
    is_probe = lease.connection.failures_in_a_row > 0 and not lease.connection.is_pulled
    size = 1 if is_probe else lease.portion_size
    queued = due.for_adapter().filter(stands(lease.connection), status=Status.QUEUED, look_first=False)
    sure = queued.filter(doubts__lt=ALONE_AFTER)
    new, updates = (sure.filter(kept__isnull=is_new)[:size] for is_new in (True, False))
    return list(new) or list(updates) or list(queued[:1])


def claim(lease: Lease, rows: list[CodeExport]) -> list[Work]:
    """QUEUED -> SENDING, with the exact payload of each code on record before the first byte leaves.

    To be called in the transaction that took or holds the lease and read the rows.
    """
    decided = [(row, _claimed(row, lease)) for row in rows]
    codes = [replace(row.as_data(), request_key=then.changes["request_key"]) for row, then in decided]
    claimed = follow(decided, [{"try_payload": dict(vars(code))} for code in codes])
    return [Work(row, code, lease.token) for row, code in zip(claimed, codes, strict=True)]


def _claimed(row: CodeExport, lease: Lease) -> Next:
    key = row.request_key or secrets.token_hex(16)
    return Next(Status.SENDING, changes={"request_key": key, "lease_token": lease.token, "absent_token": None})


def store(lease: Lease, work: Sequence[Work], answer: Mapping[str, Outcome]) -> list[CodeExport]:
    """Give each code of a portion what follows from its outcome, and return the rows as they are then.

    In the transaction that holds the lease. The codes are in SENDING, or in UNKNOWN when the answer of a pulled ERP was
    lost and is told again.
    """
    now, how = lease.now(), pace()
    ended = [after_sending(one.row, one.code, answer[one.row.reference], how, now) for one in work]
    decided = set_apart_doubles([(one.row, then) for one, then in zip(work, ended, strict=True)])
    return follow(decided, [_end(one, then) for one, then in zip(work, ended, strict=True)])


def _end(one: Work, then: Next) -> dict[str, Any]:
    """What is noted of the attempt."""
    told = {"try_outcome": then.attempt, "try_message": then.message, "try_detail": then.changes["detail"]}
    return {"try_token": one.token, **told}
