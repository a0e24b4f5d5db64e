from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class ERPIntegrationsConfig(AppConfig):
    name = "erp_integrations"
    verbose_name = "ERP Integrations"

    def ready(self) -> None:
        from erp_integrations.checks import check_adapters, check_allowed_hosts

        checks.register(check_adapters)
        checks.register(check_allowed_hosts)
