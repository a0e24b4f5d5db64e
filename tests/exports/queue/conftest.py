from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from erp_integrations.base import CodeData, Outcome
from tests.exports.queue.turns import SIZE, During
from tests.exports.scene import Scene
from tests.exports.scripted import ScriptedAdapter


@pytest.fixture
def small_calls(scene: Scene) -> None:
    """So that a few codes make several of them."""
    scene.connection.options["batch_size"] = SIZE
    scene.connection.save(update_fields=["options"])


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[During], None]:
    """Makes the ERP do something at the end of each call."""

    def arrange(act: During) -> None:
        numbers = iter(range(1, 100))
        export_codes = ScriptedAdapter.export_codes

        def export(self: ScriptedAdapter, codes: Sequence[CodeData]) -> list[Outcome]:
            outcomes = export_codes(self, codes)
            act(next(numbers))
            return list(outcomes)

        monkeypatch.setattr(ScriptedAdapter, "export_codes", export)

    return arrange
