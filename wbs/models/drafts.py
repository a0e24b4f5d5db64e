"""A list that was uploaded, is checked, and waits for its import."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any

import orjson
from django.db import models
from django.db.models import Case, Q, When
from django.db.models.functions import Now

from companies.models import Member
from core.clock import in_seconds
from wbs.models.segments import Segment

if TYPE_CHECKING:
    from wbs.lists.choices import Choices

KEPT_S = 24 * 3600
LONG_ROWS = 5_000  # more than these may take longer than a click waits
UNCLAIMED_S, LOST_S = 3, 30  # after which someone else does the work
PATIENCE_S, GLANCE_S = 2, 0.05  # how long a click waits for a worker, and how often it looks


class ImportDraftQuerySet(models.QuerySet["ImportDraft"]):
    def living(self) -> ImportDraftQuerySet:
        """Checks that are kept still, and whether nobody seems to work on them."""
        unclaimed = When(worked_at=None, then=Q(asked_at__lt=in_seconds(-UNCLAIMED_S), asked_at__isnull=False))
        is_left_alone = Case(unclaimed, default=Q(worked_at__lt=in_seconds(-LOST_S)))
        return self.filter(created_at__gt=in_seconds(-KEPT_S)).annotate(is_left_alone=is_left_alone)

    def expired(self) -> ImportDraftQuerySet:
        return self.filter(created_at__lte=in_seconds(-KEPT_S))

    def without_files(self) -> ImportDraftQuerySet:
        """Without the list itself, which is read where it is needed."""
        return self.defer("content", "grid", "plan", "undo")

    def light(self) -> ImportDraftQuerySet:
        """Without the list itself, for pages that only tell how far it is."""
        light = self.without_files().defer("report").select_related("member__user")
        return light.annotate(is_answered=Q(report__isnull=False), can_be_undone=Q(undo__isnull=False))


class ImportDraft(models.Model):
    """A list that someone uploaded, kept between "Check File" and "Import".

    It is read and checked (`import_drafts`) by a worker; if none comes, by whoever asks how far it is, and always in a
    process with limits. Each question has a number: what was found for an earlier one is not kept.
    """

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="import_drafts")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="import_drafts")
    name = models.CharField(max_length=255)  # of the file
    content = models.BinaryField(null=True)  # the file, until all of it is read that may be asked for
    grid = models.BinaryField(null=True)  # the sheet that was read: `lists.grids.Grid`, packed
    created_at = models.DateTimeField(db_default=Now())
    choices = models.JSONField(default=dict)  # `lists.choices.Choices` as plain data
    question = models.PositiveIntegerField(default=0)  # 0: not asked yet what an import would do
    asked_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)  # last sign of life of who reads and checks
    total = models.PositiveIntegerField(default=0)  # rows, estimated until they are read
    done = models.PositiveIntegerField(default=0)  # of them read, then of them checked
    is_read = models.BooleanField(default=True)
    report = models.JSONField(null=True)  # `lists.reports.Report` as plain data: what was found
    plan = models.BinaryField(null=True)  # `lists.checking.Plan`, packed: what an import would do
    imported = models.PositiveIntegerField(null=True)  # codes that came of it; null: not imported yet
    is_undone = models.BooleanField(default=False)
    undo = models.JSONField(null=True)  # `models.imports.Undo` as plain data: how it can be taken back

    is_left_alone: bool  # what `living` reads besides

    objects = ImportDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_long(self) -> bool:
        return self.total > LONG_ROWS

    @property
    def is_open(self) -> bool:
        """Whether someone still has to find out what an import would do."""
        return self.question > 0 and self.report is None

    def ask(self, choices: Choices) -> None:
        """What would an import do with these choices?"""
        self.choices, self.question = choices.as_data(), self.question + 1
        self.report, self.plan, self.worked_at, self.done = None, None, None, 0
        values = {name: getattr(self, name) for name in ("choices", "question", "report", "plan", "worked_at", "done")}
        ImportDraft.objects.filter(pk=self.pk).update(**values, asked_at=Now())

    def wait_for_worker(self, until: float) -> None:
        """Until it is answered, or the clock of `time.monotonic` says so. A worker that is quick spares us a page."""
        while self.is_open and time.monotonic() < until:
            time.sleep(GLANCE_S)
            self.look_again()

    def look_again(self) -> None:
        """How far is it now?"""
        self.refresh_from_db(fields=["report", "worked_at", "done", "total", "is_read"])


def packed(data: Any) -> bytes:
    """Plain data as it is kept."""
    return zlib.compress(orjson.dumps(data), 1)


def unpacked(kept: bytes | memoryview) -> Any:
    return orjson.loads(zlib.decompress(kept))
