"""PostgreSQL sorts text by the rules of a language unless told otherwise; codes are sorted as the WBS sorts them."""

from django.db import migrations


def set_collation(collation):
    def alter(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(
                f'ALTER TABLE exports_codeexport ALTER COLUMN sort_key TYPE varchar(1000) COLLATE "{collation}"'
            )

    return alter


class Migration(migrations.Migration):
    dependencies = [("exports", "0001_initial")]

    operations = [migrations.RunPython(set_collation("C"), set_collation("default"))]
