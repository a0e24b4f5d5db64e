"""How long the database may keep a process waiting: settings.DATABASE_LIMITS, by what the process is for.

Whoever serves a page gives up early, behind a transaction that somebody forgot, and says so (config/trouble.py). A
worker is more patient, since what it could not store must be asked about at the ERP again.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings

if TYPE_CHECKING:  # the settings are not there yet when they read this module
    from django.db.backends.base.base import BaseDatabaseWrapper


class Limits(NamedTuple):
    """In seconds; 0: without end."""

    lock_s: float  # for a lock that someone else holds
    statement_s: float  # one statement, in all
    idle_s: float  # between two statements of a transaction: so long a frozen process keeps its locks


PLANNING = {
    # Compiling a statement takes longer than to run any of ours: a second, of one that finds no rows.
    "jit": "off",
    # As with disks that have no arm to move. Else small tables are read whole, and the plans of prepared statements
    # (core/statements.py) keep doing so while they fill.
    "random_page_cost": "1.1",
}
_of_process = "command"
_of_thread: ContextVar[str | None] = ContextVar("of_thread", default=None)


def become(kind: str) -> None:
    """Say what this process is for, before it opens a connection. Who says nothing is a command, such as migrate."""
    global _of_process
    _of_process = kind


def serve_pages() -> None:
    """Say that this thread serves a request, where the process does other things too (embedded mode)."""
    _of_thread.set("web")


def set_limits(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receives Django's `connection_created`: the limits, and how plans are made, hold as long as the connection."""
    limits: Limits = settings.DATABASE_LIMITS[_of_thread.get() or _of_process]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":  # has no others
            cursor.execute(f"PRAGMA busy_timeout = {limits.lock_s * 1000:.0f}")
            return
        names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        told = {name: f"{limit * 1000:.0f}ms" for name, limit in zip(names, limits, strict=True)} | PLANNING
        values = [word for setting in told.items() for word in setting]
        cursor.execute(f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(told))}", values)
