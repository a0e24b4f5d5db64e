"""Two things timed side by side, A B B A, on a machine that others use too; and how calm the machine was meanwhile."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import psycopg
import redis
from django.conf import settings
from django.db import connection

MOVED = 0.25  # a pair during which a bare round trip became so much slower or faster is dropped


@dataclass(frozen=True)
class Finding:
    """A measure in words, and whether it keeps its target; what is for information alone always does."""

    name: str
    lines: list[str]
    holds: bool = True


@dataclass(frozen=True)
class Pair:
    ours_s: float
    baseline_s: float
    before: tuple[float, float]  # a bare UPDATE and a bare INCR
    after: tuple[float, float]

    @property
    def moved(self) -> float:
        return max(max(a, b) / min(a, b) for a, b in zip(self.before, self.after, strict=True)) - 1


class Comparison:
    """The pairs that count: as many as were asked for, those during which the machine moved least."""

    def __init__(self, taken: list[Pair], wanted: int) -> None:
        self.kept = sorted(taken, key=lambda pair: pair.moved)[:wanted]
        self.dropped = len(taken) - len(self.kept)
        self.ours_s = median(pair.ours_s for pair in self.kept)
        self.baseline_s = median(pair.baseline_s for pair in self.kept)
        self.update_s = median(update_s for pair in self.kept for update_s, _ in (pair.before, pair.after))

    def tell(self, value: Callable[[Pair], float], target: str, digits: int = 2) -> tuple[float, str]:
        """Median of a value over the pairs, and how to say it."""
        low, middle, high = quantiles(map(value, self.kept), n=4, method="inclusive")
        restless = sum(pair.moved > MOVED for pair in self.kept)
        pairs = f"{len(self.kept)} pairs, {restless} of them restless, {self.dropped} more dropped"
        return middle, f"{middle:.{digits}f} (IQR {low:.{digits}f} to {high:.{digits}f}), {target}; {pairs}"


@dataclass(frozen=True)
class Rig:
    """How often everything is done."""

    pairs: int = 7
    most_pairs: int = 10
    requests: int = 10  # a page's time is their median
    saves: int = 60  # their mean
    clicks: int = 3  # a click's time is their median
    calibrations: int = 300

    def compare(self, ours: Callable[[], float], baseline: Callable[[], float]) -> Comparison:
        """Both tell seconds."""

        def ours_first() -> tuple[float, float]:
            return ours(), baseline()

        def baseline_first() -> tuple[float, float]:
            baseline_s = baseline()
            return ours(), baseline_s

        return self.take_pairs(ours_first, baseline_first)

    def take_pairs(self, *takes: Callable[[], tuple[float, float]]) -> Comparison:
        """Each tells seconds of ours and of the baseline. Until enough pairs are calm, or there are too many."""
        taken: list[Pair] = []
        before = self.calibrate()
        while len(taken) < self.most_pairs and sum(pair.moved <= MOVED for pair in taken) < self.pairs:
            ours_s, baseline_s = takes[len(taken) % len(takes)]()
            after = self.calibrate()
            taken.append(Pair(ours_s, baseline_s, before, after))
            before = after
        return Comparison(taken, self.pairs)

    def calibrate(self) -> tuple[float, float]:
        """Mean seconds of a committed UPDATE of one row, and of an INCR of Redis, without anything of ours."""
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as database:
            table = f"bare_{os.getpid()}"
            database.execute(f"CREATE TABLE {table} AS SELECT 1 AS id, 0 AS number")
            update = f"UPDATE {table} SET number = number + 1 WHERE id = 1"  # noqa: S608
            update_s = seconds(lambda: database.execute(update), self.calibrations)
            database.execute(f"DROP TABLE {table}")
        with redis.Redis.from_url(settings.REDIS_URL) as broker:
            return update_s, seconds(lambda: broker.incr(f"tieback-{table}"), 7 * self.calibrations)


def seconds(action: Callable[[], object], times: int = 1) -> float:
    """How long the action takes, as the mean of so many."""
    started = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - started) / times


def cpu_s(action: Callable[[], object], times: int = 1) -> float:
    """What the action costs this process, its children and its database backend in CPU, as the mean of so many."""
    before = used_s()
    for _ in range(times):
        action()
    return (used_s() - before) / times


def used_s() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    backend_ns, *_ = Path(f"/proc/{backend}/schedstat").read_text().split()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + int(backend_ns) / 1e9 + children.ru_utime + children.ru_stime


def ms(time_s: float) -> str:
    return f"{time_s * 1000:,.1f} ms"
