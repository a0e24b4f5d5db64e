"""The numbers of the review page: how many codes are in each state, and how far the exports are that run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, Count, IntegerField, Q, QuerySet, Subquery
from django.db.models.functions import Now

from core.statements import Given, Rows
from erp_integrations.models import Connection
from exports.models import (
    REJECTABLE,
    RETRYABLE,
    UNFINISHED,
    Batch,
    CodeExport,
    CodeExportQuerySet,
    Status,
)
from exports.models.codes import IS_PUT_OFF

CAP = 10_000  # counts are exact up to here


class CappedCount(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS capped)"
    output_field = IntegerField()


def _capped(rows: CodeExportQuerySet) -> CappedCount:
    return CappedCount(rows.values("pk")[: CAP + 1])


def _of_connection() -> CodeExportQuerySet:
    return CodeExport.objects.filter(connection=Given("connection", BigIntegerField()))


@Rows
def _counted() -> QuerySet[Connection]:
    return _counted_of(_of_connection())


def _counted_of(found: CodeExportQuerySet) -> QuerySet[Connection]:
    """The connection with what `Counts` tells of these rows of it."""
    found, connection = found.order_by(), Given("connection", BigIntegerField())
    updates = found.filter(before_update__isnull=False)
    newest = Batch.objects.filter(connection=connection).order_by("-id").values("pk")[:1]
    numbers = {f"all_{status}": _capped(found.filter(status=status)) for status in Status}
    numbers |= {f"updates_{status}": _capped(updates.filter(status=status)) for status in REJECTABLE}
    one = Connection.objects.filter(pk=connection).only("pk").order_by()
    return one.annotate(now=Now(), newest=Subquery(newest), **numbers)


@dataclass(frozen=True)
class Counts:
    """How many codes are in each state (up to one more than CAP), at a moment of the database's clock."""

    by_status: dict[str, int]
    now: datetime
    last_batch: int  # the newest click on the connection that was committed at this moment
    updates: dict[str, int]  # updates of synced codes among them, which no rejection takes

    @classmethod
    def read(cls, connection: Connection, search: str) -> Counts:
        rows = Rows(lambda: _counted_of(_of_connection().matching(search))) if search else _counted
        found: Any = rows.first(connection=connection.pk)
        by_status: dict[str, int] = {status: getattr(found, f"all_{status}") for status in Status}
        updates: dict[str, int] = {status: getattr(found, f"updates_{status}") for status in REJECTABLE}
        return cls(by_status, found.now, found.newest or 0, updates)

    @property
    def moment(self) -> str:
        """What the page carries of the moment at which its list was read (`forms.read_moment`)."""
        return f"{self.now.isoformat()} {self.last_batch}"

    def of(self, states: Iterable[Status]) -> int:
        return sum(self.by_status[status] for status in states)

    def shown(self, states: Iterable[Status]) -> str:
        return shown(self.of(states))

    def rejectable(self, states: Collection[Status]) -> int:
        """How many of them "Reject All" would take."""
        return sum(self.by_status[status] - self.updates[status] for status in REJECTABLE if status in states)


def shown(count: int) -> str:
    return f"{count:,}" if count <= CAP else f"{CAP:,}+"


@dataclass(frozen=True)
class Progress:
    """How far the exports are that run now, or that the page watched until they ended."""

    batches: tuple[int, ...] = ()
    by_status: dict[str, int] = field(default_factory=dict)
    started_at: datetime | None = None
    put_off: int = 0  # queued ones that are to wait

    @classmethod
    def read(cls, connection: Connection, watched: Iterable[int]) -> Progress:
        running = connection.code_exports.filter(status__in=UNFINISHED).values("export_batch")
        rows = (
            connection.code_exports.filter(Q(export_batch__in=running) | Q(export_batch__in=list(watched)))
            .filter(status__in=[*UNFINISHED, Status.SUCCESS, *RETRYABLE])
            .order_by()
            .values_list("export_batch", "export_batch__at", "status")
            .annotate(number=Count("pk"), put_off=Count("pk", filter=Q(IS_PUT_OFF, status=Status.QUEUED)))
        )
        batches: dict[int, datetime] = {}
        by_status: dict[str, int] = {}
        all_put_off = 0
        for batch, at, status, number, put_off in rows:
            batches[batch] = at
            by_status[status] = by_status.get(status, 0) + number
            all_put_off += put_off
        return cls(tuple(sorted(batches)), by_status, min(batches.values(), default=None), all_put_off)

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def left(self) -> int:
        return sum(self.by_status.get(status, 0) for status in UNFINISHED)

    @property
    def done(self) -> int:
        return self.total - self.left

    @property
    def failed(self) -> int:
        return self.by_status.get(Status.FAILED, 0)

    def time_left(self, now: datetime) -> str:
        """ "about 20 s left", once something is done; nobody knows it of codes that wait or are asked about."""
        going = sum(self.by_status.get(status, 0) for status in (Status.QUEUED, Status.EXPORTING)) - self.put_off
        if not (self.done and going and self.started_at):
            return ""
        seconds = int((now - self.started_at).total_seconds() * going / self.done) + 1
        return f"about {seconds} s left" if seconds < 100 else f"about {seconds // 60 + 1} min left"

    @property
    def outcome(self) -> str:
        """ "386 Success, 3 Failed"."""
        states = (Status.SUCCESS, *RETRYABLE)
        return ", ".join(f"{self.by_status[s]:,} {s.label}" for s in states if self.by_status.get(s))
