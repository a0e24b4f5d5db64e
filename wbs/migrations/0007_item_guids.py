"""Items get a random GUID, of which the references in ERPs are made from now on: ids come again after a restore."""

import uuid

from django.db import migrations, models

RANDOM = {"postgresql": "gen_random_uuid()", "sqlite": "lower(hex(randomblob(16)))"}  # 32 digits, as Django keeps it


def fill(apps, schema_editor):
    table = apps.get_model("wbs", "SegmentItem")._meta.db_table
    schema_editor.execute(f"UPDATE {table} SET guid = {RANDOM[schema_editor.connection.vendor]} WHERE guid IS NULL")


class Migration(migrations.Migration):
    dependencies = [("wbs", "0006_project_own_codes")]

    operations = [
        migrations.AddField("segmentitem", "guid", models.UUIDField(null=True, editable=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            "segmentitem", "guid", models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
        ),
    ]
