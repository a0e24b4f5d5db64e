"""Lists between "Check File" and "Import": keeping one, reading it, and finding out what an import would do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from companies.models import Member
from core.clock import in_seconds
from wbs.lists.checking import Check, Choices, Report, check
from wbs.lists.limited import read_apart
from wbs.lists.rows import Sheet, Tell, UnreadableFile, silent
from wbs.lists.xlsx_files import count_rows
from wbs.models import ImportDraft, Segment
from wbs.models.drafts import LOST_S, ImportDraftQuerySet
from wbs.rules import warn_of_new

PORTION = 500  # rows between two signs of life


class Superseded(Exception):
    """The list is to be checked otherwise by now, or is gone."""


def keep(member: Member, segment: Segment, name: str, content: bytes) -> ImportDraft:
    """Keep an uploaded list until it is read. Raises UnreadableFile for what is too large at a glance."""
    total = count_rows(content)
    ImportDraft.objects.expired().delete()
    kept = {"name": name[:255], "content": content, "total": total, "is_read": False}
    return ImportDraft.objects.create(member=member, segment=segment, **kept)


def answer(draft: ImportDraft, tell: Tell = silent) -> Check:
    """What an import would do now."""
    choices = Choices.from_data(draft.choices)
    return check(
        Sheet.from_data(draft.sheet or {}),
        choices.delimiter,
        draft.segment.known_codes(),
        creates_divisions=choices.creates_divisions,
        division_names=choices.names,
        tell=tell,
    )


def found(draft: ImportDraft) -> Report:
    """The answer in short, as it was found, or found now."""
    return Report.from_data(draft.report) if draft.report else told(draft, answer(draft))


def told(draft: ImportDraft, check: Check) -> Report:
    """The answer in short, with what the company's ERPs would refuse of it."""
    choices = Choices.from_data(draft.choices)
    new = sorted([*check.divisions, *check.good], key=lambda code: code.row)
    return replace(check, warnings=warn_of_new(draft.segment, new, choices.delimiter)).report(choices)


def work(draft: ImportDraft) -> None:
    """Read and check the list, telling how far that is. Twice, late or never does no harm."""
    if _claim(draft):
        with suppress(Superseded):
            report = _judge(draft).as_data()
            _unanswered(draft).update(report=report, done=draft.total)


def _judge(draft: ImportDraft) -> Report:
    def tell(done: int) -> None:
        _tell(draft, done)

    try:
        if not draft.is_read:
            _read(draft, tell)
        return told(draft, answer(draft, tell))
    except UnreadableFile as trouble:
        return Report(trouble=str(trouble))


def _unanswered(draft: ImportDraft) -> ImportDraftQuerySet:
    return ImportDraft.objects.filter(pk=draft.pk, question=draft.question, report__isnull=True)


def _claim(draft: ImportDraft) -> bool:
    free = _unanswered(draft).filter(Q(worked_at=None) | Q(worked_at__lt=in_seconds(-LOST_S)))
    return bool(free.update(worked_at=Now(), done=0))


def _tell(draft: ImportDraft, done: int, **values: Any) -> None:
    if (done % PORTION == 0 or values) and not _unanswered(draft).update(done=done, worked_at=Now(), **values):
        raise Superseded


def _read(draft: ImportDraft, tell: Tell) -> None:
    sheet = read_apart(bytes(draft.content or b""), tell, PORTION)
    draft.sheet, draft.content, draft.is_read, draft.total = sheet.as_data(), None, True, len(sheet.rows)
    _tell(draft, 0, sheet=draft.sheet, content=None, is_read=True, total=draft.total)
