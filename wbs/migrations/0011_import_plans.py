"""A check keeps the sheet as it was read, and what an import would do.

Checks that were not imported yet are thrown away: they know their file otherwise, and are kept for a day only.
"""

from django.db import migrations, models


def forget_open_checks(apps, _):
    apps.get_model("wbs", "ImportDraft").objects.filter(imported=None).delete()


class Migration(migrations.Migration):
    dependencies = [("wbs", "0010_default_accounts")]

    operations = [
        migrations.RunPython(forget_open_checks, migrations.RunPython.noop),
        migrations.RemoveField("importdraft", "sheet"),
        migrations.AddField("importdraft", "grid", models.BinaryField(null=True)),
        migrations.AddField("importdraft", "plan", models.BinaryField(null=True)),
        migrations.AddField("importdraft", "is_undone", models.BooleanField(default=False)),
        migrations.AddField("importdraft", "undo", models.JSONField(null=True)),
    ]
