from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from erp_integrations.models import Connection


class Command(BaseCommand):
    help = (
        "Encrypt all stored ERP credentials again under the first of CREDENTIAL_KEYS. "
        "Put the new key first, run this, then take the old key away."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        ids = list(Connection.objects.values_list("pk", flat=True))
        for pk in ids:
            with transaction.atomic():
                Connection.objects.select_for_update().only("credentials").get(pk=pk).save(
                    update_fields=["credentials"]
                )
        self.stdout.write(f"{len(ids)} connections: credentials are now under the first key.")
