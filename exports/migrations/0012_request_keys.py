"""Request keys are random from now on; those of tries whose outcome may be uncertain stay as they were sent."""

from django.db import migrations, models
from django.db.models import Case, F, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce


def keep_keys(apps, schema_editor):
    tries = apps.get_model("exports", "Attempt").objects.filter(
        export=OuterRef("pk"), generation=OuterRef("generation")
    )
    key = Case(When(outcome="refused", then=Value("")), default=F("request_key"))
    last = Subquery(tries.order_by("-id").values_list(key)[:1])
    rows = apps.get_model("exports", "CodeExport").objects.exclude(status="SUCCESS")
    rows.update(request_key=Coalesce(last, Value("")))


class Migration(migrations.Migration):
    dependencies = [("exports", "0011_owners")]

    operations = [
        migrations.AddField(
            "codeexport", "request_key", models.CharField(max_length=32, blank=True, default=""), preserve_default=False
        ),
        migrations.RunPython(keep_keys, migrations.RunPython.noop),
        migrations.RemoveField("codeexport", "refusals"),
    ]
