from __future__ import annotations

import pytest
from django.test import Client

from erp_integrations.models import Connection
from tests.erp_integrations import vault
from tests.factories import make_bob, make_connection, make_dora


@pytest.fixture
def vault_connection(settings, db) -> Connection:
    """A connection of an ERP with an address and a secret."""
    settings.ERP_ADAPTERS = [*settings.ERP_ADAPTERS, vault.PATH]
    return make_connection(
        name="Vault",
        slug="vault",
        erp="vault",
        options={"address": "vault.test", "branch": ""},
        credentials={"password": vault.PASSWORD},
    )


@pytest.fixture
def practice(db: None) -> Connection:
    return make_connection(options={"behaviour": "normal"})


@pytest.fixture
def bob(client: Client, db: None) -> Client:
    client.force_login(make_bob().user)
    return client


@pytest.fixture
def dora(client: Client, db: None) -> Client:
    client.force_login(make_dora().user)
    return client
