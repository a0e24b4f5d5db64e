"""The road between: the queue (one row per code and connection), the batches, the attempts.

States and transitions: docs/decisions/0001-state-machine.md. Each is a conditional UPDATE in `queue` or `services`.
"""

from __future__ import annotations

from exports.models.accounts import (
    ACCOUNTS,
    account_words,
    advice,
    fits,
    identity_of,
    label_of,
    may_have,
    picked_of,
    source_of,
    trouble,
)
from exports.models.batches import Batch
from exports.models.codes import Attempt, CodeExport, CodeExportQuerySet, Conflict, Invalid
from exports.models.items import Reading, RemoteItem
from exports.models.states import (
    ASSIGNABLE,
    FILTERS,
    LINKABLE,
    REJECTABLE,
    RETRYABLE,
    UNFINISHED,
    Cause,
    Drift,
    Status,
)

__all__ = [
    "ACCOUNTS",
    "ASSIGNABLE",
    "FILTERS",
    "LINKABLE",
    "REJECTABLE",
    "RETRYABLE",
    "UNFINISHED",
    "Attempt",
    "Batch",
    "Cause",
    "CodeExport",
    "CodeExportQuerySet",
    "Conflict",
    "Drift",
    "Invalid",
    "Reading",
    "RemoteItem",
    "Status",
    "account_words",
    "advice",
    "fits",
    "identity_of",
    "label_of",
    "may_have",
    "picked_of",
    "source_of",
    "trouble",
]
