"""What the services take and give back."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from exports.models import Batch


@dataclass(frozen=True)
class Selection:
    """Which rows of a connection an action means: a whole filter and search, or ticked ids.

    `seen_at` is the moment (database clock) at which the list was read, `seen_batch` the last click on the connection
    that the list can have shown (a long click is stamped before it commits): codes that arrived since, or were changed
    since by someone else, are left alone and counted.
    """

    seen_at: datetime
    seen_batch: int
    filter: str = "ready-to-export"
    search: str = ""
    ids: tuple[int, ...] | None = None  # None: all of the filter and search, on all pages

    @classmethod
    def of(cls, ids: Iterable[int]) -> Selection:
        """These rows, whatever happened to them meanwhile."""
        return cls(datetime.max.replace(tzinfo=UTC), sys.maxsize, ids=tuple(ids))


@dataclass(frozen=True)
class Problem:
    """Why one code stays, in words for people."""

    code: str
    sentence: str
    id: int | None = None  # of the item (sending) or the export


@dataclass(frozen=True)
class Result:
    """What a click did: `count` codes moved; the others stayed, and why."""

    batch: Batch | None
    count: int
    arrived: int = 0  # stayed: arrived since the list was read
    changed: int = 0  # stayed: changed since by someone else
    in_flight: int = 0  # stayed: being sent to the ERP at this moment
    lacking: int = 0  # stayed: no income account, or an account that the ERP no longer has as it was picked
    accounts: dict[str, int] = field(default_factory=dict)  # of these: how many because of which account, and why
    updating: int = 0  # stayed: an update of a synced code, which is cancelled and not rejected
    own: int = 0  # stayed: four eyes, the sender may not accept
    problems: list[Problem] = field(default_factory=list)


KEEP = object()  # Set Accounts: "Leave unchanged"
INHERIT = object()  # Set Accounts: "Inherited default"
