"""An item of the ERP that another code's reference or code is on is never taken without a person who confirms that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from erp_integrations.base import Exported, Receipt
from exports import queue, services
from exports.matching import find_matches
from exports.models import CodeExport, Drift, Status
from exports.pages.rows import Row
from exports.queue import erp_calls
from exports.queue.ownership import CARRIES, LOST, NAMED
from tests import factories
from tests.exports.referee import check_history
from tests.exports.scene import Scene
from tests.exports.steps import by_hand, events, link, link_row, put, synced
from wbs.models import SegmentItem

CONFIRMED = "Confirmed by the one who linked it: "


def lose(scene: Scene, code: str, reference: str = "c0ffee-1") -> str:
    """An item under a reference that no code here has, as after a restore; its remote id."""
    [row] = scene.ready(code)
    data = CodeExport.objects.for_adapter().get(pk=row.pk).as_data()
    return str(scene.books.add(replace(data, reference=reference))["remote_id"])


def met(scene: Scene, code: str = "01-100") -> CodeExport:
    """The code met a lost one's item when it was exported."""
    lose(scene, code)
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    CodeExport.objects.update(ask_first=True)
    scene.drain()
    return scene.row(code)


def test_what_carries_anothers_reference_needs_review_and_says_so(scene: Scene) -> None:
    row = met(scene)

    assert (row.status, row.message) == (
        "ATTENTION",
        "The ERP already has an item 01-100, but it carries the identifier of another cost code or another program.",
    )
    assert queue.why_anothers_of(row) == LOST


def test_an_adapter_that_takes_anothers_item_for_success_is_not_believed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.queue("01-100")
    send = erp_calls.export

    def export_to_anothers(*words):
        outcomes, error = send(*words)
        receipts = {name: replace(told.receipt, is_ours=False, owner="x") for name, told in outcomes.items()}
        return {name: Exported(name, receipt) for name, receipt in receipts.items()}, error

    monkeypatch.setattr(erp_calls, "export", export_to_anothers)

    scene.drain()

    assert scene.states() == {"01-100": "ATTENTION"}


def test_link_refuses_anothers_item_until_just_that_is_confirmed(scene: Scene) -> None:
    row = met(scene)

    for despite in ("", "yes", CARRIES.format(code="01-100")):
        refused = link_row(scene.alice, row, "R1", despite)
        assert (refused.count, scene.states()) == (0, {"01-100": "ATTENTION"})
        assert LOST in refused.problems[0].sentence
    result = link_row(scene.alice, row, "R1", LOST)

    assert (result.count, scene.row("01-100").remote_id) == (1, "R1")
    assert events("export.linked") == [("01-100", "Needs review", f"Success: {CONFIRMED}{LOST}")]
    check_history([scene.row("01-100")])


def test_the_code_whose_reference_it_is_is_named_within_the_company_alone(scene: Scene) -> None:
    row = met(scene)
    theirs = factories.make_connection(factories.make_charlie().company, name="Theirs", slug="theirs")
    factories.make_export("09-900", theirs, reference="c0ffee-1")
    assert queue.why_anothers_of(row) == LOST, "another company's"

    factories.make_export("01-200", scene.connection, reference="c0ffee-1")

    assert queue.why_anothers_of(row) == CARRIES.format(code="01-200")
    assert link_row(scene.alice, row, "R1", LOST).count == 0, "it was something else that was confirmed"


@pytest.mark.parametrize("name", ["01-200", "01:200", "01 200", "01–200", "０１‑200"])
def test_an_item_that_is_called_as_another_cost_code_is_not_linked_by_the_way(scene: Scene, name: str) -> None:
    scene.ready("01-100")
    factories.make_cost_code("01-200", "Never sent")
    by_hand(scene, name, "Description 01-100")
    services.read_items(scene.connection, scene.alice)

    assert find_matches(scene.connection) == [], "it is not even proposed"
    result = link(scene, **{"01-100": "R1"})

    assert (result.count, scene.states()) == (0, {"01-100": "READY"})
    assert NAMED.format(name=name) in result.problems[0].sentence


@pytest.mark.parametrize("name", ["01.100", "01–100", "０１‑100", "01-100\u00a0"])
def test_a_spelling_of_its_own_code_is_no_other_code(scene: Scene, name: str) -> None:
    scene.ready("01-100")
    by_hand(scene, name)
    services.read_items(scene.connection, scene.alice)

    assert link(scene, **{"01-100": "R1"}).count == 1


def test_another_companys_code_of_that_name_does_not_count(scene: Scene) -> None:
    scene.ready("01-100")
    other = factories.make_segment(factories.make_charlie().company)
    factories.make_cost_code("09-900", segment=other)
    by_hand(scene, "09-900", "Description 01-100")
    services.read_items(scene.connection, scene.alice)

    assert link(scene, **{"01-100": "R1"}).count == 1


