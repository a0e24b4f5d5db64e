from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

KINDS = [
    ("check", "Test Connection"),
    ("connect", "Connect"),
    ("sync", "Sync GL Accounts"),
    ("compare", "Compare with ERP"),
    ("link", "Link"),
]


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("erp_integrations", "0004_accounts_told_apart"),
    ]

    operations = [
        migrations.AlterField("question", "kind", models.CharField(choices=KINDS, max_length=10)),
        migrations.AlterField(
            "question",
            "asker",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
    ]
