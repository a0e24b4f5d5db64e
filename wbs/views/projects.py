"""The list of projects; adding one, and editing its number, name and connection."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from companies.access import MemberRequest, admin, admin_reader
from wbs.errors import Conflict, Refused
from wbs.models import Project, SegmentItem
from wbs.project_forms import ProjectForm

PER_PAGE = 100


@require_GET
@admin_reader
def projects(request: MemberRequest) -> HttpResponse:
    company, search = request.member.company, request.GET.get("q", "").strip()
    found = company.projects.matching(search).with_connection().with_counts()
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    usable = SegmentItem.objects.usable().filter(company=company).count()
    rows = [(project, usable - project.used if project.connection else 0) for project in page]
    is_part = request.htmx.target == "projects"
    context = {"rows": rows, "page": page, "search": search}
    return render(request, "wbs/_projects.html" if is_part else "wbs/projects.html", context)


@require_http_methods(["GET", "POST"])
@admin
def add_project(request: MemberRequest) -> HttpResponse:
    company = request.member.company
    form = ProjectForm(company, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            project = Project.add(company, values["number"], values["name"], values["connection"], request.user)
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.sentence)
        else:
            messages.success(request, f"The project {project} was added. Now choose its cost codes.")
            return redirect("wbs:project", company.slug, project.pk)
    return render(request, "wbs/project_form.html", {"form": form})


@require_http_methods(["GET", "POST"])
@admin
def edit_project(request: MemberRequest, project_id: int) -> HttpResponse:
    project = project_of(request, project_id)
    initial = {
        "number": project.number,
        "name": project.name,
        "connection": project.connection_id,
        "version": project.version,
    }
    form = ProjectForm(project.company, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        version = values["version"] or 0
        try:
            changed = project.change(values["number"], values["name"], values["connection"], version, request.user)
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.sentence)
        except Conflict:
            newer = project_of(request, project_id)
            form.add_error(
                None,
                f"Someone else changed this project meanwhile: it is now {newer.summary}. "
                "Save again to put what you typed in its place.",
            )
            form.take_version(newer.version)
        else:
            messages.success(request, f"The project {changed} was saved.")
            return redirect("wbs:project", request.member.company.slug, project_id)
    return render(request, "wbs/project_form.html", {"form": form, "project": project})


def project_of(request: MemberRequest, project_id: int) -> Project:
    """The project that an address names, with its connection; 404 if it is not this company's."""
    project = request.member.company.projects.with_connection().filter(pk=project_id).first()
    if project is None:
        raise Http404("There is no such project.")
    project.company = request.member.company
    return project
