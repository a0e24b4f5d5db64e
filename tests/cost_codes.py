"""The list of cost codes that the long ways are tried with: the repository's own, or the one of COST_CODES_CSV."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from tests.servers.programs import ROOT

LIST = Path(os.environ.get("COST_CODES_CSV") or ROOT / "wbs/sample/cost-codes.csv")


def listed_codes() -> dict[str, str]:
    """Description by code, of a code that is there twice the first: read by our own means, not by the product's."""
    codes: dict[str, str] = {}
    seen: set[str] = set()
    rows = list(csv.DictReader(io.StringIO(LIST.read_text("utf-8-sig"))))
    for row in rows:
        code, description = row["code"].strip(), row["description"].strip()
        if code.casefold() not in seen:
            seen.add(code.casefold())
            codes[code] = description
    assert len(codes) < len(rows), "A real list has duplicates."
    return codes
