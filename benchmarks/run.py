"""Which measures are taken, and how large."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace

from django.conf import settings
from django.core.management import call_command

from benchmarks import beside, dripping, imports, lists, long_import, longest, naive, pipeline, polls, web
from benchmarks.rig import Finding, Rig
from benchmarks.sites import Site, enter, own_database
from tests.servers.tryton import TrytonServer


@dataclass(frozen=True)
class Scale:
    rig: Rig = field(default_factory=Rig)
    pages: tuple[int, ...] = (100, 10_000)
    trees: tuple[int, int] = (1_000, 100_000)
    imported: int = 20_000
    imported_at_once: int = 0  # through a worker
    clicks: tuple[int, ...] = (1_000, 10_000)
    alone: int = 300
    polls: tuple[int, int] = (100, 1_000)
    erps: tuple[str, ...] = ("paced", "tryton")
    has_gates: bool = True
    gates_growth: bool = False


SCALES = {
    "": Scale(),
    "--all": Scale(
        pages=(100, 10_000, 100_000), clicks=(1_000, 10_000, 100_000), imported_at_once=100_000, gates_growth=True
    ),
    "--smoke": Scale(
        Rig(2, 2, 1, 1, 1, 1),
        pages=(2, 3),
        trees=(2, 3),
        imported=4,
        imported_at_once=4,
        clicks=(2, 3),
        alone=2,
        polls=(2, 3),
        erps=("instant", "paced"),
        has_gates=False,
    ),
}


def measure(scale: Scale) -> Iterator[Finding]:
    with ExitStack() as running:
        empty = running.enter_context(own_database())
        enter(empty)
        call_command("migrate", verbosity=0)
        sites = {
            codes: Site(running.enter_context(own_database(empty)), codes, erp="instant")
            for codes in sorted({*scale.pages, *scale.clicks})
        }
        codes = {
            number: lists.Codes(running.enter_context(own_database(empty)), number)
            for number in sorted({*scale.trees, scale.imported, scale.imported_at_once} - {0})
        }
        yield lists.tree(scale.rig, *(codes[number] for number in scale.trees))
        for compared in imports.ALL:
            yield compared(scale.rig, codes[scale.imported])
        if scale.imported_at_once:
            yield long_import.whole(codes[scale.imported_at_once])
        few, *many = (sites[codes] for codes in scale.pages)
        for site in many:
            yield web.page(scale.rig, few, site)
        yield web.deep_page(scale.rig, many[-1])
        yield web.auto_save(scale.rig, few)
        clicked = [sites[codes] for codes in scale.clicks]
        yield pipeline.overhead(scale.rig, clicked[0])
        yield beside.save(scale.rig, many[0])
        yield dripping.beside(scale.rig, clicked[0], settings.EXPORT_COMPANY_CALLS)
        for action in ("export", "reject"):
            yield web.growth(scale.rig, clicked, action, scale.gates_growth)
        yield longest.statement(clicked[-1])
        alone = Site(running.enter_context(own_database(empty)), scale.alone, erp="instant-one-by-one")
        yield naive.one_by_one(scale.rig, alone)
        pulled = [polls.PulledSite(running.enter_context(own_database(empty)), codes) for codes in scale.polls]
        yield polls.poll(scale.rig, *pulled)
        for kind in scale.erps:
            open_erp = TrytonServer if kind == "tryton" else _no_server
            with open_erp() as erp:
                given = {"erp": f"{kind}-in-turns", "options": erp.options, "credentials": erp.credentials}
                books = Site(running.enter_context(own_database(empty)), scale.clicks[0], **given)
            yield pipeline.pipeline(scale.rig, open_erp, books)


def _no_server() -> AbstractContextManager[SimpleNamespace]:
    return nullcontext(SimpleNamespace(options={}, credentials={}))
