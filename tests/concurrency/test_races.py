"""Two at once, on PostgreSQL with real threads. Each race has a control: the same without the guard goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from companies import audit
from companies.models import AuditEvent
from erp_integrations.models import Connection
from exports import queue, services
from exports.defaults import set_defaults
from exports.models import Batch, Cause, CodeExport, Conflict, Status
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.patience import PATIENCE_S
from wbs.errors import Refused
from wbs.models import SegmentItem

pytestmark = pytest.mark.pg_only

CODES = [f"01-{place:03}" for place in range(100, 130)]
ROUNDS = 5


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run each call in a thread of its own, all released at the same moment; results or exceptions in order."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(PATIENCE_S)
            return call()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(PATIENCE_S) for future in [pool.submit(run, call) for call in calls]]


def again(scene: Scene) -> None:
    """All codes back in Ready to Export for the next round."""
    CodeExport.objects.update(status=Status.READY, cause="")


def transitions(action: str) -> set[tuple[int | None, int | None]]:
    return set(AuditEvent.objects.filter(action=action).values_list("subject_id", "batch_id"))


# Export against Reject All


def test_a_code_is_never_both_exported_and_rejected(scene: Scene) -> None:
    scene.ready(*CODES)

    for _ in range(ROUNDS):
        again(scene)
        seen = scene.seen()
        exported, rejected = at_once(
            partial(services.queue_codes, scene.alice, scene.connection, seen),
            partial(services.reject_codes, scene.dora, scene.connection, seen),
        )

        assert exported.count + rejected.count == len(CODES)
        assert exported.in_flight + exported.changed == rejected.count
        assert rejected.in_flight + rejected.changed == exported.count
        queued = {pk for pk, batch in transitions("export.queued") if exported.batch and batch == exported.batch.pk}
        gone = {pk for pk, batch in transitions("export.rejected") if rejected.batch and batch == rejected.batch.pk}
        assert not queued & gone


def read_then_save(status: Status, meet: threading.Barrier) -> int:
    """What the guards replace: look at the rows, then save them."""
    rows = list(CodeExport.objects.filter(status=Status.READY))
    meet.wait(PATIENCE_S)
    for row in rows:
        row.status, row.cause = status, Cause.REJECTED if status == Status.REJECTED else ""
        row.save(update_fields=["status", "cause"])
    return len(rows)


def test_control_read_then_save_exports_and_rejects_the_same_codes(scene: Scene) -> None:
    scene.ready(*CODES)
    meet = threading.Barrier(2)

    exported, rejected = at_once(
        lambda: read_then_save(Status.QUEUED, meet), lambda: read_then_save(Status.REJECTED, meet)
    )

    assert (exported, rejected) == (len(CODES), len(CODES))


# Export twice


def test_a_code_is_accepted_once(scene: Scene) -> None:
    scene.ready(*CODES)

    for _ in range(ROUNDS):
        again(scene)
        seen = scene.seen()
        one, other = at_once(
            *(partial(services.queue_codes, member, scene.connection, seen) for member in (scene.alice, scene.dora))
        )

        assert sorted([one.count, other.count]) == [0, len(CODES)]
        assert max(one.in_flight, other.in_flight) == len(CODES)
        assert CodeExport.objects.values("export_batch").distinct().count() == 1


def test_control_read_then_save_accepts_twice(scene: Scene) -> None:
    scene.ready(*CODES)
    meet = threading.Barrier(2)

    assert at_once(*[lambda: read_then_save(Status.QUEUED, meet)] * 2) == [len(CODES)] * 2


# Export against auto-save


def test_what_is_exported_is_what_was_saved_before_or_the_save_is_a_conflict(scene: Scene) -> None:
    rows = scene.ready(*CODES[:10])
    seen = scene.seen()

    def save_all() -> int:
        saved = 0
        for row in rows:
            try:
                services.assign(row.pk, scene.dora, "scripted-erp", row.version, scene.income.pk, None)
                saved += 1
            except Conflict:
                pass
        return saved

    saved, exported = at_once(save_all, lambda: services.queue_codes(scene.alice, scene.connection, seen))

    without_expense = CodeExport.objects.filter(expense_account=None)
    assert saved == without_expense.count()
    assert exported.count == len(rows) - exported.changed
    assert not without_expense.exclude(status=Status.READY, changed_by=scene.dora.user).exists()  # I9: nobody saw it


def test_control_a_save_by_id_alone_changes_what_is_accepted_already(scene: Scene) -> None:
    rows = scene.ready(*CODES[:1])
    meet = threading.Barrier(2)

    def save() -> None:
        row = CodeExport.objects.get(pk=rows[0].pk)
        meet.wait(PATIENCE_S)
        meet.wait(PATIENCE_S)
        row.expense_account = None
        row.save(update_fields=["expense_account"])

    def export() -> None:
        meet.wait(PATIENCE_S)
        services.queue_codes(scene.alice, scene.connection, scene.seen())
        meet.wait(PATIENCE_S)

    at_once(save, export)

    row = scene.row(CODES[0])
    assert (row.status, row.expense_account) == (Status.QUEUED, None)


# Set Accounts against a change of the default that it gives


def test_a_click_gives_all_codes_the_same_default(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event and the row look it up in a statement each: what would change it between them waits for the click."""
    scene.ready(*CODES[:2])
    division = SegmentItem.objects.get(full_code="01")
    set_defaults(scene.dora, scene.connection, division, scene.income, None)
    other = factories.make_account(scene.connection, "4100")
    record_each, told = audit.record_each, []

    def changes() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        set_defaults(scene.dora, scene.connection, division, other, None)

    def record(*words: Any, **values: Any) -> None:
        record_each(*words, **values)
        told.extend(at_once(changes))

    monkeypatch.setattr(audit, "record_each", record)

    services.assign_accounts(scene.alice, scene.connection, scene.seen(), services.INHERIT, services.KEEP)

    assert [type(error) for error in told] == [OperationalError], "it waits"
    assert set(CodeExport.objects.values_list("income_account", flat=True)) == {scene.income.pk}


