"""Steps that tests of several services take, and looks that they take afterwards."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from companies.models import AuditEvent, Company, Member
from erp_integrations.base import CodeData
from erp_integrations.models import Connection
from exports import services
from exports.models import Cause, CodeExport, Status
from tests import factories
from tests.exports.scene import Scene
from wbs.lists.checking import NewCode
from wbs.models import SegmentItem


def events(action: str) -> list[tuple[str, str, str]]:
    """What the audit trail tells of an action: label, old, new."""
    return list(AuditEvent.objects.filter(action=action).order_by("label", "id").values_list("label", "old", "new"))


def put(code: str, status: Status, **values: Any) -> CodeExport:
    values["cause"] = Cause.REJECTED if status == Status.REJECTED else ""
    CodeExport.objects.filter(code=code).update(status=status, **values)
    return CodeExport.objects.get(code=code)


def queries(call: Any) -> list[str]:
    """Statements of a call; BEGIN, COMMIT and SAVEPOINT are not counted."""
    with CaptureQueriesContext(connection) as captured:
        call()
    return [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]


def make_many(scene: Scene, division: str, number: int) -> None:
    top = factories.make_cost_code(division)
    codes = [NewCode((division, f"{place:04}"), "Many") for place in range(1, number + 1)]
    top.segment.add_codes(codes, "-", None)
    new = top.children.exclude(holds__connection=scene.connection)
    services.send_codes(scene.dora, scene.connection, list(new.values_list("pk", flat=True)))
    CodeExport.objects.filter(status="READY").update(income_account=scene.income)


def by_hand(scene: Scene, code: str, description: str = "Theirs") -> str:
    """Someone types an item into the ERP; its remote id."""
    return str(scene.books.add(CodeData("", code, description, income_account="4000"), by_hand=True)["remote_id"])


def link(scene: Scene, **seen: str) -> services.Result:
    """By alice: `link(scene, **{"01-100": "R1"})`."""
    ids = dict(CodeExport.objects.filter(code__in=seen).values_list("code", "pk"))
    return services.link_codes(
        scene.alice, scene.connection, {ids[code]: remote_id for code, remote_id in seen.items()}
    )


def link_row(who: Member, row: CodeExport, remote_id: str, despite: str = "") -> services.Result:
    return services.link_codes(who, row.connection, {row.pk: remote_id}, {row.pk: despite})


def synced(scene: Scene, *codes: str) -> None:
    scene.queue(*codes)
    scene.drain()


def describe(code: str, text: str = "Renamed here") -> None:
    """Someone edits the description in the WBS."""
    item = SegmentItem.objects.get(full_code=code)
    item.describe(text)
    item.version += 1
    item.save()


def update(scene: Scene, code: str = "01-100", who: Any = None, **values: Any) -> services.Result:
    """By alice, who sees it as it is now and chooses the accounts that it has."""
    row = scene.row(code)
    seen = {
        "version": row.version,
        "item_version": row.item.version,
        "income_id": row.income_account_id,
        "expense_id": row.expense_account_id,
        **values,
    }
    return services.queue_update(who or scene.alice, row, **seen)


def changed(scene: Scene, *codes: str) -> None:
    synced(scene, *codes)
    for code in codes:
        describe(code)


def held(scene: Scene, remote_id: str = "R1") -> dict[str, Any]:
    return next(item for item in scene.books.held() if item["remote_id"] == remote_id)


def neighbours(scene: Scene, number: int, company: Company | None = None, **values: Any) -> list[Connection]:
    """More connections of the company (or another), each with the code of the scene."""
    found: list[Connection] = []
    for place in range(number):
        own = {"erp": "scripted", "name": f"N{place}", "slug": f"n{place}", "options": {}, **values}
        erp = factories.make_connection(company, **own)
        found.append(erp)
        row = CodeExport.objects.get(connection=scene.connection)
        row.pk, row.connection, row.company, row.remote_id = None, erp, erp.company, None
        row.save()
    return found
