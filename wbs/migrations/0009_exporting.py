"""The status of a code that is at its ERP is named as people read it: "send" is what brings a code to review."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

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


def rename(apps: Any, schema_editor: Any) -> None:
    apps.get_model("wbs", "Hold").objects.filter(status="SENDING").update(status="EXPORTING")


def rename_back(apps: Any, schema_editor: Any) -> None:
    apps.get_model("wbs", "Hold").objects.filter(status="EXPORTING").update(status="SENDING")


class Migration(migrations.Migration):
    dependencies = [("wbs", "0008_hold_status")]

    operations = [
        migrations.AlterField("hold", "status", models.CharField(max_length=10, choices=STATUSES, default="READY")),
        migrations.RunPython(rename, rename_back),
    ]
