from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import OuterRef, Subquery, Value
from django.db.models.functions import Concat, Trim


def note_accounts(apps: Any, schema_editor: Any) -> None:
    """Codes under way were picked by what the chart says now, as far as anyone can tell."""
    rows = apps.get_model("exports", "CodeExport").objects.all()
    identity = Concat("kind", Value(": "), Trim(Concat("number", Value(" "), "name")))
    for kind in ("income", "expense"):
        account = apps.get_model("erp_integrations", "GLAccount").objects.filter(pk=OuterRef(f"{kind}_account"))
        picked = Subquery(account.values_list(identity)[:1])
        rows.filter(**{f"{kind}_account__isnull": False}).update(**{f"{kind}_picked": picked})


class Migration(migrations.Migration):
    dependencies = [("exports", "0012_request_keys"), ("erp_integrations", "0004_accounts_told_apart")]

    operations = [
        migrations.AddField("codeexport", "income_picked", models.CharField(blank=True, max_length=400, default=""), False),
        migrations.AddField(
            "codeexport", "expense_picked", models.CharField(blank=True, max_length=400, default=""), False
        ),
        migrations.RunPython(note_accounts, migrations.RunPython.noop),
    ]
