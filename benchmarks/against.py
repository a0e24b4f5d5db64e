"""`python -m benchmarks.against CHECKOUT [ROUNDS]`: CPU of one code's export, here over another checkout of Tieback.

Both in turns, on one PostgreSQL, in a process of their own each: what the process and its database backend use from the
first claim to the last Success, with an ERP that answers at once. Wall time says little where others work, too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.__main__ import start_servers
from tests.production import production_environment
from tests.servers.programs import ROOT

CALLS = {50: 2_000, 7: 700, 1: 400}  # codes of one call -> codes in all
CHILD = Path(__file__).with_name("one_export.py")


def main(checkout: str, rounds: str = "3") -> int:
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="tieback-against-"))
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        tempfile.tempdir = str(folder)
        environment = os.environ | production_environment() | start_servers(running)
        environment |= {"VAR_DIR": str(folder), "STATIC_ROOT": str(folder), "LOG_LEVEL": "ERROR"}
        environment |= {"ERP_ALLOW_PRIVATE_ADDRESSES": "true", "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
        for size, codes in CALLS.items():
            taken = [
                [_cpu_us(root, environment, size, codes) for root in (ROOT, Path(checkout).resolve())]
                for _ in range(int(rounds))
            ]
            load = " ".join(f"{load:.1f}" for load in os.getloadavg())
            print(
                f"\nCPU a code, {codes:,} codes in calls of {size}  [load {load}]",
                *_told(taken),
                sep="\n  ",
                flush=True,
            )
    return 0


def _told(taken: list[list[tuple[float, float]]]) -> list[str]:
    """Of pairs, each of process and backend, here and there."""
    ratios = [sum(ours) / sum(theirs) for ours, theirs in taken]
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    ours, theirs = (
        " + ".join(f"{median(pair[place][part] for pair in taken):,.0f}" for part in (0, 1)) for place in (0, 1)
    )
    return [f"{median(ratios):.2f} of the other's; pairs: {each}", f"{ours} over {theirs} µs, process + backend"]


def _cpu_us(root: Path, environment: dict[str, str], size: int, codes: int) -> tuple[float, float]:
    """Of the process and of its backend, in µs a code."""
    command = [sys.executable, str(CHILD), str(size), str(codes)]
    here = {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}  # not the folder of the script, which is this checkout's
    ran = subprocess.run(command, cwd=root, env=environment | here, stdout=subprocess.PIPE, text=True, check=True)
    process, backend = map(float, ran.stdout.split()[-2:])
    return process, backend


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
