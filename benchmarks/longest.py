"""How long the longest statement of a click on a whole list keeps others waiting."""

from __future__ import annotations

from benchmarks.one_code import clicks_on, watched
from benchmarks.rig import Finding, ms
from benchmarks.sites import Site

AT_MOST_S = 5.0


def statement(site: Site) -> Finding:
    """Of each click that moves many rows, the longest statement, the COMMIT among them. Nothing is left as it was."""
    site.enter()
    longest_s = {}
    for name, click in clicks_on(site):
        count, longest_s[name] = watched(click)
        if count != site.codes:
            raise RuntimeError(f"{name} moved {count} of {site.codes} codes: that is no measure.")
    slowest, at_most_s = max(longest_s, key=lambda name: longest_s[name]), max(longest_s.values())
    told = f"{ms(at_most_s)} ({slowest}), at most {ms(AT_MOST_S)}"
    lines = [told, ", ".join(f"{name} {ms(took_s)}" for name, took_s in longest_s.items())]
    return Finding(f"longest statement of a click on {site.codes:,} codes", lines, at_most_s <= AT_MOST_S)
