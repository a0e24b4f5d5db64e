"""The child of `against` that imports: `one_import.py FILE CODES`, with whichever checkout of Tieback is on the path.

A line is, by tabs, a name and a number. It may use only what the older checkout has, too, and imports nothing heavy of
its own, since what the process keeps counts.
"""

from __future__ import annotations

import gzip
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import django

CHOICES = {"delimiter": "-", "create_missing": "on"}
APART = """if True:
    import atexit, runpy, sys
    status = open("/proc/self/status")
    atexit.register(lambda: print("".join(status), file=sys.stderr))
    sys.argv = ["", "500"]
    runpy.run_module({module!r}, run_name="__main__")
"""


def main(path: str, codes: str) -> None:
    django.setup()

    from django.core.management import call_command

    from benchmarks.lists import Codes
    from benchmarks.sites import enter, own_database

    with own_database() as name:
        enter(name)
        call_command("migrate", verbosity=0)
        site = Codes(name, 1)
        site.empty()
        site.get("import/")
        peaks = _import(site, Path(path))  # memory of a fresh process, CPU of one that is warm
        _tell("peak of the process", max(peaks.values()))
        _tell("peak over rest", max(peaks.values()) - peaks["rest"])
        for step, peak_mb in peaks.items():
            _tell(f"peak of {step}", peak_mb)
        site.empty()
        used, began_s = _used(), time.monotonic()
        _import(site, Path(path), watches=False)
        took_s = time.monotonic() - began_s
        for part, now, before in zip(("process", "reader", "backend"), _used(), used, strict=True):
            _tell(f"CPU of {part}", now - before)
        _tell("seconds", took_s)
        _require(codes)
    _tell("peak of the reader", _reader_peak_mb(Path(path)))


def _import(site: Any, path: Path, watches: bool = True) -> dict[str, float]:
    """A person's clicks and the worker's part in between; the peak of the process in each step, in MB."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from wbs.models import ImportDraft
    from wbs.tasks import check_draft

    peaks = {"rest": _peak_mb(Path("/proc/self/status").read_text(), "VmRSS")}

    def take(name: str, step: Callable[[], Any]) -> Any:
        if not watches:
            return step()
        Path("/proc/self/clear_refs").write_text("5")
        done = step()
        peaks[name] = _peak_mb(Path("/proc/self/status").read_text())
        return done

    def upload() -> None:
        site.post("import/", {**CHOICES, "file": SimpleUploadedFile(path.name, path.read_bytes())})

    take("the upload", upload)
    draft = ImportDraft.objects.values_list("pk", flat=True).latest("pk")
    take("the check", lambda: check_draft(draft))
    page = take("the page", lambda: gzip.decompress(site.get(f"import/{draft}/").content).decode())
    found = re.findall(r'type="hidden" name="(draft|check)" value="([^"]*)"', page)
    fields = {name: unescape(value) for name, value in found}
    take("the import", lambda: site.post("import/", {**CHOICES, **fields, "import": "1"}))
    return peaks


def _require(codes: str) -> None:
    from wbs.models import SegmentItem

    if SegmentItem.objects.count() != int(codes):
        raise RuntimeError("Not all was imported.")


def _reader_peak_mb(path: Path) -> float:
    """Of the process that reads, run by itself: what the kernel tells of an ended child has its parent's peak in it."""
    from wbs.lists.limited import COMMAND

    *python, _, module = COMMAND
    command = [*python, "-c", APART.format(module=module)]
    with path.open("rb") as content:
        ran = subprocess.run(command, stdin=content, capture_output=True, text=True, check=True)
    return _peak_mb(ran.stderr)


def _peak_mb(status: str, line: str = "VmHWM") -> float:
    return int(re.findall(rf"{line}:\s+(\d+) kB", status)[0]) / 1024


def _used() -> tuple[float, float, float]:
    """CPU seconds of this process, of its ended children and of its database backend."""
    from django.db import connection

    connection.ensure_connection()
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran_ns, *_ = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text().split()
    return time.process_time(), children.ru_utime + children.ru_stime, int(ran_ns) / 1e9


def _tell(name: str, value: float) -> None:
    print(name, value, sep="\t", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
