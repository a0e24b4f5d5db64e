"""Lists between "Check File" and "Import": keeping one, reading it, and finding out what an import would do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from companies.models import Member
from core.clock import in_seconds
from core.collector import collector_paused
from wbs.account_columns import Books
from wbs.errors import Refused
from wbs.lists.bounds import Tell, UnreadableFile, silent
from wbs.lists.checking import Plan, check, why_not
from wbs.lists.choices import Choices
from wbs.lists.entries import read_entries
from wbs.lists.grids import Grid
from wbs.lists.headings import EXPENSE, INCOME
from wbs.lists.limited import read_apart
from wbs.lists.reading import count_rows
from wbs.lists.reports import Report, report_of
from wbs.lists.understanding import layout_of
from wbs.models import ImportDraft, Segment, imports
from wbs.models.drafts import LOST_S, ImportDraftQuerySet, packed, unpacked
from wbs.rules import warn_of_new

UNDECIDED = "Choose under “Accounts of” whose accounts the file names, and check it again."
NO_ACCOUNTS = "The accounts are not read: default accounts are set by people with Admin on ERP Integrations."
PORTION = 500  # rows between two signs of life


class Superseded(Exception):
    """The list is to be checked otherwise by now, or is gone."""


def keep(member: Member, segment: Segment, name: str, content: bytes) -> ImportDraft:
    """Keep an uploaded list until it is read. Raises UnreadableFile for what is too large at a glance."""
    total = count_rows(content)
    ImportDraft.objects.expired().delete()
    kept = {"name": name[:255], "content": content, "total": total, "is_read": False}
    return ImportDraft.objects.create(member=member, segment=segment, **kept)


@collector_paused()
def work(draft: ImportDraft) -> None:
    """Read and check the list, telling how far that is. Twice, late or never does no harm."""
    if _claim(draft):
        with suppress(Superseded):
            report, plan = _judge(draft)
            found = {"report": report.as_data(), "plan": packed(plan.as_data()), "done": draft.total}
            _unanswered(draft).update(**found)


def plan_of(draft: ImportDraft) -> Plan:
    """What an import would do, as it was found, with the descriptions of divisions that were typed since."""
    kept = ImportDraft.objects.values_list("plan", flat=True).get(pk=draft.pk)
    plan = Plan.from_data(unpacked(kept)) if kept else Plan()
    choices = Choices.from_data(draft.choices)
    plan.name_divisions(choices.names)
    return plan


@collector_paused()
def carry_out(draft: ImportDraft, choices: Choices, member: Member) -> None:
    """Do what the check showed, all of it or nothing; a second click does nothing. Raises Refused."""
    segment = draft.segment
    with transaction.atomic():
        draft.choices = choices.as_data()
        plan = plan_of(draft)
        if sentence := why_not(plan, choices):
            raise Refused(sentence)
        connections = imports.hold_connections(plan, segment)
        if connections and not member.can_configure_erp:
            raise Refused("It sets default accounts, for which Admin on ERP Integrations is needed.")
        segment.lock()
        draft.refresh_from_db(fields=["imported"])
        if draft.imported is None:
            if sentence := imports.why_outdated(plan, segment, choices.delimiter, connections):
                raise Refused(sentence)
            undo = imports.make(segment, plan, choices.delimiter, member.user)
            draft.imported, draft.undo = len(plan.new) + len(plan.changes), undo.as_data()
            done = {"imported": draft.imported, "undo": draft.undo, "choices": draft.choices}
            ImportDraft.objects.filter(pk=draft.pk).update(**done, content=None, grid=None, plan=None)


def take_back(draft: ImportDraft, actor: AbstractBaseUser) -> int:
    """Undo the import as one; how many codes that were. Raises Refused."""
    with transaction.atomic():
        undo = ImportDraft.objects.select_for_update().values_list("undo", flat=True).get(pk=draft.pk)
        if undo is None:
            raise Refused(f"The import of {draft} was undone already, or never made.")
        count = imports.take_back(draft.segment, imports.Undo.from_data(undo), actor)
        ImportDraft.objects.filter(pk=draft.pk).update(undo=None, is_undone=True)
    return count


def _judge(draft: ImportDraft) -> tuple[Report, Plan]:
    def tell(done: int) -> None:
        _tell(draft, done)

    try:
        choices, may_name_accounts = Choices.from_data(draft.choices), draft.member.can_configure_erp
        return answer(draft.segment, _grid(draft, tell), choices, may_name_accounts=may_name_accounts, tell=tell)
    except UnreadableFile as trouble:
        return Report(trouble=str(trouble)), Plan()


def answer(
    segment: Segment, grid: Grid, choices: Choices, *, may_name_accounts: bool = False, tell: Tell = silent
) -> tuple[Report, Plan]:
    """What an import of a sheet would do now, in short and in full.

    Account columns are read for those who may set default accounts.
    """
    known = segment.known_codes()
    layout = layout_of(grid, choices, known)
    books = Books.of(segment, layout, choices) if may_name_accounts else Books()
    if books.columns:
        known = segment.with_accounts(known)
    reading = read_entries(grid, layout, choices, books.columns, known, tell)
    plan = check(reading, choices, known, books.labels)
    warnings = warn_of_new(segment, plan.new, choices.delimiter)
    plan.notes += [each._replace(sentence=f"Would not export. {each.sentence}") for each in warnings]
    plan.notes.sort(key=lambda note: note.row)
    report = report_of(grid, layout, choices, reading, plan, books.places)
    if books.is_undecided:
        report = replace(report, why_not=UNDECIDED)
    elif not may_name_accounts and {INCOME, EXPENSE} & layout.columns.keys():
        report.notes.append(NO_ACCOUNTS)
    return replace(report, accounts_of=books.chosen, warning_count=len(warnings)), plan


def _unanswered(draft: ImportDraft) -> ImportDraftQuerySet:
    return ImportDraft.objects.filter(pk=draft.pk, question=draft.question, report__isnull=True)


def _claim(draft: ImportDraft) -> bool:
    free = _unanswered(draft).filter(Q(worked_at=None) | Q(worked_at__lt=in_seconds(-LOST_S)))
    return bool(free.update(worked_at=Now(), done=0))


def _tell(draft: ImportDraft, done: int, **values: Any) -> None:
    if (done % PORTION == 0 or values) and not _unanswered(draft).update(done=done, worked_at=Now(), **values):
        raise Superseded


def _grid(draft: ImportDraft, tell: Tell) -> Grid:
    """The sheet that is meant; the file is read again only if that is another one."""
    wanted = Choices.from_data(draft.choices).sheet
    if draft.is_read and draft.grid:
        grid = Grid.from_data(unpacked(draft.grid))
        if wanted in (None, grid.sheet) or draft.content is None:
            return grid
    grid = read_apart(bytes(draft.content or b""), wanted, tell, PORTION)
    content = draft.content if len(grid.sheets) > 1 else None  # else nothing more of it can be asked for
    draft.content, draft.is_read, draft.total = content, True, len(grid.rows)
    _tell(draft, 0, grid=packed(grid.as_data()), content=content, is_read=True, total=draft.total)
    return grid
