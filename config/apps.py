from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.db.backends.signals import connection_created

from config.limits import set_limits


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config.checks import check_broker, check_mail

        checks.register(check_broker, deploy=True)
        checks.register(check_mail, deploy=True)
        connection_created.connect(set_limits)
