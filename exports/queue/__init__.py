"""The queue: from an accepted code to what its ERP made of it, as the workers and the Web Connector drive it.

`portions` claims codes under a `leases` lease, calls the ERP through `erp_calls` and stores what `decisions` makes of
the answer by `transitions`; `recovery` asks about what nobody answered; `sweeper` finds what was left.
"""

from __future__ import annotations

from exports.queue.leases import Lease, Lost, free_leases
from exports.queue.ownership import why_anothers, why_anothers_of
from exports.queue.portions import Kinds, Work, claim, export_portions, kinds_of, next_rows, store
from exports.queue.recovery import give_up, resolve
from exports.queue.standing import stands
from exports.queue.sweeper import sweep, wake, wake_siblings

__all__ = [
    "Kinds",
    "Lease",
    "Lost",
    "Work",
    "claim",
    "export_portions",
    "free_leases",
    "give_up",
    "kinds_of",
    "next_rows",
    "resolve",
    "stands",
    "store",
    "sweep",
    "wake",
    "wake_siblings",
    "why_anothers",
    "why_anothers_of",
]
