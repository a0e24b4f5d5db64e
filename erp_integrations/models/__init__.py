"""Where cost codes go: connections (one configured ERP each), the GL accounts read from them, questions to them."""

from __future__ import annotations

from erp_integrations.models.accounts import GLAccount, GLAccountQuerySet
from erp_integrations.models.connections import RESERVED_SLUGS, Connection, ConnectionQuerySet
from erp_integrations.models.questions import Question

__all__ = [
    "RESERVED_SLUGS",
    "Connection",
    "ConnectionQuerySet",
    "GLAccount",
    "GLAccountQuerySet",
    "Question",
]
