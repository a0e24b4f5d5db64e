"""What is sent: a cost code is an item of the company's tiered segment "Cost Code". What else makes a budget code.

Whoever changes the tree holds the row of its segment until the end of the transaction (`Segment.lock`), so that two
changes never meet half-way. Against a stale page stands the item's version, against `exports` the item's own row.
"""

from __future__ import annotations

from wbs.codes import MAX_TIERS, fold, natural_key, order_key
from wbs.models.budget_codes import BudgetCode
from wbs.models.default_accounts import DefaultAccounts, hold_default_accounts, keep_default_accounts
from wbs.models.drafts import ImportDraft
from wbs.models.holds import Hold, Status
from wbs.models.items import SegmentItem, SegmentItemQuerySet, has_items_below
from wbs.models.projects import OwnCode, Project, ProjectCode, ProjectQuerySet
from wbs.models.segments import Ids, Outcome, Segment

__all__ = [
    "MAX_TIERS",
    "BudgetCode",
    "DefaultAccounts",
    "Hold",
    "Ids",
    "ImportDraft",
    "Outcome",
    "OwnCode",
    "Project",
    "ProjectCode",
    "ProjectQuerySet",
    "Segment",
    "SegmentItem",
    "SegmentItemQuerySet",
    "Status",
    "fold",
    "has_items_below",
    "hold_default_accounts",
    "keep_default_accounts",
    "natural_key",
    "order_key",
]
