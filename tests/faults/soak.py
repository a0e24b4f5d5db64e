"""`bin/test --soak N`: N codes through random schedules of faults and clicks, and a referee who shares no code with us.

A schedule is drawn from its seed, which is printed: what the ERPs do at each call, what people click, what is killed,
frozen or emptied, and when. `bin/test --soak N --seed S` replays it, as far as processes keep step.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.patience import PATIENCE_S
from tests.servers.postgres import PostgreSQL
from tests.servers.redis import Redis

COMPANIES = 4
CODES = 1000  # of one schedule at the most
CLICKING_S = 25.0  # how long people click and things break; then all is left alone
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "tests.faults.soak_settings",
    "SECRET_KEY": "of-a-soak-and-of-nothing-else-anywhere",
    "CREDENTIAL_KEYS": "RzXn5EsSFdl9MIsi8-oQY8GkQ1pM0Zx0lQKtvkLM3Yk=",
    "SITE_URL": "http://localhost:8000",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "SECURE_SSL_REDIRECT": "false",
    "EXPORT_LEASE_S": "1",
    "EXPORT_SETTLE_S": "0",
    "EXPORT_SWEEP_S": "0.5",
    "EXPORT_RETRY_S": "0.2",
    "EXPORT_TURN_S": "0.5",
    "LOG_LEVEL": "WARNING",
}


@dataclass
class Told:
    """What became of one schedule."""

    seed: str
    codes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    clicks: Counter[str] = field(default_factory=Counter)
    moods: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    planted: int = 0
    blind_to: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counts = {"faults": self.faults, "moods of the ERPs": self.moods, "clicks": self.clicks, "states": self.states}
        lines = [f"schedule {self.seed}: {self.codes:,} codes"]
        for name, counter in counts.items():
            lines.append(f"  {name}: {', '.join(f'{word} {count:,}' for word, count in sorted(counter.items()))}")
        lines.append(f"  planted errors that the referee found: {self.planted - len(self.blind_to)} of {self.planted}")
        lines += [f"  NOT FOUND: {words}" for words in self.blind_to]
        lines += [f"  VIOLATION: {words}" for words in self.violations[:20]]
        return "\n".join(lines)


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/test --soak")
    parser.add_argument("codes", type=int)
    parser.add_argument("--seed", default="", help="of the first schedule; the others' follow from it")
    parser.add_argument("--seconds", type=float, default=CLICKING_S, help="of clicks and faults in each schedule")
    given = parser.parse_args(words)
    given.seed = given.seed or secrets.token_hex(4)
    with ExitStack() as running:
        folder = Path(tempfile.mkdtemp(prefix="tieback-soak-"))
        running.callback(shutil.rmtree, folder, ignore_errors=True)
        told = list(soak(running, folder, given))
    total, broken = sum(one.codes for one in told), sum(len(one.violations) for one in told)
    blind = sum(len(one.blind_to) for one in told)
    struck = sum(sum(one.faults.values()) for one in told)
    found = f"{broken} violations, {blind} planted errors unseen"
    print(f"\n{total:,} codes, {len(told)} schedules, {struck:,} faults: {found}")
    print(f"{total - broken} passed, {broken + blind} failed")
    return 1 if broken or blind else 0


def soak(running: ExitStack, folder: Path, given: argparse.Namespace) -> Iterator[Told]:
    servers, codes, first = start(running, folder), given.codes, given.seed
    from tests.faults.soak_schedule import Schedule  # needs Django's settings, which `start` made

    number = 0
    while codes > 0:
        seed = first if number == 0 else f"{first}.{number}"
        told = Schedule(seed, min(codes, CODES), folder / f"schedule-{number}", servers).run(given.seconds)
        print(told, flush=True)
        yield told
        codes, number = codes - CODES, number + 1


@dataclass
class Servers:
    """All that a schedule may break, and put up again."""

    database: PostgreSQL
    broker: Redis
    workers: list[Any]
    beat: Any
    web: Any

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database.url)

    def put_up(self) -> None:
        """Whatever is down, or frozen."""
        for server in (self.broker, *self.workers, self.beat):
            if server.process is None or server.process.poll() is not None:
                server.process = None
                server.restart()


def start(running: ExitStack, folder: Path) -> Servers:
    database, broker = running.enter_context(PostgreSQL()), running.enter_context(Redis())
    own = {"DATABASE_URL": database.url, "REDIS_URL": broker.url, "VAR_DIR": str(folder), "STATIC_ROOT": str(folder)}
    os.environ |= {**SETTINGS, **own, "TASK_QUEUE": "soak"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.servers.celery import Beat, Worker
    from tests.servers.web import Web

    workers = [running.enter_context(Worker(**SETTINGS)) for _ in range(2)]
    beat, web = running.enter_context(Beat(**SETTINGS)), running.enter_context(Web(**SETTINGS))
    return Servers(database, broker, workers, beat, web)


def at_times(schedule: list[tuple[float, Callable[[], None]]]) -> None:
    """Do each at its second from now."""
    began = time.monotonic()
    for second, deed in schedule:
        time.sleep(max(0.0, began + second - time.monotonic()))
        deed()


def in_threads(*deeds: Callable[[], None]) -> list[str]:
    """All at once; what any of them raised, in words."""
    raised: list[str] = []

    def guarded(deed: Callable[[], None]) -> None:
        try:
            deed()
        except Exception as error:
            raised.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=guarded, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def wait_for(is_so: Callable[[], bool]) -> bool:
    """Whether it came to be, with a test's patience."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def dice_of(*words: object) -> random.Random:
    return random.Random(" ".join(map(str, words)))  # noqa: S311 (no secret)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
