"""Exporting the list of codes, and the template to fill in."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from companies.access import MemberRequest, admin, admin_reader
from wbs.exported_lists import Table, table_of
from wbs.lists.csv_files import write_csv
from wbs.lists.xlsx_files import write_template, write_xlsx
from wbs.models import Segment
from wbs.views.tree import segment_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_GET
@admin_reader
def export_csv(request: MemberRequest, segment: str) -> HttpResponse:
    table = exported(request, segment_of(request, segment))
    return download(request, write_csv(table.heading, table.rows), f"{segment}.csv", "text/csv; charset=utf-8")


@require_GET
@admin_reader
def export_xlsx(request: MemberRequest, segment: str) -> HttpResponse:
    within = segment_of(request, segment)
    table = exported(request, within)
    return download(request, write_xlsx(table.heading, table.rows, within.plural), f"{segment}.xlsx", XLSX)


@require_GET
@admin
def download_template(request: MemberRequest, segment: str) -> HttpResponse:
    """An empty workbook to fill in, whose columns are text."""
    title = segment_of(request, segment).plural
    return download(request, write_template(title), f"{segment}-template.xlsx", XLSX)


def exported(request: MemberRequest, segment: Segment) -> Table:
    """The list as this person may have it: accounts are shown to those who may look at ERPs."""
    return table_of(segment, has_accounts=request.member.can_see_erp)


def download(request: MemberRequest, content: bytes, name: str, content_type: str) -> HttpResponse:
    disposition = f'attachment; filename="{request.member.company.slug}-{name}"'
    return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition})
