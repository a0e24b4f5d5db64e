"""A long list is read and checked by a worker: the draft keeps the file, the question and what was found."""

from django.db import migrations, models


def forget_drafts(apps, schema_editor):
    """What was asked of them is not known, and their owners still have the files."""
    apps.get_model("wbs", "ImportDraft").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("wbs", "0003_segments_and_budget_code")]

    operations = [
        migrations.RunPython(forget_drafts, migrations.RunPython.noop),
        migrations.AlterField("importdraft", "sheet", models.JSONField(null=True)),
        migrations.AddField("importdraft", "content", models.BinaryField(null=True)),
        migrations.AddField("importdraft", "choices", models.JSONField(default=dict)),
        migrations.AddField("importdraft", "question", models.PositiveIntegerField(default=0)),
        migrations.AddField("importdraft", "asked_at", models.DateTimeField(null=True)),
        migrations.AddField("importdraft", "worked_at", models.DateTimeField(null=True)),
        migrations.AddField("importdraft", "total", models.PositiveIntegerField(default=0)),
        migrations.AddField("importdraft", "done", models.PositiveIntegerField(default=0)),
        migrations.AddField("importdraft", "is_read", models.BooleanField(default=True)),
        migrations.AddField("importdraft", "report", models.JSONField(null=True)),
    ]
