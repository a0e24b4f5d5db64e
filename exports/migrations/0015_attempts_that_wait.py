"""A try that was claimed and waits for its call is told apart from one whose call began: all there are have begun."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("exports", "0014_causes")]

    operations = [
        migrations.AddField("attempt", "began_at", models.DateTimeField(null=True, db_default=Now())),
    ]
