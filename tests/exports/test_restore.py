"""A backup is restored: codes exported since are lost here, and others get their ids. What the ERP holds decides."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.management.color import no_style
from django.db import connection as database
from django.test import Client

from erp_integrations.adapters.practice.models import PracticeAccount, PracticeItem
from erp_integrations.models import Connection
from exports import queue, services
from exports.matching import lost_items
from exports.models import CodeExport
from exports.pages.counts import Counts
from exports.services import Selection
from tests import factories
from tests.exports.review_pages import let_a_worker_answer
from tests.exports.steps import link_row
from tests.servers.postgres import find_programs
from tests.servers.tryton import TrytonServer
from wbs.models import SegmentItem

pytestmark = pytest.mark.django_db(transaction=True)

KEPT, LOST, NEW = "01-100", ("02-100", "02-200", "02-300"), ("03-100", "03-200", "02-300")
LINK = "/companies/sample-builders/erp-integrations/erp/link/"


class Backup:
    """The whole database, as the operator's guide has it dumped and restored."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tieback.dump"
        if database.vendor == "sqlite":
            _copy(database.settings_dict["NAME"], self.path)
        else:
            self._run("pg_dump", "-Fc", "-f", str(self.path), "-d", self._url)

    def restore(self) -> None:
        database.close()
        if database.vendor == "sqlite":
            _copy(self.path, database.settings_dict["NAME"])
        else:
            self._run("pg_restore", "--clean", "--if-exists", "-d", self._url, str(self.path))

    @property
    def _url(self) -> str:
        at = database.settings_dict
        return f"postgresql://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run([str(find_programs() / program), *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def _copy(source: Path | str, target: Path | str) -> None:
    """All that a SQLite database holds, whoever else has it open: part of it may lie in its write-ahead log."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@dataclass
class Erp:
    """How the test reads an ERP and renames an item there, without the adapter."""

    values: dict[str, Any]
    names: Callable[[], dict[str, str]]  # code -> remote id
    outlives: Callable[[Callable[[], None]], None] = lambda restore: restore()  # what is done with the ERP meanwhile


@pytest.fixture(scope="module")
def tryton_server() -> Iterator[TrytonServer]:
    with TrytonServer() as server:
        yield server


@pytest.fixture(params=["practice", "tryton"])
def erp(request: Any) -> Erp:
    if request.param == "practice":
        return Erp({"erp": "practice"}, _practice_names, _keep_practice_books)
    server = request.getfixturevalue("tryton_server")

    def names() -> dict[str, str]:
        rows = server.rpc("product.product", "search_read", [], 0, None, None, ["code"])
        return {row["code"]: str(row["id"]) for row in rows}

    return Erp({"erp": "tryton", "options": server.options, "credentials": server.credentials}, names)


def _practice_names() -> dict[str, str]:
    return {code: str(pk) for pk, code in PracticeItem.objects.values_list("pk", "code")}


def _keep_practice_books(restore: Callable[[], None]) -> None:
    """Its books lie in our database, which a real ERP's do not: they stay as they are."""
    kept = serializers.serialize("json", [*PracticeAccount.objects.all(), *PracticeItem.objects.all()])
    restore()
    for row in serializers.deserialize("json", kept):
        row.save()
    with database.cursor() as cursor:
        for sql in database.ops.sequence_reset_sql(no_style(), [PracticeAccount, PracticeItem]):
            cursor.execute(sql)


class Office:
    def __init__(self, erp: Erp) -> None:
        self.erp, self.dora, self.alice = erp, factories.make_dora(), factories.make_alice()
        self.connection = factories.make_connection(slug="erp", **erp.values)
        self.connection.sync_gl_accounts(None)

    def export(self, *codes: str) -> dict[str, CodeExport]:
        """From the WBS to the ERP, as far as it goes."""
        ids = [factories.make_cost_code(code).pk for code in codes]
        services.send_codes(self.dora, self.connection, ids)
        able = self.connection.capabilities
        income = self.connection.gl_accounts.active().of_kinds(able.income_kinds).first()
        counts = Counts.read(self.connection, "")
        seen = Selection(counts.now, counts.last_batch)
        services.assign_accounts(self.alice, self.connection, seen, income.pk, services.KEEP)
        counts = Counts.read(self.connection, "")
        services.queue_codes(self.alice, self.connection, Selection(counts.now, counts.last_batch))
        while queue.export_portions(self.connection.pk):
            pass
        assert not CodeExport.objects.filter(status__in=["QUEUED", "EXPORTING", "UNKNOWN"]).exists()
        return {row.code: row for row in CodeExport.objects.filter(code__in=codes)}

    def check(self) -> None:
        """No code is Success on an item that is called as another code is."""
        names = {remote_id: code for code, remote_id in self.erp.names().items()}
        for row in CodeExport.objects.filter(status="SUCCESS"):
            assert names[row.remote_id or ""] == row.code


