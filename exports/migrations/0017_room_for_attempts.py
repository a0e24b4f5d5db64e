"""An attempt is written three times: when it is claimed, when its call begins and when that ends.

With room left in its page the second and third take no new entry in any index (PostgreSQL's heap-only tuples).
"""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def leave_room(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE exports_attempt SET (fillfactor = 40)")


def leave_none(apps: object, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE exports_attempt RESET (fillfactor)")


class Migration(migrations.Migration):
    dependencies = [("exports", "0016_fewer_index_entries")]

    operations = [migrations.RunPython(leave_room, leave_none)]
