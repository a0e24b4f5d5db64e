"""What the road between a click and the ERP costs, beside the ERP's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from benchmarks import turns
from benchmarks.rig import Finding, Rig, ms, seconds
from benchmarks.sites import Site
from erp_integrations.base import Adapter, CodeData, Exported
from erp_integrations.registry import adapter_class
from exports import queue
from exports.models import UNFINISHED, CodeExport, Status
from tests.servers.celery import Worker

AT_LEAST = {"tryton-in-turns": 0.9, "paced-in-turns": 0.75, "instant-in-turns": 0}  # by the ERP's key
LOOK_S = 0.01
OpenERP = Callable[[], AbstractContextManager[Any]]
NewAdapter = Callable[[], Adapter]
Portions = Sequence[Sequence[CodeData]]


def pipeline(rig: Rig, open_erp: OpenERP, site: Site) -> Finding:
    """A bare loop of the ERP's calls over ours: from the click until a worker has committed the last Success.

    Each has a fresh ERP that has answered once. Its start, and reading the page to click on, are not counted.
    """
    site.enter()

    def side_by_side() -> tuple[float, float]:
        with open_erp() as our_erp, open_erp() as bare_erp:
            _connect(site, our_erp)
            bare = partial(_bare_class(site), site.connection.pk, bare_erp.options, bare_erp.credentials)
            bare().check()
            site.reset()
            return _take_turns(site, bare)

    with Worker(DJANGO_SETTINGS_MODULE="benchmarks.settings", EXPORT_TURN_S="3"):  # with the bare loop's calls in it
        side_by_side()  # so that the worker has imported everything
        found = rig.take_pairs(side_by_side)
    at_least = AT_LEAST[site.connection.erp]
    ratio, told = found.tell(lambda pair: pair.baseline_s / pair.ours_s, f"at least {at_least}")
    name = f"pipeline: a bare loop over ours, {site.codes:,} codes into {site.connection.adapter_class.label}"
    each = f"{ms(found.baseline_s / site.codes)} over {ms(found.ours_s / site.codes)} a code"
    return Finding(name, [told, each], ratio >= at_least)


def overhead(rig: Rig, site: Site) -> Finding:
    """Our own time per code, from the click to the last Success: with an ERP that takes none, in one process."""
    site.enter()
    portions = _portions(site)

    def ours() -> float:
        site.reset()
        fields = site.fields()
        return seconds(lambda: _click_and_work(site, fields))

    def bare() -> float:
        return sum(seconds(partial(_send, site.connection.adapter, portion)) for portion in portions)

    found = rig.compare(ours, bare)
    own_us, told = found.tell(lambda pair: (pair.ours_s - pair.baseline_s) / site.codes * 1e6, "for information", 0)
    updates = f"{own_us / found.update_s / 1e6:.2f} bare UPDATEs of {found.update_s * 1e6:.0f} µs"
    return Finding(f"overhead in µs a code: {site.codes:,} codes into an ERP that answers at once", [told, updates])


def _connect(site: Site, erp: Any) -> None:
    site.connection.options, site.connection.credentials = erp.options, erp.credentials
    site.connection.save(update_fields=["options", "credentials"])
    site.connection.adapter().check()


def _bare_class(site: Site) -> type[Adapter]:
    return adapter_class(site.connection.erp.removesuffix("-in-turns"))


def _take_turns(site: Site, bare: NewAdapter) -> tuple[float, float]:
    """Seconds of ours and of the bare loop, which sends each portion just after the worker did."""
    fields, portions, bare_s = site.fields(), _portions(site), 0.0
    started = time.perf_counter()
    site.post("export/", fields)
    for portion in portions:
        turns.await_answer()
        bare_s += seconds(partial(_send, bare, portion))
        turns.let_through()
    while CodeExport.objects.filter(status__in=UNFINISHED).exists():
        time.sleep(LOOK_S)
    ours_s = time.perf_counter() - started - bare_s
    require_success(site)
    return ours_s, bare_s


def _click_and_work(site: Site, fields: dict[str, Any]) -> None:
    site.post("export/", fields)
    while queue.export_portions(site.connection.pk):
        pass
    require_success(site)


def require_success(site: Site) -> None:
    done = CodeExport.objects.filter(connection=site.connection, status=Status.SUCCESS).count()
    if done != site.codes:
        raise RuntimeError(f"{done} of {site.codes} codes became Success: that is no measure.")


def _portions(site: Site) -> Portions:
    """What the worker's calls carry."""
    codes = [row.as_data() for row in CodeExport.objects.for_adapter()]
    size = site.connection.capabilities.batch_size
    return [codes[start : start + size] for start in range(0, len(codes), size)]


def _send(new_adapter: NewAdapter, portion: Sequence[CodeData]) -> None:
    """The same calls as the worker's: an adapter lives for one portion, so both sign in for each."""
    for outcome in new_adapter().export_codes(portion):
        if not isinstance(outcome, Exported):
            raise RuntimeError(f"{outcome}: that is no measure.")
