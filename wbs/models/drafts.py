"""A list that was checked and waits for its import."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from companies.models import Member
from wbs.models.segments import Segment


class ImportDraftQuerySet(models.QuerySet["ImportDraft"]):
    def living(self) -> ImportDraftQuerySet:
        return self.filter(created_at__gt=timezone.now() - KEPT)

    def expired(self) -> ImportDraftQuerySet:
        return self.filter(created_at__lte=timezone.now() - KEPT)


KEPT = timedelta(days=1)


class ImportDraft(models.Model):
    """A list that someone uploaded and checked, kept between "Check File" and "Import"."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="import_drafts")
    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="import_drafts")
    name = models.CharField(max_length=255)  # of the file
    sheet = models.JSONField()  # `importing.Sheet` as plain data
    created_at = models.DateTimeField(db_default=Now())
    imported = models.PositiveIntegerField(null=True)  # codes that came of it; null: not imported yet

    objects = ImportDraftQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
