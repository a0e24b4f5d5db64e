from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from django.db import connection as database

from erp_integrations.base import Adapter, Capabilities, CodeData
from exports import services
from exports.defaults import set_defaults
from exports.models import CodeExport
from exports.services import clicks
from exports.services.sendable import Sendable, keeps_rules
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import ScriptedAdapter
from tests.exports.steps import events
from wbs.codes import split
from wbs.models import Hold, SegmentItem

CODES = ["A", "a", "01", "01-1:0", "01-100%", "01-1_0", "01-\\", "01-😀😀", "01-ÄÖÜß", "01-" + "x" * 40, "İ" * 9]
DESCRIPTIONS = ["Walls", "W", "😀" * 12, "e\u0301" * 6, "Wände, außen", "x" * 100]
LIMITS: list[dict[str, Any]] = [
    {},
    {"code_limit": 9},
    {"code_limit": 5, "description_limit": 12},
    {"description_limit": 5},
    {"forbidden_characters": ":"},
    {"forbidden_characters": "aX%_\\-"},
    {"forbidden_characters": "aX%_\\-", "has_tiers": True},
    {"forbidden_characters": "😀ß", "code_limit": 40, "has_tiers": True},
]


@pytest.mark.parametrize("limits", LIMITS, ids=lambda limits: ",".join(limits) or "none")
def test_sql_lets_through_what_validate_has_nothing_against(scene: Scene, limits: dict[str, Any]) -> None:
    able = Capabilities(item_type="", proven_against="", **limits)
    adapter = type("Plain", (Adapter,), {"label": "Plain", "capabilities": able})(0, {}, {})
    segment = factories.make_segment()
    for code, (place, description) in product(CODES, enumerate(DESCRIPTIONS)):
        factories.make_cost_code(f"{code}{place}", description, segment)
    segment.items.filter(full_code__endswith="1").update(description="")

    let_through = set(segment.items.filter(keeps_rules(able, segment.delimiter)).values_list("full_code", flat=True))

    items = segment.items.all()
    codes = [CodeData("", it.full_code, it.description, split(it.full_code, segment.delimiter)) for it in items]
    assert let_through == {code.code for code in codes if not adapter.validate(code)}
    assert 0 < len(let_through) < len(codes)


def test_an_adapter_with_rules_of_its_own_is_asked_about_each_code(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def validate(adapter: Adapter, code: CodeData) -> list[str]:
        return ["Not on Mondays."] if code.code.endswith("1") else Adapter.validate(adapter, code)

    monkeypatch.setattr(ScriptedAdapter, "validate", validate, raising=False)
    ids = scene.add_codes("01-101", "01-102", "01-1:0")

    result = services.send_codes(scene.dora, scene.connection, ids)

    assert {problem.code: problem.sentence for problem in result.problems} == {
        "01-101": "Not on Mondays.",
        "01-1:0": "Scripted ERP does not allow : in a code. Take it out.",
    }
    assert scene.states() == {"01-102": "READY"}


@pytest.mark.parametrize("has_tiers", [False, True], ids=["codes alone", "divisions, too"])
def test_a_click_that_takes_several_statements_is_one_click(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, has_tiers: bool
) -> None:
    able = replace(ScriptedAdapter.capabilities, has_tiers=has_tiers)
    monkeypatch.setattr(ScriptedAdapter, "capabilities", able)
    monkeypatch.setattr(clicks, "PART", 2)
    scene.add_codes("01-100", "01-200", "01-300", "02-100", "03-1:0")
    divisions = {"01", "02", "03"}
    goes = {"01-100", "01-200", "01-300", "02-100"} | (divisions if has_tiers else set())

    assert services.send_codes(scene.dora, scene.connection, None).count == len(goes)
    erp = (scene.alice, scene.connection)
    services.assign_accounts(*erp, scene.seen(), scene.income.pk, scene.expense.pk)
    rejected = services.reject_codes(*erp, scene.seen())
    assert rejected.batch
    services.undo_rejection(scene.alice, rejected.batch)
    services.reject_codes(*erp, scene.seen())
    again = services.send_codes(scene.dora, scene.connection, list(SegmentItem.objects.values_list("pk", flat=True)))
    services.queue_codes(*erp, scene.seen())

    assert {problem.code for problem in again.problems} == {"03-1:0"} | divisions - goes
    for action, codes in {
        "export.assigned": goes,
        "export.undone": goes,
        "export.rejected": [*goes, *goes],
        "export.sent": [*goes, *goes],
        "export.queued": goes,
    }.items():
        assert [label for label, *_ in events(action)] == sorted(codes), action
    holds = Hold.objects.values_list("item__full_code", "status")
    assert dict(holds) == scene.states()
    check_invariants(scene.connection, scene.books)


def test_an_erp_without_an_expense_account_gets_the_default_of_a_division(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    able = replace(ScriptedAdapter.capabilities, has_expense_account=False)
    monkeypatch.setattr(ScriptedAdapter, "capabilities", able)
    ids = scene.add_codes("03-100", "03-200")
    set_defaults(scene.dora, scene.connection, SegmentItem.objects.get(full_code="03"), scene.income, scene.expense)

    services.send_codes(scene.dora, scene.connection, ids[:1])
    services.reject_codes(scene.alice, scene.connection, scene.seen())
    sent = services.send_codes(scene.dora, scene.connection, ids)

    accounts = CodeExport.objects.values_list("code", "income_account", "income_from", "expense_account")
    assert sent.count == 2
    assert set(accounts) == {(code, scene.income.pk, "03", None) for code in ("03-100", "03-200")}


def rows_read(call: Callable[[], Any]) -> int:
    """How many rows the call's queries go through, by PostgreSQL's plans; on SQLite, in steps of its machine."""
    counted = 0

    def of_plan(node: dict[str, Any]) -> int:
        own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
        return int(own * node["Actual Loops"]) + sum(of_plan(part) for part in node.get("Plans", ()))

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal counted
        with context["connection"].cursor().cursor as cursor:
            [[[told]]] = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params).fetchall()
        counted += of_plan(told["Plan"])
        return execute(sql, params, many, context)

    def step() -> None:
        nonlocal counted
        counted += 1

    if database.vendor == "postgresql":
        with database.cursor() as cursor:
            cursor.execute("ANALYZE")
        with database.execute_wrapper(explain):
            call()
        return counted
    database.connection.set_progress_handler(step, 10)
    try:
        call()
    finally:
        database.connection.set_progress_handler(None, 0)
    return counted


@pytest.mark.slow
def test_what_looking_for_rivals_costs_grows_as_the_list_does(scene: Scene) -> None:
    def cost(division: str, number: int) -> float:
        scene.send(*(f"{division}-{place}" for place in range(1000, 1000 + number)))
        new = scene.add_codes(*(f"{division}-{place}" for place in range(3000, 3000 + number)))
        return rows_read(lambda: Sendable(scene.connection).among(new)) / number

    few, many = cost("01", 100), cost("02", 800)

    assert many < 1.5 * few
