"""The states of a code's export, and which of them mean the same."""

from __future__ import annotations

from django.db import models

from wbs.models import Status


class Cause(models.TextChoices):
    """Why a code is REJECTED: by whose click, and with whose words."""

    REJECTED = "rejected", "Rejected"
    RECALLED = "recalled", "Recalled"
    UNLINKED = "unlinked", "Unlinked"


class Drift(models.TextChoices):
    """What happened in the ERP to the item of a synced code."""

    ORPHANED = "orphaned", "Orphaned"
    CHANGED = "changed", "Changed in ERP"


UNFINISHED = (Status.QUEUED, Status.EXPORTING, Status.UNKNOWN)
REJECTABLE = (Status.READY, Status.QUEUED, Status.FAILED, Status.ATTENTION)
ASSIGNABLE = (Status.READY, Status.FAILED)
RETRYABLE = (Status.FAILED, Status.ATTENTION)
LINKABLE = (Status.READY, Status.FAILED, Status.ATTENTION)  # nothing of them is under way

# Filters of the review page: slug -> (label, states)
FILTERS: dict[str, tuple[str, tuple[Status, ...]]] = {
    "ready-to-export": ("Ready to Export", (Status.READY,)),
    "in-progress": ("In Progress", UNFINISHED),
    "failed-to-export": ("Failed to Export", (Status.FAILED,)),
    "needs-review": ("Needs Review", (Status.ATTENTION,)),
    "synced": ("Synced", (Status.SUCCESS,)),
    "rejected": ("Rejected", (Status.REJECTED,)),
    "all": ("All", tuple(Status)),
}
