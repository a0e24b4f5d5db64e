"""The table of guards is up to date: `python -m tests.guards_tried` can try each."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.guards_tried import TABLE, Guard, guards
from tests.servers.programs import ROOT

pytestmark = pytest.mark.once

ALL = list(guards(TABLE.read_text()))
ROOMS = ("core", "companies", "wbs", "erp_integrations", "exports/queue", "exports/services", "exports/web_connector")


@pytest.mark.parametrize("guard", ALL, ids=lambda guard: f"{guard.path}: {guard.text.strip()}")
def test_it_stands_where_the_table_says_and_its_test_is_there(guard: Guard) -> None:
    assert guard.removed_from((ROOT / guard.path).read_text())
    assert guard.breaks.endswith(".")
    path, *names = guard.test.split("::")
    source = (ROOT / path).read_text()
    assert all(re.search(rf"^\s*(class|def) {name}\b", source, re.MULTILINE) for name in names)


def test_there_are_some_of_every_room() -> None:
    counts = Counter(room for room in ROOMS for guard in ALL if guard.path.startswith(f"{room}/"))

    assert len(ALL) >= 100
    assert set(ROOMS) <= counts.keys()
    assert len({(guard.path, guard.text) for guard in ALL}) == len(ALL)


def test_a_row_is_read_with_its_blanks_bars_and_line_ends() -> None:
    [guard] = guards(r"| a.py | ` or x \| y` | `\n` | It breaks. | tests/test_a.py |")

    assert guard == Guard("a.py", " or x | y", "\n", "It breaks.", "tests/test_a.py")


@pytest.mark.parametrize(
    ("source", "why"),
    [("a = 1", "stands 0 times"), ("x = x", "stands 2 times"), ("if x:\n    pass", "leaves no Python")],
)
def test_a_guard_that_cannot_be_removed_is_told(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Guard("a.py", "x", "", "It breaks.", "tests/test_a.py").removed_from(source)
