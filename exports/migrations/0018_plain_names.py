"""Fields say what they hold, and the status of a code that is at its ERP is named as people read it."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from django.db import migrations, models
from django.db.models import Case, Q, Value, When

STATUSES = [
    ("READY", "Ready to Export"),
    ("QUEUED", "Queued"),
    ("EXPORTING", "Exporting"),
    ("UNKNOWN", "Checking with ERP"),
    ("SUCCESS", "Success"),
    ("FAILED", "Failed"),
    ("ATTENTION", "Needs review"),
    ("REJECTED", "Rejected"),
]
NAMES = {"kept": "before_update", "found": "erp_values", "doubts": "lost_answers", "look_first": "ask_first"}
ACCEPTED = ["QUEUED", "EXPORTING"]
UPDATING = ["QUEUED", "EXPORTING", "UNKNOWN", "FAILED", "ATTENTION"]


VALUES = {"status": ("SENDING", "EXPORTING"), "previous_status": ("SENDING", "EXPORTING"), "drift": ("gone", "orphaned")}
DRIFTS = [("orphaned", "Orphaned"), ("changed", "Changed in ERP")]


def replace(apps: Any, place: int) -> None:
    """Each row once: PostgreSQL checks the keys of one that is written twice at the end, and makes no index until then."""
    old = {field: pair[place] for field, pair in VALUES.items()}
    new = {
        field: Case(When(**{field: pair[place]}, then=Value(pair[1 - place])), default=field)
        for field, pair in VALUES.items()
    }
    is_old = reduce(or_, (Q(**{field: value}) for field, value in old.items()))
    apps.get_model("exports", "CodeExport").objects.filter(is_old).update(**new)


def rename(apps: Any, schema_editor: Any) -> None:
    replace(apps, 0)


def rename_back(apps: Any, schema_editor: Any) -> None:
    replace(apps, 1)


class Migration(migrations.Migration):
    dependencies = [("exports", "0017_room_for_attempts"), ("wbs", "0009_exporting")]

    operations = [
        # What speaks of them goes first, and comes back with the new names.
        migrations.RemoveConstraint("codeexport", "accepted_has_income_account"),
        migrations.RemoveConstraint("codeexport", "update_has_its_item"),
        migrations.RemoveIndex("codeexport", "exports_to_ask_about"),
        migrations.RemoveIndex("codeexport", "exports_updates"),
        *(migrations.RenameField("codeexport", old, new) for old, new in NAMES.items()),
        migrations.RunPython(rename, rename_back),
        migrations.AlterField(
            "codeexport", "status", models.CharField(choices=STATUSES, default="READY", max_length=10)
        ),
        migrations.AlterField(
            "codeexport", "previous_status", models.CharField(blank=True, choices=STATUSES, max_length=10)
        ),
        migrations.AlterField("codeexport", "drift", models.CharField(blank=True, choices=DRIFTS, max_length=10)),
        migrations.AddIndex(
            "codeexport", models.Index(fields=["connection"], name="exports_to_ask_about", condition=Q(ask_first=True))
        ),
        migrations.AddIndex(
            "codeexport",
            models.Index(
                fields=["connection", "status"], name="exports_updates", condition=Q(before_update__isnull=False)
            ),
        ),
        migrations.AddConstraint(
            "codeexport",
            models.CheckConstraint(
                condition=~Q(status__in=ACCEPTED) | Q(income_account__isnull=False), name="accepted_has_income_account"
            ),
        ),
        migrations.AddConstraint(
            "codeexport",
            models.CheckConstraint(
                condition=Q(before_update__isnull=True) | Q(status__in=UPDATING, remote_id__isnull=False),
                name="update_has_its_item",
            ),
        ),
    ]
