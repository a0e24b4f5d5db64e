"""Importing a list of codes: check it, look at what would happen, import it, take it back. Exporting the list."""

from __future__ import annotations

import time
from pathlib import PurePath
from typing import cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from companies.access import MemberRequest, admin
from core import broker
from core.bodies import takes_files
from core.collector import collector_paused
from core.numbers import counted, number
from wbs import import_drafts
from wbs.errors import Refused
from wbs.import_forms import ImportForm
from wbs.lists.bounds import MAX_BYTES, UnreadableFile, too_large
from wbs.lists.checking import Plan
from wbs.lists.choices import Choices
from wbs.lists.reports import Report
from wbs.models import ImportDraft, Segment, drafts, imports
from wbs.pages.import_check import CheckPage, divisions_page
from wbs.views.items import codes_were
from wbs.views.tree import segment_of

DIVISION = "division:"  # before the key of the code, in the name of a field
RECENT = 20  # checks that are listed


@takes_files(MAX_BYTES, str(too_large()))
@require_http_methods(["GET", "POST"])
@admin
def import_codes(request: MemberRequest, segment: str) -> HttpResponse:
    """ "Check File" answers with what an import would do; "Import" does it if it still would do just that."""
    within = segment_of(request, segment)
    if request.method == "GET":
        return import_page(request, ImportForm(within))
    draft = draft_of(within, number(request.POST.get("draft")))
    if request.FILES.get("file"):
        return check_new(request, within, draft)
    report = report_of(draft) if draft else None
    before = Choices.from_data(draft.choices) if draft else None
    form = ImportForm(within, request.POST, report=report, before=before)
    wants_import = "import" in request.POST
    if draft is None:
        form.add_error(
            "file", "This check is no longer kept. Choose the file again." if wants_import else "Choose a file."
        )
        return import_page(request, form)
    if draft.imported is not None and not wants_import:  # the file is no longer kept
        form.add_error("file", f"{draft} was imported already. Choose the file again to check it anew.")
        return import_page(request, form)
    names = names_of(request, draft)
    if not form.is_valid():
        draft.choices = draft.choices | {"names": names}  # to be seen again
        return import_page(request, form, draft, report)
    choices = form.choices(names)
    if wants_import and report:
        return import_draft(request, form, draft, report, choices)
    return check(request, draft, choices, form)


def check_new(request: MemberRequest, within: Segment, earlier: ImportDraft | None) -> HttpResponse:
    """Check a file that was chosen just now. One that cannot be read takes nothing away from an earlier check."""
    form = ImportForm(within, request.POST, request.FILES)
    draft = keep_file(request, form)
    if draft is None:
        return refuse_file(request, form, earlier)
    if not form.is_valid():
        return import_page(request, form, draft)
    return check(request, draft, form.choices({}), form, earlier=earlier)


def refuse_file(request: MemberRequest, form: ImportForm, earlier: ImportDraft | None) -> HttpResponse:
    """Say why a file cannot be read, beside the check that is there, as it was being filled in."""
    report = report_of(earlier) if earlier else None
    if earlier is None or report is None or report.trouble or earlier.imported is not None:
        return import_page(request, form)
    before = Choices.from_data(earlier.choices)
    again = ImportForm(form.segment, request.POST, report=report, before=before)
    again.is_valid()
    again.add_error("file", form.errors["file"])
    earlier.choices = earlier.choices | {"names": names_of(request, earlier)}
    return import_page(request, again, earlier, report)


def check(
    request: MemberRequest,
    draft: ImportDraft,
    choices: Choices,
    form: ImportForm,
    notice: str = "",
    earlier: ImportDraft | None = None,
) -> HttpResponse:
    """Ask what an import would do with these choices, and show it if that is found within this click."""
    draft.ask(choices)
    if notice:  # somebody waits for it, and the file is read already
        import_drafts.work(draft)
        draft.look_again()
    else:
        get_answer(draft)
    if draft.is_open:
        return redirect("wbs:draft", request.member.company.slug, draft.segment.slug, draft.pk)
    report = Report.from_data(draft.report or {})
    if report.trouble:
        form.add_error("file", report.trouble)
        draft.delete()
        return refuse_file(request, form, earlier)
    return import_page(request, ImportForm.again(draft.segment, draft, report), draft, report, notice)


