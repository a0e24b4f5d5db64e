"""The settings of production, exactly as .env.example gives them."""

from __future__ import annotations

import base64
import os
import secrets
import string

from tests.servers.programs import ROOT

SECRETS = ("SECRET_KEY", "CREDENTIAL_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD")  # empty there, to be filled in


def env_example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def production_environment() -> dict[str, str]:
    """What a process sees after someone has filled in the secrets as the file tells."""
    machine = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    made = {name: secrets.token_urlsafe(50) for name in SECRETS}
    made["CREDENTIAL_KEYS"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    example = env_example() | made
    return machine | {name: string.Template(value).substitute(example) for name, value in example.items()}
