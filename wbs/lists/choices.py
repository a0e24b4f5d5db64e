"""What a person chooses beside the file. None everywhere means: as proposed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

SKIP, UPDATE, REPORT = "skip", "update", "report"  # what becomes of a code that is in the list already


@dataclass(frozen=True)
class Choices:
    delimiter: str = ""
    creates_divisions: bool = True
    names: dict[str, str] = field(default_factory=dict)  # what was typed as description of a division, by its key
    sheet: int | None = None  # which one of the workbook, from 0 on
    heading: int | None = None  # number of the row that names the columns; 0: no row does
    columns: dict[str, int] | None = None  # where each meaning stands, from 0 on; a meaning that is missing has none
    pattern: str | None = None  # lengths of the tiers, "2-2-2"; empty: codes are not split by it
    keeps_group_rows: bool = False  # 03 00 00 is a code, too, besides naming its division
    existing: str = SKIP
    accounts_of: int | None = None  # id of the connection that the account columns speak of
    cleans: bool = False
    takes_dates: bool = False  # what looks like the work of a spreadsheet, 02-SEP, is a code
    drops_accounts: bool = False  # a row comes in without an account that cannot be found

    as_data = asdict

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Choices:
        return cls(**data)

    def differs_only_in_names(self, other: Choices) -> bool:
        """Whether the same is asked but for how divisions are called."""
        return replace(self, names={}) == replace(other, names={})
