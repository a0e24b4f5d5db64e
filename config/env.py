"""Typed readers of the environment that name the variable when it is wrong. Used by `config.settings` alone."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example.")
    return value


def flag(name: str, default: bool) -> bool:
    value = text(name, str(default)).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")


def number(name: str, default: float) -> float:
    value = text(name, str(default))
    try:
        return float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def numbers(name: str, default: str) -> frozenset[int]:
    """Whole numbers; the word "any" stands for none of them."""
    value = text(name, default)
    try:
        return frozenset() if value.lower() == "any" else frozenset(int(word) for word in value.split(","))
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be whole numbers with commas between, or any, not {value!r}."
        ) from None


def folder(name: str, default: Path) -> Path:
    return Path(text(name, str(default))).resolve()
