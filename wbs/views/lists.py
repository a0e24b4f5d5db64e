"""Importing a list of codes: check it, then import it. Exporting the list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from companies.access import MemberRequest, member_required
from companies.models import Level, Tool
from wbs.codes import clean, description_problem, fold
from wbs.errors import Refused
from wbs.forms import ImportForm
from wbs.importing import MAX_BYTES, Check, Sheet, UnreadableFile, check
from wbs.listing import write_csv
from wbs.models import ImportDraft, Segment
from wbs.views.items import count_of
from wbs.views.tree import id_in, segment_of
from wbs.workbooks import read_list, write_template, write_xlsx

SHOWN = 500  # problems, and divisions whose description can be edited, on one page
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DIVISION = "division:"  # before the folded code, in the name of a field


@dataclass(frozen=True)
class Division:
    """A missing division on the page of the check, with the description that was typed."""

    code: str
    name: str  # of its field
    description: str
    problem: str = ""


@require_http_methods(["GET", "POST"])
@member_required(Tool.ADMIN, Level.ADMIN)
def import_codes(request: MemberRequest, segment: str) -> HttpResponse:
    """ "Check File" answers with what an import would do; "Import" does it if it still would do just that."""
    within = segment_of(request, segment)
    if request.method == "GET":
        return import_page(request, ImportForm(within))
    form = ImportForm(within, request.POST, request.FILES)
    wants_import = "import" in request.POST
    draft = draft_of(request, within)
    if request.FILES.get("file"):
        draft, wants_import = read_draft(request, form), False  # nobody imports what nobody saw
    elif draft is None:
        form.add_error(
            "file", "This check is no longer kept. Choose the file again." if wants_import else "Choose a file."
        )
    if draft is None or not form.is_valid():
        return import_page(request, form, draft)
    if wants_import:
        return import_draft(request, form, draft)
    return show_check(request, form, draft, check_draft(request, form, draft))


def import_page(
    request: MemberRequest, form: ImportForm, draft: ImportDraft | None = None, **shown: Any
) -> HttpResponse:
    return render(request, "wbs/import.html", {"form": form, "segment": form.segment, "draft": draft, **shown})


def read_draft(request: MemberRequest, form: ImportForm) -> ImportDraft | None:
    upload = cast(UploadedFile, request.FILES["file"])
    try:
        sheet = read_list(upload.read(MAX_BYTES + 1))
    except UnreadableFile as trouble:
        form.add_error("file", str(trouble))
        return None
    ImportDraft.objects.expired().delete()
    name = PurePath(upload.name or "").name[:255]
    return request.member.import_drafts.create(segment=form.segment, name=name, sheet=sheet.as_data())


def draft_of(request: MemberRequest, segment: Segment) -> ImportDraft | None:
    pk = id_in(request.POST.get("draft", ""))
    return request.member.import_drafts.living().filter(pk=pk, segment=segment).first() if pk else None


def check_draft(request: MemberRequest, form: ImportForm, draft: ImportDraft) -> Check:
    names = [name for name in request.POST if name.startswith(DIVISION)]
    return check(
        Sheet.from_data(draft.sheet),
        form.chosen_delimiter,
        form.segment.known_codes(),
        creates_divisions=form.creates_divisions,
        division_names={name.removeprefix(DIVISION): request.POST[name] for name in names},
    )


def division_fields(request: MemberRequest, result: Check, delimiter: str) -> list[Division]:
    fields = []
    for division in result.divisions:
        code = delimiter.join(division.tiers)
        name = DIVISION + fold(code)
        typed = request.POST.get(name, division.description)
        fields.append(Division(code, name, typed, description_problem(clean(typed))))
    return fields


def show_check(
    request: MemberRequest, form: ImportForm, draft: ImportDraft, result: Check, notice: str = ""
) -> HttpResponse:
    fields = division_fields(request, result, form.chosen_delimiter)
    shown = {"divisions": fields[:SHOWN], "problems": result.problems[:SHOWN]}
    return import_page(request, form, draft, check=result, notice=notice, **shown)


def import_draft(request: MemberRequest, form: ImportForm, draft: ImportDraft) -> HttpResponse:
    """Check anew, as the only one who changes the tree, and import if nothing differs from what was shown."""
    segment = form.segment
    try:
        with transaction.atomic():
            segment.lock()
            draft.refresh_from_db(fields=["imported"])
            if draft.imported is None:  # else this is a second click
                result = check_draft(request, form, draft)
                refuse_surprises(request, form, result)
                new = [*result.divisions, *result.good]
                draft.imported = segment.add_codes(new, form.chosen_delimiter, request.user)
                draft.save(update_fields=["imported"])
    except Refused as refusal:
        result = check_draft(request, form, draft)
        return show_check(request, form, draft, result, f"Nothing was imported yet. {refusal.sentence}")
    messages.success(request, f"{count_of(draft.imported)} imported from {draft.name}.")
    return redirect("wbs:codes", request.member.company.slug, segment.slug)


def refuse_surprises(request: MemberRequest, form: ImportForm, result: Check) -> None:
    if any(field.problem for field in division_fields(request, result, form.chosen_delimiter)):
        raise Refused("See the descriptions of the missing divisions.")
    if result.fingerprint != request.POST.get("check"):
        raise Refused("The list or a choice changed since the check: this is what would happen now.")


@require_GET
@member_required(Tool.ADMIN, Level.READ_ONLY)
def export_csv(request: MemberRequest, segment: str) -> HttpResponse:
    rows = rows_of(segment_of(request, segment))
    return download(request, write_csv(rows), f"{segment}.csv", "text/csv; charset=utf-8")


@require_GET
@member_required(Tool.ADMIN, Level.READ_ONLY)
def export_xlsx(request: MemberRequest, segment: str) -> HttpResponse:
    within = segment_of(request, segment)
    return download(request, write_xlsx(rows_of(within), within.plural), f"{segment}.xlsx", XLSX)


@require_GET
@member_required(Tool.ADMIN, Level.ADMIN)
def download_template(request: MemberRequest, segment: str) -> HttpResponse:
    """An empty workbook to fill in, whose columns are text."""
    title = segment_of(request, segment).plural
    return download(request, write_template(title), f"{segment}-template.xlsx", XLSX)


def rows_of(segment: Segment) -> Iterable[tuple[str, str, bool]]:
    return segment.items.values_list("full_code", "description", "is_active")


def download(request: MemberRequest, content: bytes, name: str, content_type: str) -> HttpResponse:
    disposition = f'attachment; filename="{request.member.company.slug}-{name}"'
    return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition})
