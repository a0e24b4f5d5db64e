"""What a stranger's file may cost: the process that reads it is measured, for each kind of too much."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.wbs import hostile, hostile_books
from wbs.lists import limited
from wbs.lists.bounds import MAX_BYTES, UnreadableFile
from wbs.lists.grids import cells, shown
from wbs.lists.limited import read_apart
from wbs.lists.reader_process import MEMORY_BYTES
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once

MOST_S, MOST_BYTES = 2, 100 * 1024 * 1024
MEASURED = """
import re, time
from wbs.lists.reader_process import main
main()
peak = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1]
print(time.process_time(), int(peak) * 1024)
"""


@dataclass(frozen=True)
class Reading:
    kind: str  # "grid" or "refusal"
    found: Any
    cpu_s: float
    peak_bytes: int


def measured(content: bytes) -> Reading:
    """The reader's own process. It measures itself: to others its memory begins with ours, from which it was forked."""
    assert len(content) <= MAX_BYTES
    command = [*limited.COMMAND[:-2], "-c", MEASURED, "500"]
    done = subprocess.run(command, input=content, capture_output=True, cwd=limited.ROOT, env={}, check=True)
    *lines, cost = done.stdout.decode().splitlines()
    cpu_s, peak = cost.split()
    kind, found = json.loads(lines[-1])
    if kind == "grid":
        found["rows"] = [
            row for line in lines[:-1] for said, rows in [json.loads(line)] if said == "rows" for row in rows
        ]
    return Reading(kind, found, float(cpu_s), int(peak))


def assert_cheap(reading: Reading) -> None:
    assert reading.cpu_s < MOST_S
    assert reading.peak_bytes < MOST_BYTES


@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
def test_without_too_much_of_anything_it_is_a_workbook_for_others_too() -> None:
    sheet = load_workbook(io.BytesIO(hostile.package()), read_only=True).worksheets[0]

    assert list(sheet.iter_rows(values_only=True)) == [("code", "description"), ("01", "Text")]


@pytest.mark.parametrize("build", hostile.REFUSED.values(), ids=hostile.REFUSED)
def test_a_workbook_with_too_much_of_a_kind_is_refused_cheaply(build: Callable[[], bytes]) -> None:
    reading = measured(build())

    assert reading.kind == "refusal"
    assert str(reading.found).startswith(("The workbook ", "The file "))
    assert_cheap(reading)


@pytest.mark.parametrize("build", hostile_books.REFUSED.values(), ids=hostile_books.REFUSED)
def test_another_kind_with_too_much_is_refused_cheaply(build: Callable[[], bytes]) -> None:
    reading = measured(build())

    assert reading.kind == "refusal"
    assert str(reading.found).startswith(("The workbook ", "The file "))
    assert_cheap(reading)


@pytest.mark.parametrize("build", hostile_books.READ.values(), ids=hostile_books.READ)
def test_what_is_not_needed_of_another_kind_costs_next_to_nothing(build: Callable[[], bytes]) -> None:
    reading = measured(build())

    assert [row[:3] for row in reading.found["rows"]] == [[1, "code", "description"]]
    assert_cheap(reading)


@pytest.mark.parametrize("build", hostile.READ.values(), ids=hostile.READ)
def test_what_is_not_needed_of_a_workbook_costs_next_to_nothing(build: Callable[[], bytes]) -> None:
    reading = measured(build())

    assert reading.kind == "grid"
    assert [[shown(cell) for cell in cells(row)] for row in reading.found["rows"]] == [
        ["code", "description"],
        ["01", "Text"],
    ]
    assert_cheap(reading)


@pytest.mark.parametrize("build", hostile.LISTS.values(), ids=hostile.LISTS)
def test_a_text_with_too_much_of_a_kind_is_told_cheaply(build: Callable[[], bytes]) -> None:
    reading = measured(build())

    assert reading.kind == "refusal" or len(reading.found["problems"]) == 1
    assert_cheap(reading)


def running(code: str) -> list[str]:
    """A reader that does this instead of reading."""
    return [
        sys.executable,
        "-E",
        "-S",
        "-c",
        f"import os, json, time\nfrom wbs.lists import reader_process as it\n{code}",
    ]


@pytest.mark.parametrize(
    "code",
    [
        "it.limit(); held = bytearray(it.MEMORY_BYTES)",
        "it.CPU_S = 1; it.limit()\nwhile True: pass",
        "time.sleep(600)",
        "os.abort()",
    ],
    ids=["memory", "time of the processor", "time", "a fault of the parser"],
)
def test_what_the_bounds_let_through_the_limits_of_the_process_end(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "COMMAND", running(f"it.say('done', 7)\n{code}"))
    monkeypatch.setattr(limited, "WALL_S", 5)
    told: list[int] = []

    with pytest.raises(UnreadableFile, match="more time or memory than a list of codes may"):
        read_apart(b"code,description\n1,x\n" * 10_000, tell=told.append)
    assert told == [7], "it ran, and did not end by being no program"


def test_the_process_that_reads_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    tell = "it.say('refusal', str(resource.getrlimit(resource.RLIMIT_AS)))"
    code = f"import resource\nit.read_data = lambda *_: {tell}\nit.main()"
    monkeypatch.setattr(limited, "COMMAND", running(code))

    with pytest.raises(UnreadableFile, match=re.escape(str((MEMORY_BYTES, MEMORY_BYTES)))):
        read_apart(b"")


def test_the_process_knows_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited, "COMMAND", running("it.say('refusal', str(dict(os.environ)))"))
    monkeypatch.setenv("SECRET_KEY", "secret")

    with pytest.raises(UnreadableFile) as refusal:
        read_apart(b"")
    assert "secret" not in str(refusal.value).casefold()


def test_it_tells_how_far_it_is_and_what_it_found() -> None:
    told: list[int] = []

    grid = read_apart(b"code,description\n" + b"1,x\n" * 5, tell=told.append, portion=2)

    assert told == [0, 2, 4]
    assert grid == read_grid(b"code,description\n" + b"1,x\n" * 5)


def test_who_does_not_want_to_know_any_more_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Spied(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **named: Any) -> None:
            super().__init__(*words, **named)
            started.append(self)

    monkeypatch.setattr(limited.subprocess, "Popen", Spied)
    monkeypatch.setattr(limited, "COMMAND", running("it.say('done', 0); time.sleep(600)"))

    def enough(done: int) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        read_apart(b"", tell=enough)
    assert started[0].returncode == -9
