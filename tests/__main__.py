"""What `bin/test` runs: lint, types, checks, then the whole suite on PostgreSQL, on SQLite and in the browser."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.production import env_example, production_environment
from tests.servers import chromium, postgres, redis
from tests.servers.programs import ROOT
from tests.servers.server import Server, ServerError
from tests.servers.tryton import Tryton70Server, TrytonServer

MODULE = [sys.executable, "-m"]
MANAGE = [sys.executable, "manage.py"]
PYTEST = [*MODULE, "pytest", "--durations=10"]
QUICK = "not browser and not slow"


class StageFailed(Exception):
    pass


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(ROOT)
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="tieback-test-"))
        folder.chmod(0o711)  # PostgreSQL's own user passes through
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            environment = product_free_environment() | {"TMPDIR": str(folder)}
            environment |= start_servers(running)
            if arguments and arguments != ["--all"]:
                return subprocess.run([*PYTEST, *arguments], env=environment).returncode
            find_others(environment, is_all=bool(arguments))
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


def find_others(environment: dict[str, str], is_all: bool) -> None:
    """What single tests start themselves, installed before the first of them."""
    for kind in [TrytonServer, Tryton70Server] if is_all else [TrytonServer]:
        print(f"{kind.name:<11} {kind().version}: from PyPI, in an environment of its own", flush=True)
    browser = chromium.find_program()
    print(f"Chromium    {chromium.version_of(browser)}: {browser}", flush=True)
    environment["CHROMIUM"] = str(browser)


def run_stages(environment: dict[str, str], is_all: bool) -> None:
    quick = "not browser" if is_all else QUICK
    own = {"DATABASE_URL"} if "REDIS_URL" in os.environ else {"DATABASE_URL", "REDIS_URL"}  # settings start a Redis
    on_sqlite = {name: value for name, value in environment.items() if name not in own}
    production = production_environment()
    var = {"VAR_DIR": environment["TMPDIR"]}
    Stage("format", [*MODULE, "ruff", "format", "--check", "."], environment).finish()
    Stage("lint", [*MODULE, "ruff", "check", "."], environment).finish()
    Stage("types", [*MODULE, "mypy", "."], production).finish()
    Stage("templates", [*MODULE, "djlint", "templates", "--lint", "--quiet"], environment).finish()
    Stage("migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"], on_sqlite | var).finish()
    Stage("deploy check", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], production).finish()
    # Two at once, since much of a run is waiting; what PostgreSQL's run says is shown after the others.
    log = Path(environment["TMPDIR"], "postgresql.log")
    with Stage("tests on PostgreSQL", [*PYTEST, "-m", quick], environment, log) as beside:
        Stage("tests on SQLite", [*PYTEST, "-m", f"not pg_only and not once and {quick}"], on_sqlite).finish()
        in_browser = "browser" if is_all else "browser and not slow"
        server = urlsplit(environment["DATABASE_URL"])
        own_database = {"DATABASE_URL": server._replace(path=f"{server.path}_browser").geturl()}
        Stage("tests in the browser", [*PYTEST, "-m", in_browser], environment | own_database).finish()
        beside.finish()
    if is_all:
        Stage("benchmarks", [*MODULE, "benchmarks", "--all"], environment).finish()


class Stage:
    """A command that must succeed. With `log` it runs beside others, and its words are shown when it is finished."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path | None = None) -> None:
        self.name = name
        self.log = log
        self.started = time.monotonic()
        if log:
            with log.open("wb") as words:
                self.process = subprocess.Popen(command, env=environment, stdout=words, stderr=subprocess.STDOUT)
        else:
            print(f"\n--- {name}", flush=True)
            self.process = subprocess.Popen(command, env=environment)

    def finish(self) -> None:
        with self:
            code = self.process.wait()
        if self.log:
            print(f"\n--- {self.name}\n{self.log.read_text(errors='replace')}")
        result = "ok" if code == 0 else f"exit code {code}"
        print(f"--- {self.name}: {result} after {time.monotonic() - self.started:.0f} s", flush=True)
        if code:
            raise StageFailed(self.name)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *trouble: object) -> None:
        """Whatever ends the run ends this too, as Ctrl-C does: then it still ends what it started itself."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
