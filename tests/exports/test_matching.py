from __future__ import annotations

import pytest

from exports import services
from exports.matching import find_matches, match
from exports.models import CodeExport, RemoteItem, Status
from tests.exports.scene import Scene
from tests.exports.steps import by_hand, put, queries
from wbs.models import SegmentItem


def matches(scene: Scene) -> dict[str, tuple[str, str]]:
    return {found.export.code: (found.item.remote_id, found.how) for found in find_matches(scene.connection)}


def test_codes_meet_items_by_code_by_a_code_alike_and_by_description(scene: Scene) -> None:
    scene.send("01-100", "01-200", "01-300", "01-400", "01-500")
    CodeExport.objects.filter(code="01-400").update(description_key="concrete walls")
    by_hand(scene, "01-100")
    by_hand(scene, "1.200", "Two")
    by_hand(scene, "01300", "Three")
    by_hand(scene, "WALLS", "Concrete Walls")

    services.read_items(scene.connection, scene.alice)

    assert matches(scene) == {
        "01-100": ("R1", "Same code"),
        "01-200": ("R2", "Code alike"),
        "01-300": ("R3", "Code alike"),
        "01-400": ("R4", "Same description"),
    }


def test_items_of_other_signs_have_the_same_code(scene: Scene) -> None:
    scene.send("01-1 00", "01-'2", "01-300")
    for code in ("01–1\u00a000", "01‑’2", "０１－300"):
        by_hand(scene, code)

    services.read_items(scene.connection, scene.alice)

    assert {how for _, how in matches(scene).values()} == {"Same code"}
    assert len(matches(scene)) == 3


def test_between_codes_that_read_alike_people_choose(scene: Scene) -> None:
    scene.send("01-1 00", "01-9")
    old = {"code": "01-1\u00a000", "code_key": "01-1\u00a000"}
    CodeExport.objects.filter(code="01-9").update(**old)
    SegmentItem.objects.filter(full_code="01-9").update(full_code=old["code"], full_code_key=old["code"])
    by_hand(scene, "01-1\u00a000")

    services.read_items(scene.connection, scene.alice)

    assert matches(scene) == {}


def test_what_fits_several_is_left_to_people(scene: Scene) -> None:
    scene.send("01-100", "01-200", "01-300")
    CodeExport.objects.update(description_key="the same")
    by_hand(scene, "1-100", "a")
    by_hand(scene, "001-100", "b")
    by_hand(scene, "x", "The same")
    services.read_items(scene.connection, scene.alice)

    assert matches(scene) == {}


@pytest.mark.parametrize("why", ["ours", "inactive", "taken", "an obstacle"])
def test_items_that_cannot_be_taken_are_not_offered(scene: Scene, why: str) -> None:
    scene.send("01-100", "01-200")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    assert len(matches(scene)) == 1

    if why == "taken":
        put("01-200", Status.SUCCESS, remote_id="R1")
    else:
        changes = {"ours": {"is_ours": True}, "inactive": {"is_active": False}, "an obstacle": {"obstacle": "No."}}
        RemoteItem.objects.update(**changes[why])

    assert matches(scene) == {}


@pytest.mark.parametrize("status", sorted(Status))
def test_only_codes_that_wait_for_a_person_are_offered(scene: Scene, status: Status) -> None:
    scene.ready("01-100")
    by_hand(scene, "01-100")
    services.read_items(scene.connection, scene.alice)
    put("01-100", status, remote_id="R9" if status == Status.SUCCESS else None)

    assert bool(matches(scene)) is (status in {Status.READY, Status.FAILED, Status.ATTENTION})


def test_codes_and_items_without_letters_or_digits_match_nothing() -> None:
    exports = [CodeExport(pk=1, code="--", code_key="--", description_key="a")]
    items = [RemoteItem(pk=1, code="..", description=""), RemoteItem(pk=2, code="", description="")]

    assert match(exports, items) == []


def test_matching_takes_three_queries(scene: Scene) -> None:
    scene.send(*(f"01-{number}" for number in range(100, 120)))
    for number in range(100, 120):
        by_hand(scene, f"01-{number}")
    services.read_items(scene.connection, scene.alice)

    assert len(queries(lambda: find_matches(scene.connection))) == 3
