"""A list that was uploaded, is checked, and waits for its import."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, Q, When
from django.db.models.functions import Now

from companies.models import Member
from core.clock import in_seconds
from wbs.models.segments import Segment

if TYPE_CHECKING:
    from wbs.lists.checking import Choices

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

    def light(self) -> ImportDraftQuerySet:
        """Without the list itself, for pages that only tell how far it is."""
        light = self.defer("content", "sheet", "report").select_related("member__user")
        return light.annotate(is_answered=Q(report__isnull=False))


class ImportDraft(models.Model):
    """A list that someone uploaded, kept between "Check File" and "Import".

    It is read and checked (`import_drafts`) by a worker; if none comes, by whoever asks how far it is, and always in a
    process with limits. Each question has a number: what was found for an earlier one is not kept.
    """

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="import_drafts")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="import_drafts")
    name = models.CharField(max_length=255)  # of the file
    content = models.BinaryField(null=True)  # the file until it is read
    sheet = models.JSONField(null=True)  # `lists.rows.Sheet` as plain data
    created_at = models.DateTimeField(db_default=Now())
    choices = models.JSONField(default=dict)  # `lists.checking.Choices` as plain data
    question = models.PositiveIntegerField(default=0)  # 0: not asked yet what an import would do
    asked_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)  # last sign of life of who reads and checks
    total = models.PositiveIntegerField(default=0)  # rows, estimated until they are read
    done = models.PositiveIntegerField(default=0)  # of them read, then of them checked
    is_read = models.BooleanField(default=True)
    report = models.JSONField(null=True)  # `lists.checking.Report` as plain data: what was found
    imported = models.PositiveIntegerField(null=True)  # codes that came of it; null: not imported yet

    is_left_alone: bool  # what `living` reads besides

    objects = ImportDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_long(self) -> bool:
        return self.total > LONG_ROWS

    @property
    def is_open(self) -> bool:
        """Whether someone still has to find out what an import would do; of a short list that is read, nobody has."""
        is_quick = self.is_read and not self.is_long and self.worked_at is None
        return self.question > 0 and self.report is None and not is_quick

    def ask(self, choices: Choices) -> None:
        """What would an import do with these choices?"""
        self.choices, self.question = choices.as_data(), self.question + 1
        self.report, self.worked_at, self.done = None, None, 0
        values = {name: getattr(self, name) for name in ("choices", "question", "report", "worked_at", "done")}
        ImportDraft.objects.filter(pk=self.pk).update(**values, asked_at=Now())

    def wait_for_worker(self, until: float) -> None:
        """Until it is answered, or the clock of `time.monotonic` says so. A worker that is quick spares us a page."""
        while self.is_open and time.monotonic() < until:
            time.sleep(GLANCE_S)
            self.look_again()

    def look_again(self) -> None:
        """How far is it now?"""
        self.refresh_from_db(fields=["report", "worked_at", "done", "total", "is_read"])
