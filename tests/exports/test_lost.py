"""Items under references that no code here has: what "Compare with ERP" lists after a restore."""

from __future__ import annotations

import pytest

from companies.models import AuditEvent
from erp_integrations.base import CodeData
from exports import services
from exports.matching import find_lost, lost_items
from exports.models import CodeExport
from exports.queue.ownership import LOST
from exports.services.sendable import reference_of
from tests import factories
from tests.exports.scene import Scene
from tests.exports.steps import by_hand, queries, synced


def add(scene: Scene, code: str, reference: str) -> str:
    data = CodeData(reference, code, f"Lost {code}", income_account="4000", expense_account="5000")
    return str(scene.books.add(data)["remote_id"])


def listed(scene: Scene) -> dict[str, tuple[str, bool, bool]]:
    """Item -> cost code, whether it can be linked, whether it was sent as just that."""
    services.read_items(scene.connection, scene.alice)
    found = find_lost(scene.connection, list(lost_items(scene.connection)))
    return {one.item.code: (str(one.cost_code or ""), one.can_link, one.is_same) for one in found}


def test_items_are_listed_beside_the_cost_code_that_has_their_code(scene: Scene) -> None:
    synced(scene, "01-100")
    scene.ready("01-200")
    factories.make_cost_code("01-300")
    by_hand(scene, "01-900")
    for code in ("01-200", "01-300", "01-400"):
        add(scene, code, f"c0ffee-{code}")

    assert listed(scene) == {
        "01-200": ("01-200", True, False),
        "01-300": ("01-300", False, False),
        "01-400": ("", False, False),
    }
    told = AuditEvent.objects.filter(action="items.read").latest("pk").new
    assert told.endswith("; 3 under references that no cost code here has")


def test_what_was_sent_after_the_backup_is_known_by_its_guid_whatever_it_is_called_by_now(scene: Scene) -> None:
    item = factories.make_cost_code("01-100")
    add(scene, "01-555", reference_of(item.guid, scene.connection))

    assert listed(scene) == {"01-555": ("01-100", False, True)}


def test_sent_again_it_is_found_under_its_reference(scene: Scene) -> None:
    item = factories.make_cost_code("01-100", "Concrete")
    data = CodeData(reference_of(item.guid, scene.connection), "01-100", "Concrete", (), "4000", "5000")
    scene.books.add(data)

    scene.queue("01-100")
    CodeExport.objects.update(ask_first=True)
    scene.drain()

    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(scene.books.items()) == 1
    assert listed(scene) == {}


def test_a_linked_one_leaves_the_list(scene: Scene) -> None:
    [row] = scene.ready("01-200")
    remote_id = add(scene, "01-200", "c0ffee-1")
    assert listed(scene)["01-200"][1]

    assert services.link_codes(scene.alice, scene.connection, {row.pk: remote_id}, {row.pk: LOST}).count == 1

    assert listed(scene) == {}


def test_references_of_another_connection_of_the_company_are_known(scene: Scene) -> None:
    other = factories.make_connection(name="Other", slug="other")
    factories.make_export("01-100", other, reference="c0ffee-1")
    add(scene, "01-100", "c0ffee-1")
    add(scene, "01-200", "c0ffee-2")

    assert set(listed(scene)) == {"01-200"}


def test_what_another_company_sent_is_not_shown_as_known_or_named(scene: Scene) -> None:
    theirs = factories.make_connection(factories.make_charlie().company, name="Theirs", slug="theirs")
    factories.make_export("01-100", theirs, reference="c0ffee-1")
    add(scene, "01-100", "c0ffee-1")

    assert listed(scene) == {"01-100": ("", False, False)}


@pytest.mark.parametrize("tail", ["7", "x", "", "0" * 31, "0" * 33])
def test_references_of_any_make_are_read(scene: Scene, tail: str) -> None:
    add(scene, "01-100", f"{scene.connection.guid.hex}-{tail}")

    assert listed(scene) == {"01-100": ("", False, False)}


def test_a_page_takes_the_same_queries_for_any_number(scene: Scene) -> None:
    for number in range(100, 120):
        factories.make_cost_code(f"01-{number}")
        add(scene, f"01-{number}", f"c0ffee-{number}")
    services.read_items(scene.connection)
    items = list(lost_items(scene.connection))

    few = queries(lambda: find_lost(scene.connection, items[:2]))
    assert len(queries(lambda: find_lost(scene.connection, items))) == len(few)
