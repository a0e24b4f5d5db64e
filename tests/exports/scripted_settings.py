"""The product's settings for worker processes that speak with the scripted ERP."""

from __future__ import annotations

from config.settings import *  # noqa: F403

ERP_ADAPTERS = ["tests.exports.scripted.ScriptedAdapter"]
