"""Each move writes a row anew, with an entry in every index: fewer of them, and for fewer rows."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("exports", "0015_attempts_that_wait")]

    operations = [
        migrations.RemoveConstraint("codeexport", "one_export_per_item"),
        migrations.RemoveConstraint("codeexport", "one_export_per_remote_id"),
        migrations.RemoveIndex("codeexport", "exports_due"),
        migrations.AlterField(
            "codeexport",
            "item",
            models.ForeignKey(
                db_index=False, on_delete=models.deletion.PROTECT, related_name="exports", to="wbs.segmentitem"
            ),
        ),
        migrations.AddIndex(
            "codeexport",
            models.Index(
                fields=["status", "due_at"], name="exports_due", condition=Q(status__in=["QUEUED", "UNKNOWN"])
            ),
        ),
        migrations.AddConstraint(
            "codeexport", models.UniqueConstraint(fields=["item", "connection"], name="one_export_per_item")
        ),
        migrations.AddConstraint(
            "codeexport",
            models.UniqueConstraint(
                fields=["connection", "remote_id"], name="one_export_per_remote_id", condition=Q(remote_id__isnull=False)
            ),
        ),
    ]
