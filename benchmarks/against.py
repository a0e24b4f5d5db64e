"""`python -m benchmarks.against CHECKOUT [ROUNDS [CODES]]`: CPU of one code, here over another checkout of Tieback.

Both in turns, on one PostgreSQL, in a process of their own each: what the process and its database backend use from the
first claim to the last Success, with an ERP that answers at once; and for each click on a whole list of CODES. Wall
time says little where others work, too.
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
CHILD = Path(__file__).with_name("one_code.py")


def main(checkout: str, rounds: str = "3", codes_of_clicks: str = "20000") -> int:
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="tieback-against-"))
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        tempfile.tempdir = str(folder)
        environment = os.environ | production_environment() | start_servers(running)
        environment |= {"VAR_DIR": str(folder), "STATIC_ROOT": str(folder), "LOG_LEVEL": "ERROR"}
        environment |= {"ERP_ALLOW_PRIVATE_ADDRESSES": "true", "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
        roots = (ROOT, Path(checkout).resolve())
        for size, codes in CALLS.items():
            taken = [[_run(root, environment, "export", size, codes)[0] for root in roots] for _ in range(int(rounds))]
            _tell(f"CPU a code, {codes:,} codes in calls of {size}", taken)
        codes = int(codes_of_clicks)
        clicks = [[_run(root, environment, "clicks", codes) for root in roots] for _ in range(int(rounds))]
        for place, (name, *_) in enumerate(clicks[0][0]):
            _tell(f"CPU a code, {name!r} of {codes:,}", [[pair[0][place], pair[1][place]] for pair in clicks])
    return 0


Taken = tuple[str, float, float, float]  # a name, µs a code of the process and of its backend, the longest statement


def _tell(name: str, taken: list[list[Taken]]) -> None:
    """Of pairs, each here and there."""
    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    ratios = [(ours[1] + ours[2]) / (theirs[1] + theirs[2]) for ours, theirs in taken]
    ours, theirs = (
        " + ".join(f"{median(pair[place][part] for pair in taken):,.0f}" for part in (1, 2)) for place in (0, 1)
    )
    longest = [max(pair[place][3] for pair in taken) for place in (0, 1)]
    print(
        f"\n{name}  [load {load}]",
        f"{median(ratios):.2f} of the other's; pairs: {', '.join(f'{ratio:.2f}' for ratio in ratios)}",
        f"{ours} over {theirs} µs, process + backend",
        *([f"longest statement {longest[0]:.1f} s over {longest[1]:.1f} s"] if any(longest) else []),
        sep="\n  ",
        flush=True,
    )


def _run(root: Path, environment: dict[str, str], *how: str | int) -> list[Taken]:
    """Each line that the child prints."""
    command = [sys.executable, str(CHILD), *map(str, how)]
    here = {"PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"}  # not the folder of the script, which is this checkout's
    ran = subprocess.run(command, cwd=root, env=environment | here, stdout=subprocess.PIPE, text=True, check=True)
    lines = [line.split("\t") for line in ran.stdout.splitlines()]
    return [(name, float(process), float(backend), float(longest)) for name, process, backend, longest in lines]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
