"""The product's settings for the processes of a soak: the careless ERP, and passwords that are quickly looked at."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import STORAGES

ERP_ADAPTERS = ["tests.faults.careless.CarelessAdapter"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
