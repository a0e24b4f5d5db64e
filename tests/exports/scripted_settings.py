"""The product's settings for processes that speak with the scripted ERP. Nobody has collected static files for them."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import STORAGES

ERP_ADAPTERS = ["tests.exports.scripted.ScriptedAdapter"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
