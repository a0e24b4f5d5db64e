from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """How often a code was told to wait, in a row."""

    dependencies = [("exports", "0009_updates_index")]

    operations = [
        migrations.AddField(
            model_name="codeexport",
            name="waits",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
