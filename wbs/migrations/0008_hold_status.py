"""A hold keeps the status of its code's export; until now it kept the word that pages make of it."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Case, Value, When

STATUSES = {
    "READY": "Ready to Export",
    "QUEUED": "Queued",
    "SENDING": "Exporting",
    "UNKNOWN": "Checking with ERP",
    "SUCCESS": "Success",
    "FAILED": "Failed",
    "ATTENTION": "Needs review",
    "REJECTED": "Rejected",
}


def note_status(apps: Any, schema_editor: Any) -> None:
    of_words = (When(word=word, then=Value(status)) for status, word in STATUSES.items())
    apps.get_model("wbs", "Hold").objects.update(status=Case(*of_words, default=Value("READY")))


class Migration(migrations.Migration):
    dependencies = [("wbs", "0007_item_guids")]

    operations = [
        migrations.AddField(
            "hold", "status", models.CharField(max_length=10, choices=list(STATUSES.items()), default="READY")
        ),
        migrations.RunPython(note_status, migrations.RunPython.noop),
        migrations.RemoveField("hold", "word"),
    ]
