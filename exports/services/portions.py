"""One portion of one connection: what one call to the ERP carries, from the claim to the stored outcomes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now

from erp_integrations.base import Adapter, CodeData, Delivery, Outcome
from erp_integrations.errors import ConfigurationError, ERPError
from erp_integrations.models import Connection, ConnectionQuerySet
from exports.crashpoints import crashpoint
from exports.models import Attempt, CodeExport, Status
from exports.services import calling, leases, outcomes
from exports.services.each import insert_each, update_each
from exports.services.leases import Lease
from exports.services.moves import move_claimed
from exports.services.resolving import look_up

logger = logging.getLogger(__name__)

ATTEMPT_FIELDS = ("export", "generation", "request_key", "lease_token", "payload", "outcome", "message", "detail")


@dataclass
class Work:
    """One code of a portion: its row, what the adapter is given, and the attempt on record."""

    row: CodeExport
    code: CodeData
    attempt: Attempt


def able() -> ConnectionQuerySet:
    """Connections that codes may be sent to now: neither paused nor broken, their breaker closed."""
    closed = Q(open_until=None) | Q(open_until__lte=Now())
    return Connection.objects.filter(closed, state=Connection.State.ACTIVE)


def with_work() -> ConnectionQuerySet:
    return able().filter(Exists(CodeExport.objects.due().filter(connection=OuterRef("pk"))))


def export_portion(connection_id: int) -> bool:
    """Do one portion of a connection's work; True: more is due now.

    Does nothing while someone else holds the lease, so it may be called twice, late, or at any time.
    """
    lease = leases.take(able().filter(pk=connection_id))
    if lease is None:
        return False
    try:
        if lease.connection.adapter_class.delivery is Delivery.PUSH:
            _work_off(lease)
    except leases.Lost:
        logger.warning("Lost the lease of connection %s; its holder finishes the work", connection_id)
    finally:
        lease.release()
    return with_work().filter(pk=connection_id).exists()


def _work_off(lease: Lease) -> None:
    try:
        adapter = lease.connection.adapter()
    except ConfigurationError as error:
        lease.end_call(error)
        return
    if look_up(lease, adapter):
        _send(lease, adapter)


def _send(lease: Lease, adapter: Adapter) -> None:
    work = _claim(lease)
    if not work:
        return
    crashpoint("claimed")
    lease.check_time()
    answer, error = calling.send(adapter, [one.code for one in work])
    crashpoint("answered")
    _store(lease, work, answer, error)
    crashpoint("stored")


def _claim(lease: Lease) -> list[Work]:
    """QUEUED -> SENDING, with the exact payload of each code on record before the first byte leaves."""
    with transaction.atomic():
        lease.hold()
        work = [_work(row, lease) for row in _next_rows(lease)]
        if work:
            move_claimed([one.row for one in work], ["lease_token"], was=Status.QUEUED)
            insert_each([one.attempt for one in work], ATTEMPT_FIELDS)
    return work


def _next_rows(lease: Lease) -> list[CodeExport]:
    """What fits into one call; codes whose answers were lost again and again go last, and each alone."""
    queued = CodeExport.objects.due().for_adapter().filter(connection=lease.connection, status=Status.QUEUED)
    rows = queued.filter(look_first=False, doubts__lt=outcomes.ALONE_AFTER)[: lease.portion_size]
    return list(rows) or list(queued.filter(look_first=False)[:1])


def _work(row: CodeExport, lease: Lease) -> Work:
    row.status, row.message, row.lease_token = Status.SENDING, "", lease.token
    code = row.as_data()
    attempt = Attempt(
        export_id=row.pk,
        generation=row.generation,
        request_key=code.request_key,
        lease_token=lease.token,
        payload=dict(vars(code)),
    )
    return Work(row, code, attempt)


def _store(lease: Lease, work: list[Work], answer: dict[str, Outcome], error: ERPError | None) -> None:
    with transaction.atomic():
        lease.end_call(error)
        now = lease.now()
        for one in work:
            row, attempt = one.row, one.attempt
            attempt.outcome = outcomes.apply(row, one.code, answer[row.reference], now)
            attempt.ended_at, attempt.message, attempt.detail = now, row.message, row.detail
        rows = [one.row for one in work]
        outcomes.set_apart_doubles(rows)
        move_claimed(rows, outcomes.FIELDS, was=Status.SENDING)
        ended = ["ended_at", "outcome", "message", "detail"]
        update_each([one.attempt for one in work], ended, {"lease_token": lease.token}, key="export_id")
