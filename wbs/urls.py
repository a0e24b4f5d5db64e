from __future__ import annotations

from django.urls import path

from wbs.views import items, list_exports, lists, missing, project_codes, projects, segments, tree

app_name = "wbs"
WBS = "admin/work-breakdown-structure/"
CODES = f"{WBS}<slug:segment>/"
PROJECT = "projects/<int:project_id>/"
urlpatterns = [
    path(WBS, segments.segments, name="segments"),
    path(f"{WBS}add/", segments.add_segment, name="add_segment"),
    path(f"{WBS}budget-code/", segments.budget_code, name="budget_code"),
    path(f"{WBS}cost-codes/", tree.show_codes, {"segment": "cost-codes"}, name="cost_codes"),
    path(CODES, tree.show_codes, name="codes"),
    path(f"{CODES}delete/", segments.delete_segment, name="delete_segment"),
    path(f"{CODES}change/", items.change_items, name="change_items"),
    path(f"{CODES}check/", items.check_item, name="check_item"),
    path(f"{CODES}add/", items.add_item, name="add_item"),
    path(f"{CODES}<int:item_id>/", items.edit_item, name="edit_item"),
    path(f"{CODES}import/", lists.import_codes, name="import_codes"),
    path(f"{CODES}import/<int:draft_id>/", lists.show_draft, name="draft"),
    path(f"{CODES}import/<int:draft_id>/undo/", lists.undo_import, name="undo_import"),
    path(f"{CODES}import/template/", list_exports.download_template, name="download_template"),
    path(f"{CODES}export/", list_exports.export_csv, name="export_csv"),
    path(f"{CODES}export/xlsx/", list_exports.export_xlsx, name="export_xlsx"),
    path("projects/", projects.projects, name="projects"),
    path("projects/add/", projects.add_project, name="add_project"),
    path("projects/missing/", missing.missing_codes, name="missing_codes"),
    path("projects/missing/<int:item_id>/add/", missing.add_where_missing, name="add_where_missing"),
    path(PROJECT, project_codes.project, name="project"),
    path(f"{PROJECT}edit/", projects.edit_project, name="edit_project"),
    path(f"{PROJECT}cost-codes-from-company/", project_codes.company_codes, name="company_codes"),
    path(f"{PROJECT}remove/", project_codes.remove_codes, name="remove_codes"),
    path(f"{PROJECT}own-codes/add/", project_codes.add_own_code, name="add_own_code"),
    path(f"{PROJECT}own-codes/<int:own_id>/remove/", project_codes.remove_own_code, name="remove_own_code"),
]
