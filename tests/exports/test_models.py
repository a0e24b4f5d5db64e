from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from exports.models import CodeExport
from tests.exports.scene import Scene


def test_codes_come_in_natural_order(scene: Scene) -> None:
    scene.send("02-1", "01-10", "01-2", "01-A")

    assert [row.code for row in CodeExport.objects.for_review()] == ["01-2", "01-10", "01-A", "02-1"]


def test_search_finds_code_and_description_whatever_the_case(scene: Scene) -> None:
    scene.send("01-A", "02-B")
    CodeExport.objects.filter(code="02-B").update(description_key="ölfarbe")

    assert [row.code for row in CodeExport.objects.matching("01-a")] == ["01-A"]
    assert [row.code for row in CodeExport.objects.matching("ÖLF")] == ["02-B"]
    assert CodeExport.objects.matching("").count() == 2


@pytest.mark.parametrize("values", [{"status": "SUCCESS"}, {"status": "QUEUED"}, {"status": "EXPORTING"}])
def test_the_database_refuses_success_without_id_and_acceptance_without_account(
    scene: Scene, values: dict[str, str]
) -> None:
    scene.send("01-100")

    with pytest.raises(IntegrityError), transaction.atomic():
        CodeExport.objects.update(**values)
