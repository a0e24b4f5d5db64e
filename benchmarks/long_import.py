"""A workbook as long as a list may be, checked by a worker as production runs it: how long, and how much memory."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile

from benchmarks import files
from benchmarks.imports import CHOICES, import_checked
from benchmarks.lists import Codes
from benchmarks.rig import Finding, seconds
from tests.servers.celery import Worker
from wbs.models import ImportDraft, SegmentItem

MOST_MB = 500
LOOK_S = 0.01


@dataclass
class Watch:
    """Peaks of the worker's processes, and the signs of life that a person sees."""

    worker: Worker
    working_mb: float = 0
    reading_mb: float = 0
    signs: set[tuple[bool, int]] = field(default_factory=set)

    def look(self, draft: ImportDraft) -> None:
        draft.look_again()
        self.signs.add((draft.is_read, draft.done))
        for pid in self.worker.child_ids():
            self.working_mb = max(self.working_mb, _peak_mb(pid))
            for reader in _children_of(pid):
                self.reading_mb = max(self.reading_mb, _peak_mb(reader))


def whole(site: Codes) -> Finding:
    """From the upload to the last row of the audit trail; the memory is that of who works and who reads."""
    site.enter()
    site.empty()
    rows = files.rows_of(site.number, ["As agreed"])
    content = files.as_xlsx([*files.HEADING, "Notes"], rows)
    with Worker(DJANGO_SETTINGS_MODULE="benchmarks.settings") as worker:
        watch = Watch(worker)
        upload = {**CHOICES, "file": SimpleUploadedFile("list.xlsx", content)}
        site.get("import/")
        upload_s = seconds(lambda: site.post("import/", upload))
        draft = ImportDraft.objects.latest("pk")
        check_s = seconds(lambda: _watch_until_checked(watch, draft))
        import_s = seconds(lambda: import_checked(site, draft.pk))
    if SegmentItem.objects.count() != site.number:
        raise RuntimeError("Not all was imported.")
    memory_mb = watch.working_mb + watch.reading_mb
    lines = [
        f"{memory_mb:,.0f} MB, at most {MOST_MB}: {watch.working_mb:,.0f} worker, {watch.reading_mb:,.0f} its reader",
        f"upload {upload_s:.1f} s, check {check_s:.1f} s, page and import {import_s:.1f} s; {len(content):,} bytes",
        f"{len(watch.signs)} signs of life were seen",
    ]
    name = f"long import: {site.number:,} codes from XLSX of four columns through a worker"
    return Finding(name, lines, memory_mb <= MOST_MB and len(watch.signs) > 2)


def _watch_until_checked(watch: Watch, draft: ImportDraft) -> None:
    while draft.report is None:
        watch.look(draft)
        time.sleep(LOOK_S)
    if trouble := draft.report.get("trouble"):
        raise RuntimeError(trouble)


def _children_of(pid: int) -> list[int]:
    """Of all its threads; none of a process that has ended."""
    try:
        return [
            int(child) for each in Path(f"/proc/{pid}/task").glob("*/children") for child in each.read_text().split()
        ]
    except OSError:
        return []


def _peak_mb(pid: int) -> float:
    """The most memory that it held until now; 0 of one that has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) / 1024 if found else 0
