"""A list that was uploaded, is checked, and waits for its import."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db import models
from django.db.models import Case, Q, When
from django.db.models.functions import Now

from companies.clock import in_seconds
from companies.models import Member
from wbs.importing import Check, Choices, Report, check
from wbs.limited import read_apart
from wbs.models.segments import Segment
from wbs.rules import warn_of_new
from wbs.sheets import Sheet, Tell, UnreadableFile, silent
from wbs.workbooks import count_rows

KEPT_S = 24 * 3600
LONG_ROWS = 5_000  # more than these may take longer than a click waits
PORTION = 500  # rows between two signs of life
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


class Superseded(Exception):
    """The list is to be checked otherwise by now, or is gone."""


class ImportDraft(models.Model):
    """A list that someone uploaded, kept between "Check File" and "Import".

    It is read and checked by a worker; if none comes, by whoever asks how far it is, and always in a process with
    limits. Each question has a number: what was found for an earlier one is not kept.
    """

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="import_drafts")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="import_drafts")
    name = models.CharField(max_length=255)  # of the file
    content = models.BinaryField(null=True)  # the file until it is read
    sheet = models.JSONField(null=True)  # `importing.Sheet` as plain data
    created_at = models.DateTimeField(db_default=Now())
    choices = models.JSONField(default=dict)  # `importing.Choices` as plain data
    question = models.PositiveIntegerField(default=0)  # 0: not asked yet what an import would do
    asked_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)  # last sign of life of who reads and checks
    total = models.PositiveIntegerField(default=0)  # rows, estimated until they are read
    done = models.PositiveIntegerField(default=0)  # of them read, then of them checked
    is_read = models.BooleanField(default=True)
    report = models.JSONField(null=True)  # `importing.Report` as plain data: what was found
    imported = models.PositiveIntegerField(null=True)  # codes that came of it; null: not imported yet

    is_left_alone: bool  # what `living` reads besides

    objects = ImportDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def keep(cls, member: Member, segment: Segment, name: str, content: bytes) -> ImportDraft:
        """Keep an uploaded list until it is read. Raises UnreadableFile for what is too large at a glance."""
        total = count_rows(content)
        cls.objects.expired().delete()
        kept = {"name": name[:255], "content": content, "total": total, "is_read": False}
        return cls.objects.create(member=member, segment=segment, **kept)

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

    def answer(self, tell: Tell = silent) -> Check:
        """What an import would do now."""
        choices = Choices.from_data(self.choices)
        return check(
            Sheet.from_data(self.sheet or {}),
            choices.delimiter,
            self.segment.known_codes(),
            creates_divisions=choices.creates_divisions,
            division_names=choices.names,
            tell=tell,
        )

    def found(self) -> Report:
        """The answer in short, as it was found, or found now."""
        return Report.from_data(self.report) if self.report else self.told(self.answer())

    def told(self, check: Check) -> Report:
        """The answer in short, with what the company's ERPs would refuse of it."""
        choices = Choices.from_data(self.choices)
        new = sorted([*check.divisions, *check.good], key=lambda code: code.row)
        return replace(check, warnings=warn_of_new(self.segment, new, choices.delimiter)).report(choices)

    def work(self) -> None:
        """Read and check the list, telling how far that is. Twice, late or never does no harm."""
        if self._claim():
            with suppress(Superseded):
                report = self._judge().as_data()
                self._unanswered().update(report=report, done=self.total)

    def _judge(self) -> Report:
        try:
            if not self.is_read:
                self._read()
            return self.told(self.answer(self._tell))
        except UnreadableFile as trouble:
            return Report(trouble=str(trouble))

    def _unanswered(self) -> ImportDraftQuerySet:
        return ImportDraft.objects.filter(pk=self.pk, question=self.question, report__isnull=True)

    def _claim(self) -> bool:
        free = self._unanswered().filter(Q(worked_at=None) | Q(worked_at__lt=in_seconds(-LOST_S)))
        return bool(free.update(worked_at=Now(), done=0))

    def _tell(self, done: int, **values: Any) -> None:
        if (done % PORTION == 0 or values) and not self._unanswered().update(done=done, worked_at=Now(), **values):
            raise Superseded

    def _read(self) -> None:
        sheet = read_apart(bytes(self.content or b""), self._tell, PORTION)
        self.sheet, self.content, self.is_read, self.total = sheet.as_data(), None, True, len(sheet.rows)
        self._tell(0, sheet=self.sheet, content=None, is_read=True, total=self.total)
