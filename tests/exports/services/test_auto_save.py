from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from companies.models import AuditEvent
from erp_integrations.base import AccountKind
from exports import services
from exports.models import ASSIGNABLE, Cause, CodeExport, Conflict, Invalid, Status
from exports.services import auto_save
from tests import factories
from tests.exports.scene import Scene
from tests.exports.steps import put


def assign(scene: Scene, row: CodeExport, version: int | None = None, **values: int | None) -> CodeExport:
    chosen = {"income_id": scene.income.pk, "expense_id": None, **values}
    return services.assign(row.pk, scene.alice, "scripted-erp", version or row.version, **chosen)


def test_assign_saves_both_accounts_and_says_what_they_were(scene: Scene) -> None:
    [row] = scene.send("01-100")

    saved = assign(scene, row, expense_id=scene.expense.pk)

    row.refresh_from_db()
    assert (row.income_account, row.expense_account, row.version) == (scene.income, scene.expense, 2)
    assert (saved.version, saved.income_account, saved.changed_by_id) == (2, scene.income, scene.alice.user_id)
    event = AuditEvent.objects.get(action="export.assigned")
    assert (event.actor, event.label, event.old, event.new) == (
        scene.alice.user,
        "01-100",
        "Income: none; Expense: none",
        "Income: 4000 Account 4000; Expense: 5000 Account 5000",
    )


def test_assign_takes_a_query_and_a_statement_that_writes(scene: Scene) -> None:
    [row] = scene.send("01-100")

    with CaptureQueriesContext(connection) as captured:
        assign(scene, row, expense_id=scene.expense.pk)

    statements = [q["sql"] for q in captured if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) == (2 if connection.vendor == "postgresql" else 3), statements


def test_assign_leaves_the_credentials_of_the_erp_alone(scene: Scene) -> None:
    [row] = scene.send("01-100")

    assert "credentials" in assign(scene, row).connection.get_deferred_fields()


def test_assign_refuses_a_stale_version_and_shows_the_newer_row(scene: Scene) -> None:
    [row] = scene.send("01-100")
    assign(scene, row)

    with pytest.raises(Conflict) as conflict:
        assign(scene, row, income_id=None)

    assert (conflict.value.row.version, conflict.value.row.income_account) == (2, scene.income)


def test_the_same_save_twice_is_one_save(scene: Scene) -> None:
    [row] = scene.send("01-100")
    assign(scene, row)

    again = assign(scene, row)

    assert again.version == 2
    assert AuditEvent.objects.filter(action="export.assigned").count() == 1


@pytest.mark.parametrize("status", sorted(set(Status) - set(ASSIGNABLE)))
def test_assign_changes_nothing_from_acceptance_on(scene: Scene, status: Status) -> None:
    [row] = scene.ready("01-100")
    put("01-100", status, remote_id="R1")

    with pytest.raises(Conflict):
        assign(scene, row, expense_id=None)

    assert scene.row("01-100").expense_account == scene.expense


@pytest.mark.parametrize("change", [{"status": Status.REJECTED, "cause": Cause.REJECTED}, {"version": 9}])
def test_assign_guards_against_a_change_between_its_read_and_its_write(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    [row] = scene.send("01-100")
    rows = CodeExport.objects.filter(pk=row.pk)

    write = auto_save._write

    def sneak(*how: Any) -> bool:
        rows.update(**change)
        return write(*how)

    monkeypatch.setattr(auto_save, "_write", sneak)

    with pytest.raises(Conflict) as conflict:
        assign(scene, row)

    assert {name: getattr(conflict.value.row, name) for name in change} == change
    assert scene.row("01-100").income_account is None


def test_assign_refuses_accounts_that_are_not_offered(scene: Scene) -> None:
    [row] = scene.send("01-100")
    other = factories.make_connection(slug="other-erp")
    elsewhere = factories.make_account(other, "4000").pk
    idle = factories.make_account(scene.connection, "4100", is_active=False).pk
    balance = factories.make_account(scene.connection, "1000", AccountKind.OTHER).pk

    for wrong in (elsewhere, idle, balance, scene.expense.pk, 10**9):
        with pytest.raises(Invalid, match="cannot be the income account of 01-100"):
            assign(scene, row, income_id=wrong)
    for wrong in (elsewhere, balance, scene.income.pk):
        with pytest.raises(Invalid, match="cannot be the expense account of 01-100"):
            assign(scene, row, expense_id=wrong)
    assert scene.row("01-100").version == 1


def test_an_account_that_became_inactive_may_stay(scene: Scene) -> None:
    [row] = scene.ready("01-100")
    scene.income.is_active = False
    scene.income.save()

    assert assign(scene, row, expense_id=None).version == row.version + 1


def test_assign_knows_no_row_of_another_company_or_connection(scene: Scene) -> None:
    [row] = scene.send("01-100")
    charlie = factories.make_charlie()

    with pytest.raises(CodeExport.DoesNotExist):
        services.assign(row.pk, charlie, "scripted-erp", 1, scene.income.pk, None)
    with pytest.raises(CodeExport.DoesNotExist):
        services.assign(row.pk, scene.alice, "other-erp", 1, scene.income.pk, None)
