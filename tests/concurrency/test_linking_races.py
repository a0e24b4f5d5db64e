"""Linking, unlinking and telling against what others do at the same moment."""

from __future__ import annotations

from functools import partial

import pytest

from companies.models import Mail
from erp_integrations.base import CodeData
from exports import services
from exports.models import Batch, CodeExport, Status
from tests.concurrency.test_races import again, at_once, transitions
from tests.exports.referee import check_history
from tests.exports.scene import Scene

pytestmark = pytest.mark.pg_only

CODES = [f"01-{place:03}" for place in range(100, 120)]
ROUNDS = 5


def add_items(scene: Scene) -> dict[int, str]:
    """Each code's item, typed into the ERP by hand: export id -> remote id."""
    ids = dict(CodeExport.objects.values_list("code", "pk"))
    return {ids[code]: scene.books.add(CodeData("", code, "Theirs"), by_hand=True)["remote_id"] for code in CODES}


def test_a_code_is_never_both_exported_and_linked(scene: Scene) -> None:
    scene.ready(*CODES)
    items = add_items(scene)

    for _ in range(ROUNDS):
        again(scene)
        CodeExport.objects.update(remote_id=None)
        exported, linked = at_once(
            partial(services.queue_codes, scene.alice, scene.connection, scene.seen()),
            partial(services.link_codes, scene.dora, scene.connection, items),
        )

        assert exported.count + linked.count == len(CODES)
        assert linked.changed == exported.count
        states = list(CodeExport.objects.values_list("status", flat=True))
        assert (states.count("QUEUED"), states.count("SUCCESS")) == (exported.count, linked.count)
    batches = [{batch for _, batch in transitions(action)} for action in ("export.queued", "export.linked")]
    assert not batches[0] & batches[1]


def test_one_item_goes_to_one_of_two_codes(scene: Scene) -> None:
    one, two = (row.pk for row in scene.ready("01-100", "01-101"))
    [remote_id] = [scene.books.add(CodeData("", "ONE", "Theirs"), by_hand=True)["remote_id"]]
    services.read_items(scene.connection)

    for _ in range(ROUNDS):
        again(scene)
        CodeExport.objects.update(remote_id=None)
        results = at_once(
            partial(services.link_codes, scene.alice, scene.connection, {one: remote_id}),
            partial(services.link_codes, scene.dora, scene.connection, {two: remote_id}),
        )

        assert sorted(result.count for result in results) == [0, 1]
        assert [len(result.problems) for result in results if not result.count] == [1]


def test_two_unlinks_are_one(scene: Scene) -> None:
    scene.queue(*CODES)
    scene.drain()

    for code in CODES[:ROUNDS]:
        row = scene.row(code)
        results = at_once(*(partial(services.unlink_code, who, row, "Wrong") for who in (scene.alice, scene.dora)))
        assert sorted(result.count for result in results) == [0, 1]

    assert len(transitions("export.unlinked")) == ROUNDS
    check_history(list(CodeExport.objects.all()))


def test_what_is_undone_while_the_mail_is_written_is_not_mailed(scene: Scene) -> None:
    scene.ready(*CODES)

    for _ in range(ROUNDS):
        batch = services.reject_codes(scene.alice, scene.connection, scene.seen()).batch
        services.set_reason(scene.alice, batch, "Wrong division")
        at_once(services.tell, partial(services.undo_rejection, scene.alice, batch))

        assert Batch.objects.get(pk=batch.pk).undone_at
        assert set(CodeExport.objects.values_list("status", flat=True)) == {Status.READY}
        assert not Mail.objects.exists()


def test_two_workers_write_one_mail(scene: Scene) -> None:
    scene.ready(*CODES)

    for number in range(1, ROUNDS + 1):
        batch = services.reject_codes(scene.alice, scene.connection, scene.seen()).batch
        services.set_reason(scene.alice, batch, "Wrong division")
        at_once(services.tell, services.tell, services.tell)

        assert Mail.objects.count() == number
        again(scene)
