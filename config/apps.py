from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config.checks import check_broker, check_mail

        checks.register(check_broker, deploy=True)
        checks.register(check_mail, deploy=True)
