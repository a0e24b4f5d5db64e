"""Default accounts belong to `wbs` from here on, whose import writes them: the table gets its new name, rows and all."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("exports", "0018_plain_names")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AlterModelTable("DefaultAccounts", "wbs_defaultaccounts")],
            state_operations=[migrations.DeleteModel("DefaultAccounts")],
        )
    ]
