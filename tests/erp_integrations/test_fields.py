from __future__ import annotations

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection as database

from erp_integrations.models import Connection
from tests.factories import make_connection

pytestmark = pytest.mark.django_db
SECRETS = {"password": "canary-Ünïcode-5817"}


def stored() -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT credentials FROM erp_integrations_connection")
        return str(cursor.fetchone()[0])


def test_the_database_sees_secrets_encrypted_only() -> None:
    make_connection(credentials=SECRETS)

    assert "canary" not in stored()
    assert Connection.objects.get().credentials == SECRETS


def test_a_key_that_is_missing_is_named_without_the_secret(settings) -> None:
    make_connection(credentials=SECRETS)
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(ImproperlyConfigured, match="CREDENTIAL_KEYS") as caught:
        Connection.objects.get()

    assert "canary" not in str(caught.value)


def test_rotating_encrypts_under_the_first_key_so_that_the_old_one_can_go(settings, capsys) -> None:
    make_connection(credentials=SECRETS)
    new, old = Fernet.generate_key().decode(), settings.CREDENTIAL_KEYS[0]
    settings.CREDENTIAL_KEYS = [new, old]

    call_command("rotate_credentials")

    settings.CREDENTIAL_KEYS = [new]
    assert Connection.objects.get().credentials == SECRETS
    assert MultiFernet([Fernet(new)]).decrypt(stored().encode())
    assert "1 connections" in capsys.readouterr().out
