"""Why a change to the WBS was refused, in words for the person who asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wbs.models import SegmentItem


class Refused(Exception):
    """The change breaks a rule. `field` names the field of the form beside which the sentence belongs; "" is none."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


class Conflict(Exception):
    """Someone else changed the item since it was read; `newer` is the row as it is now, None when it was deleted."""

    def __init__(self, newer: SegmentItem | None) -> None:
        super().__init__("Someone else changed it meanwhile.")
        self.newer = newer
