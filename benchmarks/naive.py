"""What a worker takes for codes that go one by one, over what it takes for the first thing that comes to mind: a task
for each code, which reads it, calls the ERP, and saves row and event, without lease, claim, attempt or hold."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from celery import shared_task
from django.db import transaction

from benchmarks.instant import InstantAdapter
from benchmarks.pipeline import LOOK_S, require_success
from benchmarks.rig import Finding, Rig
from benchmarks.sites import Site
from companies.models import AuditEvent
from core import statements
from erp_integrations.base import Exported
from exports.models import CodeExport, Status
from tests.servers.celery import Worker

AT_MOST = 1.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")  # no process is known to have taken less


class OneByOneAdapter(InstantAdapter):
    key = "instant-one-by-one"
    capabilities = replace(InstantAdapter.capabilities, batch_size=1)


@shared_task
def export_code(export_id: int) -> None:
    row = CodeExport.objects.for_adapter().select_related("connection").get(pk=export_id)
    (outcome,) = row.connection.adapter().export_codes([row.as_data()])
    if not isinstance(outcome, Exported):
        raise RuntimeError(f"{outcome}: that is no measure.")
    with transaction.atomic():
        row.status, row.remote_id = Status.SUCCESS, outcome.receipt.remote_id
        row.save(update_fields=["status", "remote_id"])
        what = {"action": "export.success", "subject": "export", "subject_id": row.pk, "label": row.code}
        AuditEvent.objects.create(company_id=row.connection.company_id, new=Status.SUCCESS.label, **what)


def one_by_one(rig: Rig, site: Site) -> Finding:
    """CPU of the worker's processes and of their database backends, from the first code to the last Success."""
    site.enter()
    with Worker(DJANGO_SETTINGS_MODULE="benchmarks.settings", EXPORT_TURN_S="60") as worker:

        def ours() -> float:
            site.reset()
            fields = site.fields()
            return _taken_s(worker, site, lambda: site.post("export/", fields))

        def naive() -> float:
            site.reset()
            ids = list(CodeExport.objects.filter(connection=site.connection).values_list("pk", flat=True))
            return _taken_s(worker, site, lambda: [export_code.delay(pk) for pk in ids])

        for warm_up in (ours, naive, ours, naive):  # both children of the worker import what they need
            warm_up()
        found = rig.compare(ours, naive)
    ratio, told = found.tell(lambda pair: pair.ours_s / max(pair.baseline_s, TICK_S), f"at most {AT_MOST}")
    ours_us, naive_us = (taken_s / site.codes * 1e6 for taken_s in (found.ours_s, found.baseline_s))
    name = f"one by one: CPU of {site.codes:,} codes in calls of one, over a naive task for each"
    return Finding(name, [told, f"{ours_us:,.0f} over {naive_us:,.0f} µs a code"], ratio <= AT_MOST)


def _taken_s(worker: Worker, site: Site, begin: Callable[[], object]) -> float:
    before = _used_s(worker)
    begin()
    while CodeExport.objects.filter(connection=site.connection).exclude(status=Status.SUCCESS).exists():
        time.sleep(LOOK_S)
    require_success(site)
    return sum(used_s - before.get(process, 0) for process, used_s in _used_s(worker).items())


def _used_s(worker: Worker) -> dict[int, float]:
    """By process: the worker, the children of its pool, and the database backends of both."""
    mine = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    backends = f"SELECT pid FROM pg_stat_activity WHERE {mine}"  # noqa: S608
    processes = [worker.parent_id, *worker.child_ids(), *statements.column(backends, [])]
    return {process: _process_s(process) for process in processes}


def _process_s(process: int) -> float:
    """With its threads, also those that have ended."""
    user, system = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) * TICK_S
