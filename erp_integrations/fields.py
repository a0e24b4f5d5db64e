"""Secrets at rest: JSON encrypted with the first of CREDENTIAL_KEYS, readable with any of them."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


class EncryptedJSONField(models.Field):
    """A JSON value that the database only ever sees encrypted."""

    def get_internal_type(self) -> str:
        return "TextField"

    def get_prep_value(self, value: Any) -> str:
        return fernet().encrypt(json.dumps(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if value is None:  # of a row that an outer join did not find
            return None
        try:
            return json.loads(fernet().decrypt(value.encode()))
        except InvalidToken:
            raise ImproperlyConfigured(
                "Stored credentials cannot be read with CREDENTIAL_KEYS. Add the key they were written with."
            ) from None