def test_no_code_ever_takes_the_item_of_one_that_was_lost(erp: Erp, tmp_path: Path) -> None:
    office = Office(erp)
    office.export(KEPT)
    backup = Backup(tmp_path)
    lost = {code: (row.item_id, row.pk, row.reference) for code, row in office.export(*LOST).items()}
    there = erp.names()

    erp.outlives(backup.restore)
    office.connection = Connection.objects.get(pk=office.connection.pk)
    assert set(CodeExport.objects.values_list("code", flat=True)) == {KEPT}
    new = office.export(*NEW)

    # Others got the ids of the lost ones, and no reference of theirs.
    assert {row.item_id for row in new.values()} & {item for item, _, _ in lost.values()}
    assert {row.pk for row in new.values()} == {pk for _, pk, _ in lost.values()}
    assert not {row.reference for row in new.values()} & {reference for _, _, reference in lost.values()}
    states = {code: row.status for code, row in new.items()}
    assert states == {"03-100": "SUCCESS", "03-200": "SUCCESS", "02-300": "ATTENTION"}
    assert {code: erp.names()[code] for code in there} == there, "nothing was renamed or doubled"
    office.check()

    # One click on Link is not enough for the one that met a lost code's item.
    row, remote_id = new["02-300"], there["02-300"]
    assert link_row(office.alice, row, remote_id).count == 0

    _link_back(office, there)


def _link_back(office: Office, there: dict[str, str]) -> None:
    """By the page: "Compare with ERP" lists what was lost, and links it to the cost codes of those codes."""
    client = Client()
    client.force_login(office.alice.user)
    client.post(f"{LINK}read/")
    let_a_worker_answer()
    assert set(lost_items(office.connection).values_list("code", flat=True)) == set(LOST)
    assert f'href="{LINK}lost/"' in client.get(LINK).content.decode()
    page = client.get(f"{LINK}lost/").content.decode()
    assert "Add the code in the WBS and send it" in page
    services.send_codes(office.dora, office.connection, [factories.make_cost_code(code).pk for code in LOST])

    page = client.get(f"{LINK}lost/")
    rows = page.context["rows"]
    shown = {f"despite-{one.item.remote_id}": claim for one, claim in rows}
    shown |= {"export": [f"{one.export.pk}:{one.item.remote_id}" for one, _ in rows], "back": "lost"}
    unconfirmed = client.post(f"{LINK}selected/", shown)
    assert unconfirmed["Location"] == f"{LINK}lost/"
    let_a_worker_answer()
    assert not CodeExport.objects.filter(code__in=LOST, status="SUCCESS").exists()
    client.post(f"{LINK}selected/", {**shown, "confirm": "1"})
    let_a_worker_answer()

    found = CodeExport.objects.filter(code__in=LOST).values_list("code", "status", "remote_id")
    assert {code: (status, remote_id) for code, status, remote_id in found} == {
        code: ("SUCCESS", there[code]) for code in LOST
    }
    assert "Every item that carries a reference of Tieback belongs" in client.get(f"{LINK}lost/").content.decode()
    office.check()


def test_codes_that_the_backup_has_unsent_are_success_when_they_are_sent_again(erp: Erp, tmp_path: Path) -> None:
    office = Office(erp)
    code = "04-100"
    factories.make_cost_code(code)
    backup = Backup(tmp_path)
    before = office.export(code)[code]

    erp.outlives(backup.restore)
    office.connection = Connection.objects.get(pk=office.connection.pk)
    assert SegmentItem.objects.filter(full_code=code).exists()
    after = office.export(code)[code]

    assert (after.status, after.reference, after.remote_id) == ("SUCCESS", before.reference, before.remote_id)
    office.check()
