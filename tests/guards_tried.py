"""Whether the guards of tests/guards.md are noticed: each is removed in a copy, and its test must fail.

python -m tests.guards_tried             # all of them, in some minutes
python -m tests.guards_tried leases      # those whose row has this word
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.__main__ import product_free_environment, start_servers
from tests.servers.forks import Forked
from tests.servers.programs import ROOT

TABLE = ROOT / "tests" / "guards.md"
QUICK = "not slow"  # what `bin/test` runs
PASSED, FAILED = 0, 1  # exit codes of pytest; all others tell that the test was not there, or could not begin


@dataclass(frozen=True)
class Guard:
    path: str
    text: str
    instead: str
    breaks: str
    test: str

    def removed_from(self, source: str) -> str:
        """Raises ValueError when it does not stand there exactly once, or what is left is no Python."""
        if source.count(self.text) != 1:
            raise ValueError(f"stands {source.count(self.text)} times in {self.path}")
        without = source.replace(self.text, self.instead)
        try:
            compile(without, self.path, "exec")
        except SyntaxError as error:
            raise ValueError(f"leaves no Python: {error}") from error
        return without


def guards(table: str) -> Iterator[Guard]:
    for line in table.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 5 and cells[0].endswith(".py"):
            path, text, instead, breaks, test = cells
            yield Guard(path, _code(text, line), _code(instead, line), breaks, test)


def _code(cell: str, line: str) -> str:
    """The text between the backticks, blanks at its ends included; empty for an empty cell."""
    if not cell:
        return ""
    if not (cell.startswith("`") and cell.endswith("`")):
        raise ValueError(f"No code: {line}")
    return cell[1:-1].replace(r"\|", "|").replace(r"\n", "\n")


@contextmanager
def copy_of_the_repository() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tieback-guards-") as folder:
        copy = Path(folder) / "tieback"
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
        (copy / ".venv").symlink_to(ROOT / ".venv")
        yield copy


def exit_code(copy: Path, tests: list[str], environment: dict[str, str]) -> int:
    pytest = ["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--reuse-db", "-m", QUICK]
    return Forked([sys.executable, *pytest, *tests], environment, copy, copy.with_name("log")).wait()


def what_is_wrong(guard: Guard, copy: Path, environment: dict[str, str]) -> str:
    """Empty when its test notices that it is gone."""
    path = copy / guard.path
    source = path.read_text()
    try:
        path.write_text(guard.removed_from(source))
        code = exit_code(copy, [guard.test], environment)
    except ValueError as error:
        return str(error)
    finally:
        path.write_text(source)
    if code == PASSED:
        return f"NOT NOTICED by {guard.test}"
    return "" if code == FAILED else f"not tried: pytest ended with {code} for {guard.test}"


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are ended then, too
    lines = TABLE.read_text().splitlines()
    chosen = [guard for line in lines for guard in guards(line) if all(word in line for word in words)]
    with ExitStack() as running:
        environment = product_free_environment() | start_servers(running)
        copy = running.enter_context(copy_of_the_repository())
        if exit_code(copy, sorted({guard.test for guard in chosen}), environment) != PASSED:
            print(copy.with_name("log").read_text()[-5000:], "\nWith all guards in place a test fails already.")
            return 1
        wrong = 0
        for guard in chosen:
            why = what_is_wrong(guard, copy, environment)
            wrong += bool(why)
            print(f"{why or 'noticed':<12}  {guard.path}: {guard.text.strip()!r}", flush=True)
    print(f"\n{len(chosen) - wrong} of {len(chosen)} guards are noticed.")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
