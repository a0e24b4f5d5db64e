"""Lists as CSV, written so that they are safe to open in a spreadsheet (`csv_guard`)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from wbs.lists.csv_guard import guard


def write_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A table of texts, none of which a spreadsheet takes for a formula. UTF-8 with BOM, by which Excel knows it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(guard, heading))
    writer.writerows(map(guard, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")
