"""Default accounts come from `exports`, which has named their table anew: nothing changes in the database."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models import Q
from django.db.models.deletion import CASCADE

CONSTRAINTS = [
    models.UniqueConstraint(fields=["connection", "item"], name="one_default_per_item"),
    models.CheckConstraint(
        condition=Q(income_account__isnull=False) | Q(expense_account__isnull=False), name="default_says_something"
    ),
]


def reference(to: str, **values: object) -> models.ForeignKey:
    return models.ForeignKey(to=to, on_delete=CASCADE, **values)


class Migration(migrations.Migration):
    dependencies = [
        ("erp_integrations", "0005_questions_of_codes"),
        ("exports", "0019_default_accounts_move"),
        ("wbs", "0009_exporting"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    "DefaultAccounts",
                    [
                        ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                        ("connection", reference("erp_integrations.connection", related_name="default_accounts")),
                        ("item", reference("wbs.segmentitem", related_name="+")),
                        ("income_account", reference("erp_integrations.glaccount", related_name="+", null=True)),
                        ("expense_account", reference("erp_integrations.glaccount", related_name="+", null=True)),
                    ],
                    options={"constraints": CONSTRAINTS},
                )
            ]
        )
    ]
