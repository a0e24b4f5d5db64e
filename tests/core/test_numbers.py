"""Numbers from outside, and in sentences."""

from __future__ import annotations

import pytest

from core.numbers import counted, number

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("told", "is_read"),
    [("7", 7), ("0", 0), (7, 7), ("9" * 18, 10**18 - 1), *((told, -1) for told in ("", None, "-7", "7.0", " 7", "x"))],
)
def test_what_may_be_an_id_is_read_and_all_else_the_default(told: object, is_read: int) -> None:
    assert number(told, -1) == is_read


@pytest.mark.parametrize("told", ["9" * 19, "1" * 5000, "\u0667", "\u00b2"])
def test_nor_is_what_no_column_takes_or_nobody_typed(told: str) -> None:
    assert number(told) == 0


def test_one_is_told_apart_from_many() -> None:
    assert [counted(count) for count in (0, 1, 1234)] == ["0 cost codes", "1 cost code", "1,234 cost codes"]
    assert counted(1, "project") == "1 project"
