from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from erp_integrations.base import Adapter, Capabilities, CodeData
from exports import services
from exports.services import clicks
from exports.services.sendable import keeps_rules
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