def get_answer(draft: ImportDraft) -> None:
    """Have the list checked; a short one within this click, by this thread if no worker comes in time."""
    if draft.is_read and not draft.is_long:
        import_drafts.work(draft)
        draft.look_again()
        return
    until = time.monotonic() + drafts.PATIENCE_S
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
    draft = segment.import_drafts.living().without_files().filter(pk=pk).first() if pk else None
    if draft:
        draft.segment = segment
    return draft


def report_of(draft: ImportDraft) -> Report | None:
    return Report.from_data(draft.report) if draft.report else None


def names_of(request: MemberRequest, draft: ImportDraft) -> dict[str, str]:
    """What was typed as descriptions of divisions, on this page and before; what was left as proposed is not typed."""
    before = Choices.from_data(draft.choices).names
    shown = {name.removeprefix(DIVISION): request.POST[name] for name in request.POST if name.startswith(DIVISION)}
    if not shown:
        return before
    proposed = import_drafts.plan_of(draft).division_names()
    return before | {key: text for key, text in shown.items() if text != proposed.get(key)}


@collector_paused()
def import_page(
    request: MemberRequest,
    form: ImportForm,
    draft: ImportDraft | None = None,
    report: Report | None = None,
    notice: str = "",
) -> HttpResponse:
    shown = {"form": form, "segment": form.segment, "draft": draft, "report": report, "notice": notice}
    if draft is None:
        shown["drafts"] = form.segment.import_drafts.living().light().order_by("-pk")[:RECENT]
    elif report:
        choices = Choices.from_data(draft.choices)
        plan = import_drafts.plan_of(draft)
        shown["check"] = check_page(request, plan, report, choices)
        shown["divisions"] = divisions_page(
            plan, choices, request.POST.get("divisions", request.GET.get("divisions", ""))
        )
    return render(request, "wbs/import.html", shown)


def check_page(request: MemberRequest, plan: Plan, report: Report, choices: Choices) -> CheckPage:
    asked = request.GET
    return CheckPage(
        plan,
        report,
        choices,
        tab=asked.get("tab", ""),
        number=asked.get("page", "1"),
        search=asked.get("q", "").strip(),
    )


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
    report = report_of(draft)
    if request.htmx.target == "check-lines" and report and not report.trouble:
        shown = check_page(request, import_drafts.plan_of(draft), report, Choices.from_data(draft.choices))
        return render(request, "wbs/_check_lines.html", {"check": shown, "draft": draft})
    if request.htmx:
        return render(request, "wbs/_progress.html", {"draft": draft}) if draft.is_open else HttpResponseClientRefresh()
    if draft.is_open or report is None:
        return import_page(request, ImportForm.again(within, draft, None), draft)
    if draft.imported is not None:
        undone = " and taken back since" if draft.is_undone else " already"
        notice = f"{codes_were(draft.imported)} imported from {draft}{undone}."
        return import_page(request, ImportForm(within), notice=notice)
    if report.trouble:
        return import_page(request, ImportForm(within), notice=report.trouble)
    return import_page(request, ImportForm.again(within, draft, report), draft, report)


def import_draft(
    request: MemberRequest, form: ImportForm, draft: ImportDraft, report: Report, choices: Choices
) -> HttpResponse:
    """Do what was shown, as the only one who changes the tree; if that cannot be any more, show what could be."""
    before = Choices.from_data(draft.choices)
    if draft.imported is None:
        if not choices.differs_only_in_names(before) or report.fingerprint != request.POST.get("check"):
            return check(request, draft, choices, form, f"Nothing was imported yet. {imports.CHANGED}")
        try:
            import_drafts.carry_out(draft, choices, request.member)
        except Refused as refusal:
            return check(request, draft, choices, form, f"Nothing was imported yet. {refusal.sentence}")
    messages.success(request, f"{codes_were(draft.imported or 0)} imported from {draft.name}.")
    codes = reverse("wbs:codes", args=[request.member.company.slug, form.segment.slug])
    return redirect(f"{codes}?imported={draft.pk}")


@require_POST
@admin
def undo_import(request: MemberRequest, segment: str, draft_id: int) -> HttpResponse:
    """Take an import back as one, as long as nobody did anything with its codes."""
    within = segment_of(request, segment)
    draft = draft_of(within, draft_id)
    if draft is None:
        raise Http404("There is no such import, or it is no longer kept.")
    try:
        with transaction.atomic():
            count = import_drafts.take_back(draft, request.user)
    except Refused as refusal:
        messages.error(request, refusal.sentence)
    else:
        messages.success(request, f"The import of {draft.name} was undone: {counted(count, 'code')}.")
    return redirect("wbs:codes", request.member.company.slug, within.slug)
