"""What `bin/test` runs: lint, types, checks, then the whole suite on PostgreSQL, on SQLite and in the browser."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.production import env_example, production_environment
from tests.servers import postgres, redis
from tests.servers.programs import ROOT
from tests.servers.server import Server, ServerError

MODULE = [sys.executable, "-m"]
MANAGE = [sys.executable, "manage.py"]
PYTEST = [*MODULE, "pytest", "--durations=10"]
SOAK = [*MODULE, "tests.faults.soak"]  # starts servers of its own, to break them


class StageFailed(Exception):
    pass


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins without it
    os.chdir(ROOT)
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="tieback-test-"))
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            environment = product_free_environment() | {"TMPDIR": str(folder)}
            if arguments and arguments[0] == "--soak":
                return subprocess.run([*SOAK, *arguments[1:]], env=environment).returncode
            environment |= start_servers(running)
            if arguments and arguments != ["--all"]:
                return subprocess.run([*PYTEST, *arguments], env=environment).returncode
            run_stages(environment, is_all=bool(arguments))
        except (ServerError, StageFailed) as error:
            print(f"\nbin/test FAILED: {error}", flush=True)
            return 1
    print("\nbin/test: everything holds.")
    return 0


def product_free_environment() -> dict[str, str]:
    """Without what this shell says of an own installation, but with the servers it gives."""
    given = {"DATABASE_URL", "REDIS_URL"}
    ours = env_example().keys() - given | {"PYTHONDONTWRITEBYTECODE"}  # the tests start hundreds of processes
    return {name: value for name, value in os.environ.items() if name not in ours}


def start_servers(running: ExitStack) -> dict[str, str]:
    """Start what the environment does not give, and tell what is used."""
    print(f"Python      {sys.version.split()[0]}")
    return {
        "DATABASE_URL": provide(running, "DATABASE_URL", postgres.PostgreSQL, postgres.version_at),
        "REDIS_URL": provide(running, "REDIS_URL", redis.Redis, redis.version_at),
    }


def provide(running: ExitStack, variable: str, kind: type[Server], version_at: Callable[[str], str]) -> str:
    given = os.environ.get(variable)
    url = given or running.enter_context(kind()).url
    print(f"{kind.name:<11} {version_at(url)}: {f'given by {variable}' if given else 'private'}", flush=True)
    return url


def run_stages(environment: dict[str, str], is_all: bool) -> None:
    shared = {"DATABASE_URL"} if "REDIS_URL" in os.environ else {"DATABASE_URL", "REDIS_URL"}  # settings start a Redis
    on_sqlite = {name: value for name, value in environment.items() if name not in shared}
    production = production_environment()
    var = {"VAR_DIR": environment["TMPDIR"]}
    run(Stage("format", [*MODULE, "ruff", "format", "--check", "."], environment))
    run(Stage("lint", [*MODULE, "ruff", "check", "."], environment))
    run(Stage("what tests start themselves", [*MODULE, "tests.servers", *["--all"] * is_all], environment))
    long = "" if is_all else " and not slow"
    not_on_postgresql = "processes or browser" if is_all else "processes or browser or either"
    not_on_sqlite = "pg_only or once or browser"
    on_both = "" if is_all else " and not processes and (either or differs)"
    exporting, apart, in_browser = (
        on_sqlite | {"DATABASE_URL": environment["DATABASE_URL"], "TEST_DATABASE": f"test_tieback_{name}"}
        for name in ("exports", "processes", "browser")
    )
    on_postgresql = ["-m", f"not ({not_on_postgresql}){long}"]
    run_beside(
        [
            Stage("types", [*MODULE, "mypy", "."], production),
            Stage("templates", [*MODULE, "djlint", "templates", "--lint", "--quiet"], environment),
            Stage("migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"], on_sqlite | var),
            Stage("deploy check", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], production),
            Stage("tests on SQLite", [*PYTEST, "-m", f"not ({not_on_sqlite}){on_both}{long}"], on_sqlite, 10),
        ],
        [Stage("tests of exports on PostgreSQL", [*PYTEST, "tests/exports", *on_postgresql], exporting, 10)],
        [Stage("other tests on PostgreSQL", [*PYTEST, "--ignore", "tests/exports", *on_postgresql], environment, 10)],
        [Stage("tests in the browser, on PostgreSQL", [*PYTEST, "tests/browser", "-m", f"browser{long}"], in_browser)],
        [Stage("tests of processes, on PostgreSQL", [*PYTEST, "-m", f"processes{long}"], apart)],
    )
    if is_all:
        run(Stage("soak", [*SOAK, "4000"], environment))
        run(Stage("benchmarks", [*MODULE, "benchmarks", "--all"], environment))


@dataclass
class Stage:
    """A command that must succeed."""

    name: str
    command: list[str]
    environment: dict[str, str]
    nice: int = 0  # gives way to the lanes that mostly wait, and so end last

    def start(self, words: BinaryIO | None = None) -> None:
        self.started, self.words = time.monotonic(), words
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=words, stderr=words)
        os.setpriority(os.PRIO_PROCESS, self.process.pid, os.getpriority(os.PRIO_PROCESS, 0) + self.nice)

    @property
    def has_ended(self) -> bool:
        before = cpu_s()
        if self.process.returncode is None and self.process.poll() is not None:
            self.cpu_s = cpu_s() - before
        return self.process.returncode is not None

    def finish(self) -> None:
        while not self.has_ended:
            time.sleep(0.2)
        code = self.process.returncode
        if self.words:
            self.words.seek(0)
            print(f"\n--- {self.name}\n{self.words.read().decode(errors='replace')}")
        result = "ok" if code == 0 else f"exit code {code}"
        took_s = time.monotonic() - self.started
        print(f"--- {self.name}: {result} after {took_s:.0f} s, {self.cpu_s:.0f} s of CPU", flush=True)
        if code:
            raise StageFailed(self.name)

    def stop(self) -> None:
        if not self.has_ended:
            self.process.send_signal(signal.SIGINT)  # as Ctrl-C does: then it still ends what it started itself
            self.process.wait()


def cpu_s() -> float:
    """What the children that have ended took, with theirs; servers that serve all stages are not among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(stage: Stage) -> None:
    print(f"\n--- {stage.name}", flush=True)
    stage.start()
    stage.finish()


def run_beside(*lanes: list[Stage]) -> None:
    """The lanes at once, since much of a run is waiting, and the stages of each in their order.

    What a stage says is shown when it has ended. One that fails ends all, and so does whatever ends this.
    """
    print(
        "\n--- at once, each shown when it has ended:", *(stage.name for lane in lanes for stage in lane), sep="\n    "
    )
    with ExitStack() as ends:

        def start(stage: Stage) -> None:
            stage.start(ends.enter_context(tempfile.TemporaryFile()))
            ends.callback(stage.stop)

        for lane in lanes:
            start(lane[0])
        while lanes := tuple(lane for lane in lanes if lane):
            time.sleep(0.2)
            for lane in lanes:
                if lane[0].has_ended:
                    lane.pop(0).finish()
                    if lane:
                        start(lane[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
