"""`python -m benchmarks.against CHECKOUT [ROUNDS [CODES [MEASURE...]]]`: costs here over those of another checkout.

MEASURES are `export`, `clicks` and `imports`; without a word all of them.

Both in turns, on one PostgreSQL, in a process of their own each: what the process and its database backend use from the
first claim to the last Success, with an ERP that answers at once; for each click on a whole list of CODES; and for the
import of such a list, with the process that reads the file and the peak of memory. Wall time says little where others
work, too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import files
from tests.__main__ import start_servers
from tests.production import production_environment
from tests.servers.programs import ROOT

CALLS = {50: 2_000, 7: 700, 1: 400}  # codes of one call -> codes in all
CHILD = Path(__file__).with_name("one_code.py")
IMPORTING_CHILD = Path(__file__).with_name("one_import.py")


def main(checkout: str, rounds: str = "3", codes: str = "20000", *measures: str) -> int:
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="tieback-against-"))
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        tempfile.tempdir = str(folder)
        environment = os.environ | production_environment() | start_servers(running)
        environment |= {"VAR_DIR": str(folder), "STATIC_ROOT": str(folder), "LOG_LEVEL": "ERROR"}
        environment |= {"ERP_ALLOW_PRIVATE_ADDRESSES": "true", "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
        children = Children([ROOT, Path(checkout).resolve()], environment, int(rounds))
        for name in measures or MEASURES:
            MEASURES[name](children, int(codes), folder)
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


@dataclass(frozen=True)
class Children:
    """Processes, each with one of the checkouts: ours and the other."""

    roots: list[Path]
    environment: dict[str, str]
    rounds: int

    def run(self, script: Path, *how: str | int) -> list[list[list[list[str]]]]:
        """In turns; of each round what each printed, by lines and tabs."""
        return [[self._lines(root, script, *how) for root in self.roots] for _ in range(self.rounds)]

    def _lines(self, root: Path, script: Path, *how: str | int) -> list[list[str]]:
        command = [sys.executable, str(script), *map(str, how)]
        here = {
            "PYTHONPATH": str(root),
            "PYTHONSAFEPATH": "1",
        }  # not the folder of the script, which is this checkout's
        ran = subprocess.run(
            command, cwd=root, env=self.environment | here, stdout=subprocess.PIPE, text=True, check=True
        )
        return [line.split("\t") for line in ran.stdout.splitlines()]


def _export(children: Children, *_: Any) -> None:
    for size, codes in CALLS.items():
        rounds = children.run(CHILD, "export", size, codes)
        _tell(
            f"CPU a code, {codes:,} codes in calls of {size}", [[_taken(*line) for (line,) in pair] for pair in rounds]
        )


def _clicks(children: Children, codes: int, _: Path) -> None:
    rounds = children.run(CHILD, "clicks", codes)
    for place, (name, *_) in enumerate(rounds[0][0]):
        _tell(f"CPU a code, {name!r} of {codes:,}", [[_taken(*lines[place]) for lines in pair] for pair in rounds])


def _imports(children: Children, codes: int, folder: Path) -> None:
    """The file has what the older checkout could read, too: two columns, named in its first row."""
    rows = [row[:2] for row in files.rows_of(codes)]
    for kind, write in (("xlsx", files.as_xlsx), ("csv", files.as_csv)):
        path = folder / f"list.{kind}"
        path.write_bytes(write(["code", "description"], rows))
        rounds = children.run(IMPORTING_CHILD, path, codes)
        _tell_import(
            f"import of {codes:,} codes from {kind.upper()}",
            [[{name: float(value) for name, value in lines} for lines in pair] for pair in rounds],
        )


def _tell_import(name: str, rounds: list[list[dict[str, float]]]) -> None:
    """Of pairs, each what was measured here and there, by its name."""

    def of(word: str, combine: Callable[[list[float]], float]) -> list[list[float]]:
        return [
            [combine([value for name, value in taken.items() if name.startswith(word)]) for taken in pair]
            for pair in rounds
        ]

    load = " ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"\n{name}  [load {load}]")
    told = {"CPU": of("CPU", sum), **{each: of(each, max) for each in rounds[0][0]}}
    for each, pairs in told.items():
        ours, theirs = (median(pair[place] for pair in pairs) for place in (0, 1))
        ratios = [pair[0] / pair[1] for pair in pairs]
        unit = "MB" if each.startswith("peak") else "s"
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(
            f"  {each}: {median(ratios):.2f} of the other's ({spread}), {ours:.2f} over {theirs:.2f} {unit}", flush=True
        )


MEASURES: dict[str, Callable[[Children, int, Path], None]] = {
    "export": _export,
    "clicks": _clicks,
    "imports": _imports,
}


def _taken(name: str, process: str, backend: str, longest: str) -> Taken:
    return name, float(process), float(backend), float(longest)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
