"""Where the pages of the ERP tool are, and what they say."""

from __future__ import annotations

from typing import Any

BASE = "/companies/sample-builders/erp-integrations/"
NEW = f"{BASE}new/practice/"
NEW_VAULT = f"{BASE}new/vault/"
ACCOUNTS = f"{BASE}practice-erp/gl-accounts/"
SYNC = f"{BASE}practice-erp/gl-accounts/sync/"
SETTINGS = f"{BASE}practice-erp/settings/"
VAULT = f"{BASE}vault/settings/"
HTMX = {"HX-Request": "true"}


def text(response: Any) -> str:
    return response.content.decode()
