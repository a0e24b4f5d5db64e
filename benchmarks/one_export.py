"""`one_export.py SIZE CODES` (for `against`): prints the CPU of one export in calls of this size, process and backend.

It runs with whichever checkout of Tieback is on the path, so that it may use only what the older one has, too.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import django

TAKES = 2  # the first warms up


def main(size: int, codes: int) -> None:
    django.setup()

    from django.core.management import call_command

    from benchmarks.instant import InstantAdapter
    from benchmarks.pipeline import require_success
    from benchmarks.sites import Site, enter, own_database
    from exports import services

    InstantAdapter.capabilities = replace(InstantAdapter.capabilities, batch_size=size)
    with own_database() as name:
        enter(name)
        call_command("migrate", verbosity=0)
        site = Site(name, codes, erp="instant")
        for _ in range(TAKES):
            site.reset()
            site.post("export/", site.fields())
            process_s, backend_s = time.process_time(), _backend_s()
            while services.export_portions(site.connection.pk, time.monotonic() + 3600):
                pass
            process_s, backend_s = time.process_time() - process_s, _backend_s() - backend_s
            require_success(site)
        print(process_s / codes * 1e6, backend_s / codes * 1e6)


def _backend_s() -> float:
    """What PostgreSQL's process of this connection has used until now."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
