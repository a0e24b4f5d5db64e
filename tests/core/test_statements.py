from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import BigIntegerField, CharField, F, Value
from django.db.models.functions import Concat

from core import statements
from core.statements import Given, Rows
from exports.models import CodeExport
from tests import factories
from tests.exports.scene import Scene

HARD = "50 % 'off' %s %% \\ ü😀"  # what a careless writing-out would trip over


def of_company() -> Rows[CodeExport]:
    told = Concat(Value(HARD), F("code"), output_field=CharField())
    return Rows(
        lambda: (
            CodeExport.objects.filter(company=Given("company", BigIntegerField()))
            .for_review()
            .select_related("connection__company", "item")
            .annotate(told=told)
        )
    )


def test_rows_are_what_the_queryset_gives(scene: Scene) -> None:
    scene.ready("01-100")
    scene.send("01-200")
    CodeExport.objects.update(receipt={"code": "01", "is_ours": True}, due_at=F("sent_at"))
    wanted = list(CodeExport.objects.for_review().select_related("connection__company", "item"))

    found = of_company().all(company=scene.alice.company_id)

    assert [row.code for row in found] == ["01-100", "01-200"]
    for row, want in zip(found, wanted, strict=True):
        columns = {name: value for name, value in vars(row).items() if name not in ("_state", "told")}
        assert columns == {name: value for name, value in vars(want).items() if name != "_state"}
        for name in ("connection", "item", "income_account", "expense_account"):
            assert row._state.fields_cache[name] == want._state.fields_cache[name]
        assert row.connection._state.fields_cache["company"] == scene.alice.company
        assert row.connection.options == scene.connection.options
        assert row.told == f"{HARD}{row.code}"
        assert not row._state.adding


def test_they_are_of_what_is_given(scene: Scene) -> None:
    scene.send("01-100")
    rows = of_company()

    assert rows.first(company=factories.make_company("Other", "other").pk) is None
    found = rows.first(company=scene.alice.company_id)
    assert found
    assert found.code == "01-100"


@pytest.mark.pg_only
def test_the_database_keeps_the_plan(scene: Scene) -> None:
    scene.send("01-100")
    rows = of_company()
    runs = "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE position(%s IN statement) > 0"

    for _ in range(3):
        rows.first(company=scene.alice.company_id)

    with connection.cursor() as cursor:
        cursor.execute(runs, [HARD[-2:]])
        assert cursor.fetchall() == [(3,)]


def test_a_saved_row_is_saved(scene: Scene) -> None:
    """It is a row like any other."""
    scene.send("01-100")
    row = of_company().first(company=scene.alice.company_id)
    assert row

    row.description = "Saved"
    row.save()

    assert CodeExport.objects.get(pk=row.pk).description == "Saved"


@pytest.mark.pg_only
def test_only_what_is_given_is_left_a_parameter(db: None) -> None:
    given = Given("name", CharField())

    sql, params = statements.written_out("SELECT %s, '%%', %s::text, %s", [HARD, given, 7])

    assert params == [given]
    with statements.run(sql, statements.with_given(params, {"name": "n"})) as cursor:
        assert cursor.fetchall() == [(HARD, "%", "n", 7)]
