"""Updates of synced codes against what others do at the same moment. Each race has a control."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from django.db import transaction

from companies.models import AuditEvent
from exports import services
from exports.models import CodeExport, Status
from tests.concurrency.test_races import at_once, transitions
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.steps import describe, synced
from wbs.errors import Conflict, Refused
from wbs.models import SegmentItem

pytestmark = pytest.mark.pg_only

CODES = [f"01-{place:03}" for place in range(100, 108)]


def accept(scene: Scene, row: CodeExport, who=None):
    """As someone accepts it who saw the row, and the item, as they are now."""
    seen = (row.version, row.item.version, row.income_account_id, row.expense_account_id)
    return partial(services.queue_update, who or scene.alice, row, *seen)


def changed(scene: Scene) -> list[CodeExport]:
    synced(scene, *CODES)
    for code in CODES:
        describe(code)
    return list(CodeExport.objects.select_related("item", "connection").order_by("code"))


def test_two_who_accept_the_same_update_are_one(scene: Scene) -> None:
    for row in changed(scene):
        results = at_once(accept(scene, row), accept(scene, row, scene.dora))

        assert sorted((result.count, result.changed) for result in results) == [(0, 1), (1, 0)]
    assert set(CodeExport.objects.values_list("generation", flat=True)) == {2}
    assert len(transitions("export.update_queued")) == len(CODES)
    scene.drain()
    check_invariants(scene.connection, scene.books)


def test_a_code_is_never_both_updated_and_unlinked(scene: Scene) -> None:
    for row in changed(scene):
        updated, unlinked = at_once(accept(scene, row), partial(services.unlink_code, scene.dora, row, "Wrong item"))

        assert updated.count + unlinked.count == 1
        row.refresh_from_db()
        assert row.status == (Status.QUEUED if updated.count else Status.REJECTED)
        assert (row.remote_id is None, row.before_update is None) == (not updated.count, not updated.count)
    scene.drain()
    check_invariants(scene.connection, scene.books)


def edit(scene: Scene, row: CodeExport) -> None:
    """By dora in the WBS, who saw the item as it was."""
    item = SegmentItem.objects.get(pk=row.item_id)
    with transaction.atomic(), suppress(Refused, Conflict):
        item.change(item.code, "Edited at the same moment", item.parent, row.item.version, scene.dora.user)


def test_what_is_exported_is_what_was_seen_or_nothing(scene: Scene) -> None:
    for row in changed(scene):
        result, _ = at_once(accept(scene, row), partial(edit, scene, row))

        row.refresh_from_db()
        item = SegmentItem.objects.get(pk=row.item_id)
        if result.count:
            assert (row.description, row.item_version) == ("Renamed here", 2)
            assert item.description == "Renamed here", "it is locked from then on"
        else:
            assert (row.status, item.description) == ("SUCCESS", "Edited at the same moment")
    scene.drain()
    check_invariants(scene.connection, scene.books)


def test_a_cancelled_update_is_not_sent(scene: Scene) -> None:
    for row in changed(scene):
        accept(scene, row)()
        cancelled, _ = at_once(partial(services.cancel_codes, scene.alice, scene.connection, [row.pk]), scene.portion)
        scene.drain()

        item = next(item for item in scene.books.held() if item["remote_id"] == row.remote_id)
        assert item["description"] == (row.description if cancelled.count else "Renamed here")
    check_invariants(scene.connection, scene.books)


def test_control_read_then_save_accepts_an_update_twice(scene: Scene) -> None:
    """What the guard in the UPDATE is for: both read Success, both save."""
    twice = 0

    def careless(pk: int, actor: int) -> bool:
        row = CodeExport.objects.get(pk=pk)
        if row.status != Status.SUCCESS:
            return False
        before = row.status
        row.status, row.generation = Status.QUEUED, row.generation + 1
        row.before_update = {"description": row.description, "description_key": row.description_key, "item_version": 1}
        row.save()
        AuditEvent.objects.create(
            company=row.company,
            actor_id=actor,
            action="export.update_queued",
            subject="export",
            subject_id=pk,
            label=row.code,
            old=before,
            new="Queued",
        )
        return True

    for row in changed(scene):
        people = (scene.alice.user_id, scene.dora.user_id)
        twice += all(at_once(*(partial(careless, row.pk, person) for person in people)))

    assert twice
