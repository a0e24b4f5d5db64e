from __future__ import annotations

from django.urls import path

from wbs.views import items, lists, tree

app_name = "wbs"
CODES = "work-breakdown-structure/cost-codes/"
urlpatterns = [
    path("work-breakdown-structure/", tree.segments, name="segments"),
    path(CODES, tree.cost_codes, name="cost_codes"),
    path(f"{CODES}change/", items.change_items, name="change_items"),
    path(f"{CODES}add/", items.add_item, name="add_item"),
    path(f"{CODES}<int:item_id>/", items.edit_item, name="edit_item"),
    path(f"{CODES}import/", lists.import_codes, name="import_codes"),
    path(f"{CODES}import/template/", lists.download_template, name="download_template"),
    path(f"{CODES}export/", lists.export_csv, name="export_csv"),
    path(f"{CODES}export/xlsx/", lists.export_xlsx, name="export_xlsx"),
]
