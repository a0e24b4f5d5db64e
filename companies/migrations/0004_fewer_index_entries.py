"""Most events are the queue's, which have no batch: they need no entry in the index of batches."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("companies", "0003_mail")]

    operations = [
        migrations.RemoveIndex("auditevent", "audit_by_batch"),
        migrations.AddIndex(
            "auditevent",
            models.Index(fields=["company", "batch_id"], name="audit_by_batch", condition=Q(batch_id__isnull=False)),
        ),
    ]