def test_two_items_of_one_code_are_told_apart(scene: Scene) -> None:
    row = met(scene)
    factories.make_cost_code("01-200")
    mine = Receipt("R1", "01-100", "", None, None, is_ours=True)
    renamed, lost = replace(mine, code="01-200"), replace(mine, is_ours=False, owner="c0ffee-1")

    claims = queue.why_anothers(scene.connection, [(row, renamed), (row, mine), (row, lost)])

    assert claims == [NAMED.format(name="01-200"), "", LOST]


def test_between_two_codes_that_read_alike_the_spelling_decides(scene: Scene) -> None:
    plain, other = "01-1 00", "01-1\u00a000"
    scene.ready(plain, "01-9")
    SegmentItem.objects.filter(full_code="01-9").update(full_code=other, full_code_key=other)
    CodeExport.objects.filter(code="01-9").update(code=other, code_key=other)
    rows, called = (
        [scene.row(plain), scene.row(other)],
        [Receipt("R1", code, "", None, None, is_ours=True) for code in (plain, other)],
    )

    claims = queue.why_anothers(scene.connection, [(row, receipt) for row in rows for receipt in called])

    named = NAMED.format(name=plain)  # blanks are told as plain ones
    assert claims == ["", named, named, ""]


@pytest.mark.parametrize(("shown", "asks"), [("01–100", False), ("０１‑100", False), ("01–200", True)])
def test_the_list_asks_to_confirm_what_reads_otherwise(scene: Scene, shown: str, asks: bool) -> None:
    row = CodeExport.objects.for_review().get(pk=met(scene).pk)
    row.receipt = {"remote_id": "R1", "code": shown}

    assert Row.of(row, scene.alice).asks_to_confirm is asks


def test_two_who_confirm_it_for_two_codes_at_once_link_one(scene: Scene) -> None:
    met(scene)
    [other] = scene.ready("01-200")
    services.read_items(scene.connection, scene.alice)
    despite = f"{LOST} {NAMED.format(name='01-100')}"

    first = link_row(scene.alice, scene.row("01-100"), "R1", LOST)
    second = services.link_codes(scene.dora, scene.connection, {other.pk: "R1"}, {other.pk: despite})

    assert (first.count, second.count) == (1, 0)
    assert second.problems[0].sentence == "The item in the ERP belongs to 01-100 already."


def test_others_confirm_nothing(scene: Scene) -> None:
    row = met(scene)

    assert link_row(factories.make_charlie(), row, "R1", LOST).count == 0
    assert scene.states() == {"01-100": "ATTENTION"}


def test_an_item_that_was_renamed_to_another_cost_code_is_accepted_only_so(scene: Scene) -> None:
    synced(scene, "01-100")
    factories.make_cost_code("01-200")
    scene.books.write("edited", remote_id="R1", code="01-200")
    services.read_items(scene.connection)
    row, claim = scene.row("01-100"), NAMED.format(name="01-200")

    refused = services.accept_change(scene.alice, row)
    assert (refused.count, scene.row("01-100").drift) == (0, Drift.CHANGED)
    assert claim in refused.problems[0].sentence
    assert services.accept_change(scene.alice, row, claim).count == 1

    [(_, _, new)] = events("export.change_accepted")
    assert new.endswith(f"{CONFIRMED}{claim}")


def test_what_was_confirmed_at_the_link_is_not_asked_again_at_a_change(scene: Scene) -> None:
    row = met(scene)
    link_row(scene.alice, row, "R1", LOST)
    scene.books.write("edited", remote_id="R1", description="Renamed there")
    services.read_items(scene.connection)

    assert queue.why_anothers_of(scene.row("01-100")) == ""
    assert services.accept_change(scene.alice, scene.row("01-100")).count == 1


def test_the_reference_given_to_another_item_is_told_before_a_change_is_accepted(scene: Scene) -> None:
    synced(scene, "01-100")
    scene.books.write("edited", remote_id="R1", reference="c0ffee-1", description="Another's")
    services.read_items(scene.connection)

    assert queue.why_anothers_of(scene.row("01-100")) == LOST


def test_a_copied_item_is_the_one_it_was_copied_from_by_its_reference_alone(scene: Scene) -> None:
    """Tryton copies identifiers, too: two items carry one reference."""
    synced(scene, "01-100")
    [row] = scene.ready("01-200")
    item = next(item for item in scene.books.held() if item["remote_id"] == "R1")
    copied = CodeExport.objects.for_adapter().get(pk=row.pk).as_data()
    scene.books.add(replace(copied, reference=item["reference"]))
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    CodeExport.objects.filter(code="01-200").update(ask_first=True)
    scene.drain()

    copy = scene.row("01-200")
    assert (copy.status, queue.why_anothers_of(copy)) == ("ATTENTION", CARRIES.format(code="01-100"))
    assert scene.row("01-100").status == "SUCCESS"


def test_a_receipt_of_an_older_make_is_read(scene: Scene) -> None:
    row = met(scene)
    put("01-100", Status.ATTENTION, receipt={name: value for name, value in row.receipt.items() if name != "owner"})

    assert queue.why_anothers_of(scene.row("01-100")) == ""
    assert link_row(scene.alice, scene.row("01-100"), "R1").count == 0, "it is read again"
