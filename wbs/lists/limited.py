"""Reading a stranger's file in a process of its own, with limits on memory and time that the kernel holds.

The bounds of the readers (`packages`, `kinds`) are what refuses a hostile file; this is the net below them. The
process is a fresh interpreter without Django, without our environment and its secrets, and without site packages: it
starts in less than 0.1 s, from wherever it is asked for (a prefork worker may have no children of `multiprocessing`,
and a thread may not fork safely). The file comes in at its standard input; out come lines of JSON (`reader_process`).
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from wbs.lists.bounds import Tell, UnreadableFile, silent
from wbs.lists.grids import Grid

WALL_S = 25  # less than a reader may be silent before another begins anew (`drafts.LOST`)
COMMAND = [sys.executable, "-E", "-S", "-m", "wbs.lists.reader_process"]
ROOT = Path(__file__).parent.parent.parent

logger = logging.getLogger(__name__)


def read_apart(content: bytes, sheet: int | None = None, tell: Tell = silent, portion: int = 500) -> Grid:
    """`read_grid` in a process of its own; tells after each portion of rows. Raises UnreadableFile."""
    rows: list[list[Any]] = []
    with _reader_of(content, sheet, portion) as process:
        for line in process.stdout or ():
            kind, value = orjson.loads(line)
            if kind == "rows":
                rows += value
            elif kind == "grid":
                return Grid(rows, **value)
            elif kind == "refusal":
                raise UnreadableFile(value)
            else:
                tell(value)
        logger.warning("Reading a list of %d bytes ended with %d.", len(content), process.wait())
    raise UnreadableFile(
        "The file takes more time or memory than a list of codes may. Save it as “CSV UTF-8”, or import it in parts."
    )


@contextmanager
def _reader_of(content: bytes, sheet: int | None, portion: int) -> Iterator[subprocess.Popen[bytes]]:
    """It hears the whole file before it says anything."""
    command = [*COMMAND, str(portion), *([] if sheet is None else [str(sheet)])]
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
