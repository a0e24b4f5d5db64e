from __future__ import annotations

from django.apps import AppConfig


class WebConnectorConfig(AppConfig):
    name = "exports.web_connector"
    label = "web_connector"
