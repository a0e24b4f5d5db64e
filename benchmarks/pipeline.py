"""What the road between a click and the ERP costs, beside the ERP's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from benchmarks.rig import Finding, Rig, ms, seconds
from benchmarks.sites import Site
from erp_integrations.base import CodeData, Exported
from exports import services
from exports.models import UNFINISHED, CodeExport, Status
from tests.servers.celery import Worker

AT_LEAST = 0.9
LOOK_S, LOOK_PER_CODE_S = 0.05, 0.002  # looking costs the others time, too: seldom while much is left
OpenERP = Callable[[], AbstractContextManager[Any]]
Portions = Sequence[Sequence[CodeData]]


def pipeline(rig: Rig, open_erp: OpenERP, site: Site) -> Finding:
    """A bare loop of the ERP's calls over ours: from the click until a worker has committed the last Success.

    Each run has a fresh ERP that has answered once. Its start, and reading the page to click on, are not counted.
    """
    site.enter()

    def ours() -> float:
        with open_erp() as erp:
            _connect(site, erp)
            site.reset()
            fields = site.fields()
            return seconds(lambda: _click_and_wait(site, fields))

    def bare() -> float:
        with open_erp() as erp:
            _connect(site, erp)
            portions = _portions(site)
            return seconds(lambda: _send(site, portions))

    with Worker(DJANGO_SETTINGS_MODULE="benchmarks.settings"):
        ours()  # so that the worker has imported everything
        found = rig.compare(ours, bare)
    ratio, told = found.tell(lambda pair: pair.baseline_s / pair.ours_s, f"at least {AT_LEAST}")
    name = f"pipeline: a bare loop over ours, {site.codes:,} codes into {site.connection.adapter_class.label}"
    each = f"{ms(found.baseline_s / site.codes)} over {ms(found.ours_s / site.codes)} a code"
    return Finding(name, [told, each], ratio >= AT_LEAST)


def overhead(rig: Rig, site: Site) -> Finding:
    """Our own time per code, from the click to the last Success: with an ERP that takes none, in one process."""
    site.enter()
    portions = _portions(site)

    def ours() -> float:
        site.reset()
        fields = site.fields()
        return seconds(lambda: _click_and_work(site, fields))

    found = rig.compare(ours, lambda: seconds(lambda: _send(site, portions)))
    own_us, told = found.tell(lambda pair: (pair.ours_s - pair.baseline_s) / site.codes * 1e6, "for information", 0)
    updates = f"{own_us / found.update_s / 1e6:.2f} bare UPDATEs of {found.update_s * 1e6:.0f} µs"
    return Finding(f"overhead in µs a code: {site.codes:,} codes into an ERP that answers at once", [told, updates])


def _connect(site: Site, erp: Any) -> None:
    site.connection.options, site.connection.credentials = erp.options, erp.credentials
    site.connection.save(update_fields=["options", "credentials"])
    site.connection.adapter().check()


def _click_and_wait(site: Site, fields: dict[str, Any]) -> None:
    site.post("export/", fields)
    while left := CodeExport.objects.filter(status__in=UNFINISHED).count():
        time.sleep(max(LOOK_S, LOOK_PER_CODE_S * left))
    _require_success(site)


def _click_and_work(site: Site, fields: dict[str, Any]) -> None:
    site.post("export/", fields)
    while services.export_portions(site.connection.pk):
        pass
    _require_success(site)


def _require_success(site: Site) -> None:
    if (done := CodeExport.objects.filter(status=Status.SUCCESS).count()) != site.codes:
        raise RuntimeError(f"{done} of {site.codes} codes became Success: that is no measure.")


def _portions(site: Site) -> Portions:
    """What the worker's calls carry."""
    codes = [row.as_data() for row in CodeExport.objects.for_adapter()]
    size = site.connection.capabilities.batch_size
    return [codes[start : start + size] for start in range(0, len(codes), size)]


def _send(site: Site, portions: Portions) -> None:
    """The same calls as the worker's: an adapter lives for one portion, so both sign in for each."""
    for portion in portions:
        for outcome in site.connection.adapter().export_codes(portion):
            if not isinstance(outcome, Exported):
                raise RuntimeError(f"{outcome}: that is no measure.")
