from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("443", {443}), ("80, 443,8000", {80, 443, 8000}), ("any", set()), ("Any", set()), ("", {1, 2})],
)
def test_numbers_are_read(text: str, numbers: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTS", text)

    assert env.numbers("PORTS", "1,2") == numbers


@pytest.mark.parametrize("text", ["https", "80;443", "80,", "8.5", "all"])
def test_what_is_no_number_names_its_variable(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTS", text)

    with pytest.raises(ImproperlyConfigured, match="PORTS must be whole numbers"):
        env.numbers("PORTS", "1,2")
