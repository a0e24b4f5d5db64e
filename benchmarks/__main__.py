"""`python -m benchmarks [--all]` prints the ratios of docs/benchmarks.md and fails when one misses its target.

`--smoke` only shows that everything can still be measured.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack

import django

from tests.__main__ import start_servers
from tests.production import production_environment
from tests.servers.server import ServerError


def main(arguments: list[str]) -> int:
    name = " ".join(arguments)
    if name not in ("", "--all", "--smoke"):
        print("python -m benchmarks [--all | --smoke]")
        return 2
    with ExitStack() as running:
        folder = running.enter_context(tempfile.TemporaryDirectory(prefix="tieback-benchmarks-"))
        try:
            servers = start_servers(running)
        except ServerError as error:
            print(error)
            return 1
        own = {
            "VAR_DIR": folder,
            "STATIC_ROOT": folder,
            "LOG_LEVEL": "ERROR",
            "TASK_QUEUE": f"benchmarks-{os.getpid()}",
        }
        erps = {
            "ERP_ALLOW_PRIVATE_ADDRESSES": "true",
            "ERP_ALLOWED_PORTS": "any",
            "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        }
        os.environ |= production_environment() | servers | own | erps
        django.setup()
        return report(name)


def report(name: str) -> int:
    from benchmarks.run import SCALES, measure

    missed = []
    print(f"Machine     {os.cpu_count()} cores", flush=True)
    scale = SCALES[name]
    for finding in measure(scale):
        load = " ".join(f"{load:.1f}" for load in os.getloadavg())
        print(f"\n{finding.name}  [load {load}]", *finding.lines, sep="\n  ", flush=True)
        if scale.has_gates and not finding.holds:
            missed.append(finding.name)
    print(f"\nMissed: {'; '.join(missed)}" if missed else "\nNo target is missed.", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
