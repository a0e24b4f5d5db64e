"""A code's reference is random and belongs to the item for good, whatever becomes of ids."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from erp_integrations.adapters.quickbooks_desktop.payload import guid_of
from erp_integrations.adapters.tryton.payload import identifier_of
from erp_integrations.base import CodeData
from exports import services
from exports.models import Attempt, CodeExport
from exports.services.sendable import reference_of
from tests import factories
from tests.exports.scene import Scene
from tests.exports.steps import synced
from wbs.lists.checking import NewCode
from wbs.models import SegmentItem


def test_an_item_that_gets_the_id_of_a_lost_one_has_another_reference(scene: Scene) -> None:
    [row] = scene.send("01-100")
    lost = (row.item_id, row.reference)
    CodeExport.objects.all().delete()
    row.item.holds.all().delete()
    row.item.delete()

    again = factories.make_cost_code("01-100")
    SegmentItem.objects.filter(pk=again.pk).update(id=lost[0])  # as after a restore, whose counters are older
    services.send_codes(scene.dora, scene.connection, [lost[0]])

    row = scene.row("01-100")
    assert row.item_id == lost[0]
    assert row.reference != lost[1]


def test_imported_items_have_guids_of_their_own(scene: Scene) -> None:
    division = factories.make_cost_code("01")
    division.segment.add_codes([NewCode(("01", f"{number}"), "Many") for number in range(100, 150)], "-", None)

    guids = set(SegmentItem.objects.values_list("guid", flat=True))

    assert (len(guids), {guid.version for guid in guids}) == (51, {4})


def test_no_two_items_have_one_guid(scene: Scene) -> None:
    one, two = (factories.make_cost_code(code) for code in ("01-100", "01-200"))

    with pytest.raises(IntegrityError), transaction.atomic():
        SegmentItem.objects.filter(pk=two.pk).update(guid=one.guid)


def test_the_reference_stays_through_unlink_and_further_generations(scene: Scene) -> None:
    synced(scene, "01-100")
    row = scene.row("01-100")
    reference = row.reference

    services.unlink_code(scene.alice, row, "Wrong item")
    services.send_codes(scene.dora, scene.connection, [row.item_id])

    row.refresh_from_db()
    assert (row.generation, row.reference) == (2, reference)


def test_each_connection_has_its_own(scene: Scene) -> None:
    other = factories.make_connection(name="Other", slug="other")
    item = factories.make_cost_code("01-100")

    assert reference_of(item.guid, scene.connection) != reference_of(item.guid, other)
    assert reference_of(item.guid, scene.connection) == reference_of(item.guid, scene.connection)


def test_what_was_sent_under_an_older_reference_keeps_it(scene: Scene) -> None:
    [row] = scene.send("01-100")
    older = f"{scene.connection.guid.hex}-{row.item_id}"
    CodeExport.objects.update(reference=older)

    services.recall_codes(scene.dora, [row.item_id])
    services.send_codes(scene.dora, scene.connection, [row.item_id])

    assert (scene.row("01-100").generation, scene.row("01-100").reference) == (2, older)


def test_it_fits_wherever_an_erp_keeps_it(scene: Scene) -> None:
    reference = reference_of(factories.make_cost_code("01-100").guid, scene.connection)
    code = CodeData(reference, "01-100", "Concrete")

    assert len(reference) <= min(CodeExport._meta.get_field("reference").max_length or 0, 100)
    assert identifier_of(code) == f"tieback:{reference}"
    assert guid_of(code).version == 5


def test_a_restored_row_tries_under_a_key_that_no_lost_try_had(scene: Scene) -> None:
    """An ERP that knows keys would give it the answer to what it sent in the time that is lost."""
    [row] = scene.queue("01-100")
    backup = CodeExport.objects.filter(pk=row.pk).values().get()
    scene.portion()
    lost = Attempt.objects.get().request_key
    scene.books.write("gone", remote_id=scene.row("01-100").remote_id)
    Attempt.objects.all().delete()
    CodeExport.objects.filter(pk=row.pk).update(**backup)

    scene.portion()

    assert (scene.states(), len(lost)) == ({"01-100": "SUCCESS"}, 32)
    assert Attempt.objects.get().request_key != lost


def test_a_new_generation_tries_under_a_new_key(scene: Scene) -> None:
    synced(scene, "01-100")
    row = scene.row("01-100")
    services.unlink_code(scene.alice, row, "Wrong item")
    scene.books.write("gone", remote_id="R1")
    services.send_codes(scene.dora, scene.connection, [row.item_id])
    services.queue_codes(scene.alice, scene.connection, scene.seen())
    scene.drain()

    assert len(set(Attempt.objects.values_list("request_key", flat=True))) == Attempt.objects.count() == 2
