"""Reading a stranger's file in a process of its own, with limits on memory and time that the kernel holds.

The bounds of the readers (`packages`, `csv_files`) are what refuses a hostile file; this is the net below them. The
process is a fresh interpreter without Django, without our environment and its secrets, and without site packages: it
starts in some 0.1 s, from wherever it is asked for (a prefork worker may have no children of `multiprocessing`, and a
thread may not fork safely). The file comes in at its standard input; out come lines of JSON: how far it is, then what
it found.
"""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from wbs.lists.rows import MAX_BYTES, Sheet, Tell, UnreadableFile, silent
from wbs.lists.xlsx_files import read_list

MEMORY_BYTES = 512 * 1024 * 1024  # of addresses; 20,000 rows take a tenth of it
CPU_S = 10
WALL_S = 25  # less than a reader may be silent before another begins anew (`drafts.LOST`)
COMMAND = [sys.executable, "-E", "-S", "-m", "wbs.lists.limited"]
ROOT = Path(__file__).parent.parent.parent

logger = logging.getLogger(__name__)


def read_apart(content: bytes, tell: Tell = silent, portion: int = 500) -> Sheet:
    """`read_list` in a process of its own; tells after each portion of rows. Raises UnreadableFile."""
    with _reader_of(content, portion) as process:
        for line in process.stdout or ():
            kind, value = json.loads(line)
            if kind == "sheet":
                return Sheet.from_data(value)
            if kind == "refusal":
                raise UnreadableFile(value)
            tell(value)
        logger.warning("Reading a list of %d bytes ended with %d.", len(content), process.wait())
    raise UnreadableFile(
        "The file takes more time or memory than a list of codes may. Save it as “CSV UTF-8”, or import it in parts."
    )


@contextmanager
def _reader_of(content: bytes, portion: int) -> Iterator[subprocess.Popen[bytes]]:
    """It hears the whole file before it says anything."""
    command = [*COMMAND, str(portion)]
    process = subprocess.Popen(command, cwd=ROOT, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
    assert process.stdin  # noqa: S101 - both are pipes
    assert process.stdout  # noqa: S101
    timer = threading.Timer(WALL_S, process.kill)
    timer.start()
    try:
        with suppress(BrokenPipeError), process.stdin as its_input:
            its_input.write(content)
        yield process
    finally:
        timer.cancel()
        process.kill()
        process.stdout.close()
        process.wait()


def main() -> None:
    """What the process does."""
    limit()
    portion = int(sys.argv[1])

    def tell(done: int) -> None:
        if done % portion == 0:
            say("done", done)

    try:
        say("sheet", read_list(sys.stdin.buffer.read(MAX_BYTES + 1), tell).as_data())
    except UnreadableFile as trouble:
        say("refusal", str(trouble))


def say(kind: str, value: object) -> None:
    sys.stdout.buffer.write(json.dumps([kind, value], ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()


def limit() -> None:
    """Hard limits, which this process cannot lift again. A system that does not know one of them holds the others."""
    limits = {"AS": MEMORY_BYTES, "CPU": CPU_S, "CORE": 0, "NOFILE": 32}
    for name, value in limits.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


if __name__ == "__main__":
    main()
