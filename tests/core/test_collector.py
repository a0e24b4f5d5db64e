"""The pause of Python's search for circles: it ends with the last who asked for it, whatever happens."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from core.collector import collector_paused

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    gc.enable()
    yield
    gc.enable()


def test_it_ends_with_the_last_of_those_who_asked() -> None:
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()

    assert gc.isenabled()


def test_it_ends_with_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), collector_paused():
        _ = 1 / 0

    assert gc.isenabled()


def test_who_turned_the_search_off_keeps_it_off() -> None:
    gc.disable()

    with collector_paused():
        pass

    assert not gc.isenabled()
