"""Every segment has an address of its own, drafts belong to one, and companies say how budget codes are made."""

import django.db.models.deletion
from django.db import migrations, models


def forget_drafts(apps, schema_editor):
    """They live for a day, and their owners still have the files."""
    apps.get_model("wbs", "ImportDraft").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("companies", "0001_initial"), ("wbs", "0002_sort_keys_bytewise")]

    operations = [
        migrations.RunPython(forget_drafts, migrations.RunPython.noop),
        migrations.AddField(
            model_name="segment",
            name="slug",
            field=models.SlugField(db_index=False, default="cost-codes", max_length=60),
        ),
        migrations.AddConstraint(
            model_name="segment",
            constraint=models.UniqueConstraint(fields=("company", "slug"), name="one_segment_per_slug"),
        ),
        migrations.AddField(
            model_name="importdraft",
            name="segment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="import_drafts", to="wbs.segment"
            ),
        ),
        migrations.CreateModel(
            name="BudgetCode",
            fields=[
                (
                    "company",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="budget_code",
                        serialize=False,
                        to="companies.company",
                    ),
                ),
                ("delimiter", models.CharField(default=".", max_length=1)),
                ("order", models.JSONField(default=list)),
            ],
        ),
    ]
