"""The import of a long list: from the upload to the last row of the audit trail, beside bare ways to do its least.

Requests run in this process, as in `web`; what a worker does, it does in between. What counts is CPU: of this process,
of the one that reads the file, and of the database's backend.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

import tablib
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.models import QuerySet
from import_export import fields, resources
from import_export.instance_loaders import CachedInstanceLoader
from openpyxl import load_workbook

from benchmarks import files
from benchmarks.lists import Codes
from benchmarks.rig import Finding, Rig, ms, seconds, used_s
from erp_integrations.base import EXPENSE_KINDS, INCOME_KINDS
from tests import clock
from tests.factories import make_connection
from wbs.models import DefaultAccounts, ImportDraft, Segment, SegmentItem
from wbs.tasks import check_draft

AT_MOST = 1.0
LIBRARY_AT_MOST = 0.25  # of what django-import-export takes
CHOICES = {"delimiter": "-", "create_missing": "on"}
ACCOUNTS = ["Income Account", "Expense Account"]

Rows = Iterable[Sequence[Any]]


@dataclass(frozen=True)
class Taken:
    """What one way took."""

    cpu_s: float
    wall_s: float


class Race:
    """A file that comes in through the product, and in another way."""

    def __init__(self, rig: Rig, site: Codes, name: str, content: bytes) -> None:
        self.rig, self.site, self.name, self.content = rig, site, name, content

    def run(self, against: str, baseline: Callable[[], int], at_most: float | None, accounts: int = 0) -> Finding:
        """`baseline` tells how many codes it made."""
        site, walls = self.site, ([], [])

        def product() -> int:
            import_file(site, self.name, self.content)
            return SegmentItem.objects.count()

        def taken(action: Callable[[], int], wall: list[float]) -> float:
            site.empty()
            before = used_s()
            wall.append(seconds(lambda: _require(action(), site.number)))
            used = used_s() - before
            _require(DefaultAccounts.objects.count(), accounts)
            return used

        site.enter()
        found = self.rig.compare(lambda: taken(product, walls[0]), lambda: taken(baseline, walls[1]))
        target = "for information" if at_most is None else f"at most {at_most}"
        ratio, told = found.tell(lambda pair: pair.ours_s / pair.baseline_s, target)
        quickest = [min(wall) for wall in walls]
        lines = [
            told,
            f"{ms(found.ours_s)} over {ms(found.baseline_s)} of CPU, {len(self.content):,} bytes",
            f"by the wall at the quickest, for information: {ms(quickest[0])} over {ms(quickest[1])}",
        ]
        kind = self.name.rpartition(".")[2].upper() + (" with accounts" if accounts else "")
        name = f"import: {site.number:,} codes from {kind} over {against}"
        return Finding(name, lines, at_most is None or ratio <= at_most)


def from_xlsx(rig: Rig, site: Codes) -> Finding:
    race = Race(rig, site, "list.xlsx", files.as_xlsx(files.HEADING, files.rows_of(site.number), files.TITLE))
    bare = lambda: create(site.segment, read_xlsx(race.content))  # noqa: E731
    return race.run("openpyxl and bulk_create", bare, AT_MOST)


def from_csv(rig: Rig, site: Codes) -> Finding:
    race = Race(rig, site, "list.csv", files.as_csv(files.HEADING, files.rows_of(site.number)))
    bare = lambda: create(site.segment, read_csv(race.content))  # noqa: E731
    return race.run("csv.DictReader and bulk_create", bare, None)


def beside_library(rig: Rig, site: Codes) -> Finding:
    """django-import-export in bulk, as its admin goes: a check, rolled back, then the import; each reads the file.

    Few pairs, since it takes long.
    """
    rig = replace(rig, pairs=min(rig.pairs, 3), most_pairs=min(rig.most_pairs, 4))
    return _beside(rig, site, CodeResource, "django-import-export's check and import", LIBRARY_AT_MOST, (True, False))


def beside_blind_library(rig: Rig, site: Codes) -> Finding:
    """Its import alone, as quick as its settings make it: it checks nothing, looks nothing up and compares nothing."""
    return _beside(rig, site, BlindCodeResource, "django-import-export's import alone, at its quickest", None, (False,))


def _beside(
    rig: Rig,
    site: Codes,
    resource: type[resources.ModelResource],
    against: str,
    at_most: float | None,
    passes: Sequence[bool],
) -> Finding:
    race = Race(rig, site, "list.xlsx", files.as_xlsx(files.HEADING, files.rows_of(site.number), files.TITLE))

    def library() -> int:
        for is_check in passes:
            by_library(resource(site.segment), race.content, is_check)
        return SegmentItem.objects.count()

    return race.run(against, library, at_most)


def with_accounts(rig: Rig, site: Codes) -> Finding:
    """Each code names both its accounts; the company gets a connection for it, which it keeps."""
    site.enter()
    connection = make_connection(name="ERP", slug="erp", erp="instant")
    connection.sync_gl_accounts(None)
    charts = [connection.gl_accounts.active().of_kinds(kinds) for kinds in (INCOME_KINDS, EXPENSE_KINDS)]
    accounts = [{str(account): account.pk for account in chart} for chart in charts]
    names = [list(each) for each in accounts]
    rows = [[*row, *(name[at * 7 % len(name)] for name in names)] for at, row in enumerate(files.rows_of(site.number))]
    race = Race(rig, site, "list.xlsx", files.as_xlsx([*files.HEADING, *ACCOUNTS], rows, files.TITLE))

    def bare() -> int:
        read = read_xlsx(race.content)
        number = create(site.segment, [row[:3] for row in read])
        ids = dict(site.segment.items.values_list("full_code", "pk"))
        defaults = [
            DefaultAccounts(
                connection=connection,
                item_id=ids[code],
                income_account_id=accounts[0][income],
                expense_account_id=accounts[1][expense],
            )
            for code, _, _, income, expense in read
        ]
        DefaultAccounts.objects.bulk_create(defaults, batch_size=500)
        return number

    return race.run("openpyxl and bulk_create", bare, None, accounts=site.number)


ALL = (from_xlsx, from_csv, beside_library, beside_blind_library, with_accounts)


def import_file(site: Codes, name: str, content: bytes) -> None:
    """The clicks of a person, and what the worker does between them."""
    site.get("import/")
    site.post("import/", {**CHOICES, "file": SimpleUploadedFile(name, content)})
    draft = ImportDraft.objects.values_list("pk", flat=True).latest("pk")
    check_draft(draft)
    import_checked(site, draft)


def import_checked(site: Codes, draft: int) -> None:
    """Look at the check, and click on Import."""
    page = gzip.decompress(site.get(f"import/{draft}/").content).decode()
    found = re.findall(r'type="hidden" name="(draft|check)" value="([^"]*)"', page)
    fields = {name: unescape(value) for name, value in found}
    site.post("import/", {**CHOICES, **fields, "import": "1"})


def _require(made: int, wanted: int) -> None:
    if made != wanted:
        raise RuntimeError(f"{made:,} were imported instead of {wanted:,}.")


# The bare ways


def read_xlsx(content: bytes) -> list[Sequence[Any]]:
    sheet = load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    return list(sheet.iter_rows(min_row=3, values_only=True))


def read_csv(content: bytes) -> list[Sequence[Any]]:
    rows = csv.DictReader(io.StringIO(content.decode()))
    return [[row[name] for name in files.HEADING] for row in rows]


def create(segment: Segment, rows: Rows) -> int:
    """All that ours must do, too: the same columns with values of the same length, without any rule."""
    shared = {
        "company_id": segment.company_id,
        "segment": segment,
        "created_at": clock.now(),
    }  # else asked for row by row
    with transaction.atomic():
        items = [
            SegmentItem(
                **bare_values(code),
                description=description,
                description_key=description,
                is_active=status == "Active",
                **shared,
            )
            for code, description, status in rows
        ]
        SegmentItem.objects.bulk_create(items, batch_size=500)
    return SegmentItem.objects.count()


def bare_values(code: str) -> dict[str, str]:
    return {"code": code, "full_code": code, "full_code_key": code, "sort_key": code}


class CodeResource(resources.ModelResource):
    """Into a bare table: no rule, no tree, no event."""

    full_code = fields.Field(attribute="full_code", column_name="Cost Code")
    description = fields.Field(attribute="description", column_name="Description")
    status = fields.Field(column_name="Status")

    class Meta:
        model = SegmentItem
        fields = ("full_code", "description", "status")
        import_id_fields = ("full_code",)
        instance_loader_class = CachedInstanceLoader  # all at once: one by one would be ten times as slow
        use_bulk = True
        batch_size = 500

    def __init__(self, segment: Segment) -> None:
        super().__init__()
        self.segment = segment
        self.shared = {
            "company_id": segment.company_id,
            "segment": segment,
            "created_at": clock.now(),
        }

    def get_queryset(self) -> QuerySet[SegmentItem]:
        return self.segment.items.all()

    def before_save_instance(self, instance: SegmentItem, row: dict[str, str], **kwargs: Any) -> None:
        told = {"description_key": instance.description, "is_active": row["Status"] == "Active"}
        for name, value in {**self.shared, **bare_values(instance.full_code), **told}.items():
            setattr(instance, name, value)


class BlindCodeResource(CodeResource):
    class Meta(CodeResource.Meta):
        force_init_instance = skip_diff = True


def by_library(resource: resources.ModelResource, content: bytes, is_check: bool) -> None:
    data = tablib.Dataset().load(io.BytesIO(content), format="xlsx", skip_lines=1)
    result = resource.import_data(data, dry_run=is_check, use_transactions=True, raise_errors=True)
    if result.has_errors():
        raise RuntimeError("The library found errors.")
