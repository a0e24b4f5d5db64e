"""The kinds of cells of a grid (`grids` tells more), for who has no time to know the rest."""

from __future__ import annotations

NUMBER = "number"  # shown by a format that we can apply; General is one
UNSHOWN = "unshown"  # a number whose format we cannot apply: shown is our best guess or "?"
DATE = "date"
FORMULA = "formula"  # shown is what its stored value shows; empty when it was never calculated
ERROR = "error"  # #REF! and the like, as value or as result of a formula
GUARDED = "guarded"  # of a CSV: a text, whatever it begins with; the apostrophe that said so is taken away
MERGED = "merged"  # a text that spans two columns or more

Cell = str | list[str]
