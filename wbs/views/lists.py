"""Importing a list of codes: check it, then import it. Exporting the list."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import PurePath
from typing import cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from companies.access import MemberRequest, admin, admin_reader
from core import broker
from core.bodies import takes_files
from core.numbers import number
from wbs import import_drafts
from wbs.errors import Refused
from wbs.forms import ImportForm
from wbs.lists.checking import Choices, Report
from wbs.lists.csv_files import write_csv
from wbs.lists.rows import MAX_BYTES, UnreadableFile, too_large
from wbs.lists.xlsx_files import write_template, write_xlsx
from wbs.models import ImportDraft, Segment, drafts
from wbs.views.items import codes_were
from wbs.views.tree import segment_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DIVISION = "division:"  # before the folded code, in the name of a field
RECENT = 20  # checks that are listed


@takes_files(MAX_BYTES, str(too_large()))
@require_http_methods(["GET", "POST"])
@admin
def import_codes(request: MemberRequest, segment: str) -> HttpResponse:
    """ "Check File" answers with what an import would do; "Import" does it if it still would do just that."""
    within = segment_of(request, segment)
    if request.method == "GET":
        return import_page(request, ImportForm(within))
    form = ImportForm(within, request.POST, request.FILES)
    wants_import = "import" in request.POST
    draft = draft_of(within, number(request.POST.get("draft")))
    if request.FILES.get("file"):
        draft, wants_import = keep_file(request, form), False  # nobody imports what nobody saw
    elif draft is None:
        form.add_error(
            "file", "This check is no longer kept. Choose the file again." if wants_import else "Choose a file."
        )
    if draft is None or not form.is_valid():
        return import_page(request, form, draft)
    if wants_import and draft.is_read:
        return import_draft(request, form, draft)
    draft.ask(choices_of(request, form))
    get_answer(draft)
    if draft.is_open:
        return redirect("wbs:draft", request.member.company.slug, segment, draft.pk)
    report = import_drafts.found(draft)
    if report.trouble:
        form.add_error("file", report.trouble)
        draft.delete()
        return import_page(request, form)
    return import_page(request, form, draft, report)


def get_answer(draft: ImportDraft) -> None:
    """Have the list checked; a short one within this click, by this thread if no worker comes in time."""
    until = time.monotonic() + drafts.PATIENCE_S
    if draft.is_open:
        broker.wake("wbs.tasks.check_draft", [draft.pk])
        if not draft.is_long:
            draft.wait_for_worker(until)
            import_drafts.work(draft)
            draft.look_again()


def keep_file(request: MemberRequest, form: ImportForm) -> ImportDraft | None:
    upload = cast(UploadedFile, request.FILES["file"])
    try:
        name = PurePath(upload.name or "").name
        return import_drafts.keep(request.member, form.segment, name, upload.read(MAX_BYTES + 1))
    except UnreadableFile as trouble:
        form.add_error("file", str(trouble))
        return None


def draft_of(segment: Segment, pk: int | None) -> ImportDraft | None:
    draft = segment.import_drafts.living().filter(pk=pk).first() if pk else None
    if draft:
        draft.segment = segment
    return draft


def choices_of(request: MemberRequest, form: ImportForm) -> Choices:
    names = {name.removeprefix(DIVISION): request.POST[name] for name in request.POST if name.startswith(DIVISION)}
    return Choices(form.chosen_delimiter, form.creates_divisions, names)


def import_page(
    request: MemberRequest,
    form: ImportForm,
    draft: ImportDraft | None = None,
    report: Report | None = None,
    notice: str = "",
) -> HttpResponse:
    drafts = [] if draft else form.segment.import_drafts.living().light().order_by("-pk")[:RECENT]
    shown = {"form": form, "segment": form.segment, "draft": draft, "report": report, "notice": notice}
    return render(request, "wbs/import.html", {**shown, "drafts": drafts})


@require_GET
@admin
def show_draft(request: MemberRequest, segment: str, draft_id: int) -> HttpResponse:
    """A check that was left, found again: what it found, or how far it is. Nobody at work? Then this request is."""
    within = segment_of(request, segment)
    draft = draft_of(within, draft_id)
    if draft is None:
        raise Http404("There is no such check, or it is no longer kept.")
    if draft.is_open and draft.is_left_alone:
        import_drafts.work(draft)
        draft.look_again()
    if request.htmx:
        return render(request, "wbs/_progress.html", {"draft": draft}) if draft.is_open else HttpResponseClientRefresh()
    form = ImportForm.again(within, draft)
    if draft.is_open or not draft.question:
        return import_page(request, form, draft)
    if draft.imported is not None:
        return import_page(request, form, draft, notice=f"{codes_were(draft.imported)} imported from {draft} already.")
    report = import_drafts.found(draft)
    if report.trouble:
        return import_page(request, form, notice=report.trouble)
    return import_page(request, form, draft, report)


def import_draft(request: MemberRequest, form: ImportForm, draft: ImportDraft) -> HttpResponse:
    """Check anew, as the only one who changes the tree, and import if nothing differs from what was shown."""
    segment, choices = form.segment, choices_of(request, form)
    draft.choices = choices.as_data()
    try:
        with transaction.atomic():
            segment.lock()
            draft.refresh_from_db(fields=["imported"])
            if draft.imported is None:  # else this is a second click
                result = import_drafts.answer(draft)
                refuse_surprises(request, result.report(choices))
                draft.imported = segment.add_codes([*result.divisions, *result.good], choices.delimiter, request.user)
                draft.save(update_fields=["imported"])
    except Refused as refusal:
        report = import_drafts.told(draft, import_drafts.answer(draft))
        return import_page(request, form, draft, report, f"Nothing was imported yet. {refusal.sentence}")
    messages.success(request, f"{codes_were(draft.imported)} imported from {draft.name}.")
    return redirect("wbs:codes", request.member.company.slug, segment.slug)


def refuse_surprises(request: MemberRequest, report: Report) -> None:
    if report.why_not:
        raise Refused(report.why_not)
    if report.fingerprint != request.POST.get("check"):
        raise Refused("The list or a choice changed since the check: this is what would happen now.")


@require_GET
@admin_reader
def export_csv(request: MemberRequest, segment: str) -> HttpResponse:
    rows = rows_of(segment_of(request, segment))
    return download(request, write_csv(rows), f"{segment}.csv", "text/csv; charset=utf-8")


@require_GET
@admin_reader
def export_xlsx(request: MemberRequest, segment: str) -> HttpResponse:
    within = segment_of(request, segment)
    return download(request, write_xlsx(rows_of(within), within.plural), f"{segment}.xlsx", XLSX)


@require_GET
@admin
def download_template(request: MemberRequest, segment: str) -> HttpResponse:
    """An empty workbook to fill in, whose columns are text."""
    title = segment_of(request, segment).plural
    return download(request, write_template(title), f"{segment}-template.xlsx", XLSX)


def rows_of(segment: Segment) -> Iterable[tuple[str, str, bool]]:
    return segment.items.values_list("full_code", "description", "is_active")


def download(request: MemberRequest, content: bytes, name: str, content_type: str) -> HttpResponse:
    disposition = f'attachment; filename="{request.member.company.slug}-{name}"'
    return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition})
