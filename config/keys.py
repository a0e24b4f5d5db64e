"""Keys of the embedded mode, made once and kept in `var/keys.json` (mode 0600)."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet


def load_keys(folder: Path) -> dict[str, str]:
    """Return `secret_key` and `credential_keys`, making them at the first start."""
    path = folder / "keys.json"
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return _make_keys(path)


def _make_keys(path: Path) -> dict[str, str]:
    keys = {"secret_key": secrets.token_urlsafe(50), "credential_keys": Fernet.generate_key().decode()}
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".keys-{os.getpid()}-{secrets.token_hex(4)}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys, file)
    try:
        os.link(draft, path)  # fails when another process was first: its keys are then the keys
    except FileExistsError:
        return dict(json.loads(path.read_text()))
    finally:
        draft.unlink()
    return keys