# Two workers on one connection


def test_two_workers_export_each_code_once(scene: Scene) -> None:
    scene.queue(*CODES)
    scene.books.tell(Rule("sleep:0.2"))

    at_once(*[scene.portion] * 4)

    assert set(scene.states().values()) == {"SUCCESS"}
    assert len(scene.books.items()) == len(CODES)
    assert len(scene.books.events("start")) == 1
    check_invariants(scene.connection, scene.books)


def test_control_without_lease_and_claim_each_worker_exports_all(scene: Scene) -> None:
    scene.queue(*CODES)
    meet = threading.Barrier(2)

    def export() -> None:
        rows = list(CodeExport.objects.for_adapter().filter(status=Status.QUEUED))
        meet.wait(PATIENCE_S)
        scene.connection.adapter().export_codes([row.as_data() for row in rows])
        CodeExport.objects.filter(pk__in=[row.pk for row in rows]).update(status=Status.EXPORTING)

    at_once(export, export)

    assert len(scene.books.items()) == 2 * len(CODES)


def test_the_lease_goes_to_one_of_many(scene: Scene) -> None:
    from exports.queue import leases

    taken = at_once(*[lambda: leases.take(Connection.objects.filter(pk=scene.connection.pk))] * 8)

    assert len([lease for lease in taken if lease]) == 1


# All at once


def test_clicks_workers_and_sweep_at_once_break_no_invariant(scene: Scene) -> None:
    rows = scene.ready(*CODES)
    seen, ids = scene.seen(), [row.pk for row in rows]

    def work() -> None:
        for _ in range(10):
            scene.portion()

    answers = at_once(
        lambda: services.queue_codes(scene.alice, scene.connection, seen),
        lambda: services.reject_codes(scene.dora, scene.connection, scene.seen(filter="all")),
        lambda: services.cancel_codes(scene.alice, scene.connection, ids),
        lambda: services.send_codes(scene.dora, scene.connection, [row.item_id for row in rows]),
        lambda: services.recall_codes(scene.dora, [row.item_id for row in rows[:15]]),
        work,
        work,
        queue.sweep,
    )
    scene.drain()

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    check_invariants(scene.connection, scene.books)


def test_two_admins_send_the_same_codes_once(scene: Scene) -> None:
    ids = scene.add_codes(*CODES)

    results = at_once(*[lambda: services.send_codes(scene.dora, scene.connection, ids)] * 2)

    assert sorted(result.count for result in results) == [0, len(CODES)]
    assert Batch.objects.count() == 1
    check_invariants(scene.connection, scene.books)


def test_what_is_sent_is_what_the_wbs_holds_then(scene: Scene) -> None:
    """An edit comes before the sending, and goes with it, or it is refused."""
    items = list(SegmentItem.objects.filter(pk__in=scene.add_codes(*CODES)).select_related("segment", "parent"))

    def edit_all() -> None:
        for item in reversed(items):
            with suppress(Refused):
                item.change(item.code, "edited", item.parent, item.version, scene.dora.user)

    for _ in range(2):
        at_once(edit_all, lambda: services.send_codes(scene.dora, scene.connection, [item.pk for item in items]))

    sent = CodeExport.objects.select_related("item")
    assert sent.count() == len(CODES)
    assert [
        row.code for row in sent if (row.item_version, row.description) != (row.item.version, row.item.description)
    ] == []


def test_a_click_waits_for_the_workers_short_transaction_only(scene: Scene) -> None:
    """The connection's row orders all who move many rows: no deadlock, whichever comes first."""
    scene.ready(*CODES)
    seen = scene.seen()
    inside, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Connection.objects.filter(pk=scene.connection.pk).update(failures_in_a_row=0)
            inside.set()
            go_on.wait(PATIENCE_S)

    def click() -> Any:
        inside.wait(PATIENCE_S)
        threading.Timer(0.3, go_on.set).start()
        count = services.queue_codes(scene.alice, scene.connection, seen).count
        return count, go_on.is_set()

    assert at_once(hold, click)[1] == (len(CODES), True)


# A long "Send to ERP" against the list that is read meanwhile


def test_a_send_that_commits_after_the_list_was_read_has_not_been_seen(scene: Scene) -> None:
    scene.ready("01-100")
    stamped, was_read = threading.Event(), threading.Event()

    def send_slowly() -> None:
        with transaction.atomic():
            services.send_codes(scene.dora, scene.connection, scene.add_codes("01-200"))
            stamped.set()
            assert was_read.wait(PATIENCE_S)

    def read_the_list() -> services.Selection:
        assert stamped.wait(PATIENCE_S)
        seen = scene.seen()
        was_read.set()
        return seen

    _, seen = at_once(send_slowly, read_the_list)
    late = CodeExport.objects.get(code="01-200")
    result = services.reject_codes(scene.alice, scene.connection, seen)

    assert late.sent_at < seen.seen_at, "The clock alone would take it for seen."
    assert (result.count, result.arrived) == (1, 1)
    assert scene.states() == {"01-100": Status.REJECTED, "01-200": Status.READY}
