"""A database that cannot be reached, for what must answer all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from tests.servers.server import free_port


@contextmanager
def lost_database() -> Iterator[None]:
    """The same database at a place where there is none; the connection really tries."""
    kept = connections["default"]
    lost = connections.create_connection("default")
    lost.settings_dict = {**kept.settings_dict, "HOST": "127.0.0.1", "PORT": free_port()}
    if kept.vendor == "sqlite":
        lost.settings_dict["NAME"] = "/nowhere/tieback.sqlite3"
    connections["default"] = lost
    try:
        yield
    finally:
        connections["default"] = kept
