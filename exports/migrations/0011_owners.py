"""Whose reference an item of the ERP carries, and what a person confirmed who links to it all the same."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exports", "0010_told_to_wait")]

    operations = [
        migrations.AddField("remoteitem", "owner", models.TextField(blank=True, default=""), preserve_default=False),
        migrations.AddField(
            "codeexport", "link_despite", models.TextField(blank=True, default=""), preserve_default=False
        ),
    ]
