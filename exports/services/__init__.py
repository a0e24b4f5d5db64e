"""What people's clicks do, one call each, and what is told to people; `exports.queue` does the rest."""

from __future__ import annotations

from exports.services.auto_save import assign
from exports.services.erp_items import read_due_items, read_items
from exports.services.link import accept_change, link_at_next_call, link_codes, obstacle_to_link, unlink_code
from exports.services.notifications import tell
from exports.services.results import INHERIT, KEEP, Problem, Result, Selection
from exports.services.review import (
    assign_accounts,
    cancel_codes,
    queue_codes,
    reject_codes,
    retry_codes,
    set_reason,
    undo_rejection,
)
from exports.services.send import recall_codes, send_codes
from exports.services.update import queue_update, why_not_updated

__all__ = [
    "INHERIT",
    "KEEP",
    "Problem",
    "Result",
    "Selection",
    "accept_change",
    "assign",
    "assign_accounts",
    "cancel_codes",
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
    "tell",
    "undo_rejection",
    "unlink_code",
    "why_not_updated",
]
