"""The product's settings for processes of two companies: one with the scripted ERP, one with a Tryton that drips."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import STORAGES

ERP_ADAPTERS = ["tests.exports.scripted.ScriptedAdapter", "erp_integrations.adapters.tryton.adapter.TrytonAdapter"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # none were collected
