"""Typed readers of the environment that name the variable when it is wrong. Used by `config.settings` alone."""

from __future__ import annotations

import math
import os
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

SHORTEST_SECRET = 32  # characters


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


def number(name: str, default: float, *, least: float = 0) -> float:
    value = text(name, str(default))
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= least):
        raise ImproperlyConfigured(f"{name} must be a number, {least:g} or more, not {value!r}.")
    return found


def whole(name: str, default: int, *, least: int = 1, most: int = 65_535) -> int:
    found = number(name, default, least=least)
    if found != int(found) or found > most:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}, not {found:g}.")
    return int(found)


def choice(name: str, *values: str) -> str:
    """One of the values; the first when it is not set."""
    value = text(name, values[0])
    if value not in values:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(values)}, not {value!r}.")
    return value


def secret(name: str, default: str | None = None) -> str:
    value = text(name, default)
    if len(value) < SHORTEST_SECRET:
        raise ImproperlyConfigured(f"{name} must have {SHORTEST_SECRET} characters or more. .env.example makes one.")
    return value


def fernet_keys(name: str, default: str | None = None) -> list[str]:
    """Keys that encrypt, newest first. What is no key is not repeated: it may be a part of one."""
    keys = [key.strip() for key in text(name, default).split(",") if key.strip()]
    for place, key in enumerate(keys, 1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(f"{name}: entry {place} is no key. .env.example makes one.") from None
    if not keys:
        raise ImproperlyConfigured(f"{name} holds no key. .env.example makes one.")
    return keys


def url(name: str, default: str, *schemes: str) -> str:
    """An address that begins with one of these schemes; empty when that is the default."""
    value = text(name, default)
    try:
        found = urlsplit(value)
        begins = any(value.startswith(f"{scheme}://") for scheme in schemes)
        is_fine = not value or (begins and bool(found.hostname or found.path) and found.port != 0)
    except ValueError:
        is_fine = False
    if not is_fine:  # may hold a password, so it is not repeated
        raise ImproperlyConfigured(f"{name} must be an address that begins with {' or '.join(schemes)}, then ://.")
    return value


def site(name: str, default: str) -> str:
    """Where people find us: scheme and host, perhaps a port."""
    value = url(name, default, "https", "http").rstrip("/")
    found = urlsplit(value)
    if not found.hostname or value != f"{found.scheme}://{found.netloc}" or "@" in found.netloc:
        raise ImproperlyConfigured(f"{name} must be scheme and host alone, as https://tieback.example.com.")
    return value


def hosts(name: str, default: str) -> list[str]:
    """Names of hosts, not addresses of pages."""
    found = words(name, default)
    if wrong := [host for host in found if "/" in host or "@" in host]:
        raise ImproperlyConfigured(f"{name} must be names of hosts, not {wrong[0]!r}.")
    return found


def mail_address(name: str, default: str) -> str:
    value = text(name, default)
    if "@" not in parseaddr(value)[1]:
        raise ImproperlyConfigured(f"{name} must hold a mail address, as Tieback <tieback@example.com>, not {value!r}.")
    return value


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
