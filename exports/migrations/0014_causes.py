"""Why a code is rejected is a key; until now it was read off the beginning of the message."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Q

CAUSES = {"reject": "rejected", "recall": "recalled", "unlink": "unlinked"}  # by the kind of the last click
LABELS = [("rejected", "Rejected"), ("recalled", "Recalled"), ("unlinked", "Unlinked")]


def note_cause(apps: Any, schema_editor: Any) -> None:
    rejected = apps.get_model("exports", "CodeExport").objects.filter(status="REJECTED")
    batches = apps.get_model("exports", "Batch").objects
    for kind, cause in CAUSES.items():
        rejected.filter(batch__in=batches.filter(kind=kind)).update(cause=cause)
    rejected.filter(cause="").update(cause="rejected")


class Migration(migrations.Migration):
    dependencies = [("exports", "0013_accounts_as_picked"), ("wbs", "0008_hold_status")]

    operations = [
        migrations.AddField(
            "codeexport", "cause", models.CharField(blank=True, choices=LABELS, max_length=10, default=""), False
        ),
        migrations.RunPython(note_cause, migrations.RunPython.noop),
        migrations.AddConstraint(
            "codeexport",
            models.CheckConstraint(
                condition=Q(status="REJECTED", cause__in=["rejected", "recalled", "unlinked"])
                | ~Q(status="REJECTED") & Q(cause=""),
                name="rejected_has_cause",
            ),
        ),
    ]
