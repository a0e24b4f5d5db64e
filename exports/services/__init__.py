"""Everything that moves a code along, as the views, the tasks and the embedded mode call it."""

from __future__ import annotations

from exports.services.claims import claim_on, claims_of
from exports.services.leases import free_leases
from exports.services.linking import accept_change, link_at_next_call, link_codes, obstacle_to_link, unlink_code
from exports.services.portions import export_portions
from exports.services.reading import read_due_items, read_items
from exports.services.results import INHERIT, KEEP, Problem, Result, Selection
from exports.services.reviewing import (
    assign_accounts,
    cancel_codes,
    queue_codes,
    reject_codes,
    retry_codes,
    set_reason,
    undo_rejection,
)
from exports.services.running import sweep, wake, wake_siblings
from exports.services.sending import recall_codes, send_codes
from exports.services.telling import tell
from exports.services.updating import queue_update, why_not_updated

__all__ = [
    "INHERIT",
    "KEEP",
    "Problem",
    "Result",
    "Selection",
    "accept_change",
    "assign_accounts",
    "cancel_codes",
    "claim_on",
    "claims_of",
    "export_portions",
    "free_leases",
    "link_at_next_call",
    "link_codes",
    "obstacle_to_link",
    "queue_codes",
    "queue_update",
    "read_due_items",
    "read_items",
    "recall_codes",
    "reject_codes",
    "retry_codes",
    "send_codes",
    "set_reason",
    "sweep",
    "tell",
    "undo_rejection",
    "unlink_code",
    "wake",
    "wake_siblings",
    "why_not_updated",
]
