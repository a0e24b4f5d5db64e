"""The keys of what was sent are those of their items again, which fold everything that reads alike."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from core.bulk import PORTION, update_each
from wbs.codes import code_key


def renew_keys(apps: Any, schema_editor: Any) -> None:
    """Row by row in one pass: a join in the UPDATE is slow where PostgreSQL knows nothing of the tables yet."""
    model = apps.get_model("exports", "CodeExport")
    fields = ("pk", "code_key", "code", "item__full_code", "item__full_code_key")
    changes = []
    for pk, held, code, item_code, item_key in model.objects.order_by().values_list(*fields).iterator(PORTION):
        key = item_key if code == item_code else code_key(code)  # an item may be called otherwise since a rejection
        if key != held:
            changes.append({"id": pk, "code_key": key})
    for start in range(0, len(changes), PORTION):
        update_each(model, changes[start : start + PORTION])


class Migration(migrations.Migration):
    dependencies = [("exports", "0019_default_accounts_move"), ("wbs", "0012_look_alike_keys")]

    operations = [migrations.RunPython(renew_keys, migrations.RunPython.noop)]
