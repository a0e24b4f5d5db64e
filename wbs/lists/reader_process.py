"""What the process does that reads a stranger's file: it hears the file, and says in lines of JSON what it found.

    ["done", 500]              how many rows have been read
    ["rows", [[1, "Code"]]]    rows of the grid, some at a time, which keeps the process small
    ["grid", {...}]            the grid but for its rows; or
    ["refusal", "The ..."]     why there is none

It imports as little as it can, since it starts for each file: neither Django nor a library beyond Python's own.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from contextlib import suppress

from wbs.lists.bounds import MAX_BYTES, UnreadableFile
from wbs.lists.reading import read_data

MEMORY_BYTES = 512 * 1024 * 1024  # of addresses; 100,000 rows take a quarter of it
CPU_S = 10
PORTION = 1_000  # rows that are said at a time

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


def main() -> None:
    limit()
    gc.disable()  # nothing here holds itself, and it would look through all rows again and again
    portion = int(sys.argv[1])
    sheet = int(sys.argv[2]) if len(sys.argv) > 2 else None

    def tell(done: int) -> None:
        if done % portion == 0:
            say("done", done)

    try:
        grid = read_data(sys.stdin.buffer.read(MAX_BYTES + 1), sheet, tell)
    except UnreadableFile as trouble:
        say("refusal", str(trouble))
        return
    rows = grid.pop("rows")
    for at in range(0, len(rows), PORTION):
        say("rows", rows[at : at + PORTION])
    say("grid", grid)


def say(kind: str, value: object) -> None:
    sys.stdout.buffer.write(_encode([kind, value]).encode() + b"\n")
    sys.stdout.buffer.flush()


def limit() -> None:
    """Hard limits, which this process cannot lift again. A system that does not know one of them holds the others."""
    limits = {"AS": MEMORY_BYTES, "CPU": CPU_S, "CORE": 0, "NOFILE": 32}
    for name, value in limits.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


if __name__ == "__main__":
    main()
