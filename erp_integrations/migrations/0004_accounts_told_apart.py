from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("erp_integrations", "0003_questions")]

    operations = [
        migrations.AddField("glaccount", "parent", models.CharField(blank=True, max_length=255, default=""), False),
        migrations.AddField("glaccount", "distinction", models.CharField(blank=True, max_length=255, default=""), False),
    ]
