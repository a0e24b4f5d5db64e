"""The child of `against`: prints what one code costs, with whichever checkout of Tieback is on the path.

`one_code.py export SIZE CODES`: of an export in calls of this size. `one_code.py clicks CODES`: of each click on all
codes at once. A line is, by tabs, a name, the CPU of the process and of its database backend in µs a code, and the
longest statement in s (0 of an export). It may use only what the older checkout has, too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import django

NEVER = datetime.max.replace(tzinfo=UTC)
TAKES = 2  # the first warms up


def main(what: str, *numbers: str) -> None:
    django.setup()
    {"export": export, "clicks": clicks}[what](*map(int, numbers))


def export(size: int, codes: int) -> None:
    from benchmarks.instant import InstantAdapter
    from benchmarks.pipeline import require_success

    try:
        from exports.queue import export_portions
    except ImportError:  # of a checkout before the queue had a room of its own
        from exports.services import export_portions

    InstantAdapter.capabilities = replace(InstantAdapter.capabilities, batch_size=size)
    with _site(codes) as site:
        for take in range(TAKES):
            site.reset()
            site.post("export/", site.fields())
            process_s, there_s = time.process_time(), _backend_s()
            while export_portions(site.connection.pk, time.monotonic() + 3600):
                pass
            used = (time.process_time() - process_s, _backend_s() - there_s)
            require_success(site)
            if take:
                _tell("export", *used, codes, 0)


def clicks(codes: int) -> None:
    with _site(codes) as site:
        for take in range(TAKES):
            for name, click in clicks_on(site):
                process_s, there_s = time.process_time(), _backend_s()
                count, longest_s = watched(click)
                used = (time.process_time() - process_s, _backend_s() - there_s)
                if take:
                    _tell(name, *used, count, longest_s)


@contextmanager
def _site(codes: int) -> Iterator[Any]:
    from django.core.management import call_command

    from benchmarks.sites import Site, enter, own_database

    with own_database() as name:
        enter(name)
        call_command("migrate", verbosity=0)
        yield Site(name, codes, erp="instant")


def _tell(name: str, process_s: float, backend_s: float, count: int, longest_s: float) -> None:
    print(name, process_s / count * 1e6, backend_s / count * 1e6, longest_s, sep="\t")


def clicks_on(site: Any) -> Iterator[tuple[str, Callable[[], int]]]:
    """Clicks on all codes, which tell how many it was: each finds them as the one before left them."""
    from companies.models import Member
    from erp_integrations.base import EXPENSE_KINDS, INCOME_KINDS
    from exports import services
    from exports.models import Batch

    erp, alice = site.connection, site.alice
    dora = Member.objects.exclude(pk=alice.pk).get()
    chosen = [erp.gl_accounts.active().of_kinds(kinds)[0].pk for kinds in (INCOME_KINDS, EXPENSE_KINDS)]
    whole = partial(services.Selection, NEVER, sys.maxsize)

    def undo() -> int:
        return int(services.undo_rejection(alice, Batch.objects.filter(kind=Batch.Kind.REJECT)[0]).count)

    clicks: list[tuple[str, Callable[[], int]]] = [
        ("send", lambda: int(services.send_codes(dora, erp, None).count)),
        ("set accounts", lambda: int(services.assign_accounts(alice, erp, whole(), *chosen).count)),
        ("reject", lambda: int(services.reject_codes(alice, erp, whole()).count)),
        ("undo", undo),
        ("export", lambda: int(services.queue_codes(alice, erp, whole()).count)),
    ]
    _run("TRUNCATE exports_codeexport, exports_attempt, wbs_hold")  # as before anything was sent
    for click in clicks:
        _run("VACUUM ANALYZE", "CHECKPOINT")
        yield click


def watched(run: Callable[[], int]) -> tuple[int, float]:
    """What it answers, and the seconds of its longest statement, the COMMIT among them.

    They are those of the server, without the time in which its process waited for a processor that others had.
    """
    from django.db import connection

    longest_s, ended_s = 0.0, _server_s()

    def watch(execute: Callable[..., Any], *given: Any) -> Any:
        nonlocal longest_s, ended_s
        began_s = _server_s()
        try:
            return execute(*given)
        finally:
            ended_s = _server_s()
            longest_s = max(longest_s, ended_s - began_s)

    with connection.execute_wrapper(watch):
        count = run()
    return count, max(longest_s, _server_s() - ended_s)  # the last one ends with the COMMIT


def _server_s() -> float:
    """A clock that stands still while PostgreSQL's process of this connection waits for a processor."""
    from django.db import connection

    connection.ensure_connection()
    _, waited_ns, _ = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()
    return time.monotonic() - int(waited_ns) / 1e9


def _run(*statements: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _backend_s() -> float:
    """What PostgreSQL's process of this connection has used until now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*sys.argv[1:])
