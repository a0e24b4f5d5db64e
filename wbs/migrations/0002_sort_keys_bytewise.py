"""PostgreSQL sorts text by the rules of a language unless told otherwise, and would ignore the marks between tiers."""

from django.db import migrations


def set_collation(collation: str):
    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f'ALTER TABLE wbs_segmentitem ALTER COLUMN sort_key TYPE varchar(1000) COLLATE "{collation}"'
            )

    return alter


class Migration(migrations.Migration):
    dependencies = [("wbs", "0001_initial")]

    operations = [migrations.RunPython(set_collation("C"), set_collation("default"))]
