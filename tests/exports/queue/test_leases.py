"""The lease of a connection: one holder at a time, and what one that lost it may still do."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from companies.models import AuditEvent
from core.clock import in_seconds
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection
from exports import queue
from exports.models import CodeExport, Status
from exports.queue import leases
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.steps import neighbours


def take(scene: Scene) -> leases.Lease:
    lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
    assert lease is not None
    return lease


def test_one_holder_at_a_time(scene: Scene) -> None:
    scene.queue("01-100")
    lease = take(scene)

    assert scene.portion() is False  # the holder looks for more itself
    assert scene.books.events() == []
    lease.release()
    scene.portion()
    assert scene.states() == {"01-100": "SUCCESS"}


def test_its_clock_is_never_ahead_of_the_databases(scene: Scene) -> None:
    """Else what is due now would not be due yet when the database is asked, and wait for the next turn."""

    def slow(execute: Any, *words: Any) -> Any:
        time.sleep(0.1)
        return execute(*words)

    with connection.execute_wrapper(slow):
        lease = take(scene)

    resumed = leases.resume(Connection.objects.all(), lease.token)
    for held in (lease, resumed):
        assert (
            Connection.objects.filter(pk=scene.connection.pk)
            .annotate(clock=Now())
            .filter(clock__gte=held.now())
            .exists()
        )


def test_the_lease_is_longer_than_a_call(scene: Scene) -> None:
    lease = take(scene)

    erp = Connection.objects.annotate(clock=Now()).get()
    assert lease.length_s == 1 + 60  # call_timeout_s + EXPORT_LEASE_S
    assert (
        timedelta(0)
        < erp.lease_until - lease.clock - timedelta(seconds=61) + (erp.clock - lease.clock)
        <= 2 * (erp.clock - lease.clock)
    )


def test_a_token_is_never_given_again_even_from_an_older_state(scene: Scene) -> None:
    """A restored database knows nothing of the leases since: a worker that went on over it must not hold one of now."""
    older = Connection.objects.values("lease_token", "lease_until").get()
    tokens = []
    for _ in range(20):
        Connection.objects.update(**older)
        tokens.append(take(scene).token)

    assert len(set(tokens)) == 20


def test_a_stale_token_writes_nothing(scene: Scene) -> None:
    scene.queue("01-100")
    old = take(scene)
    Connection.objects.update(lease_until=None)
    scene.portion()
    before = list(CodeExport.objects.values()) + list(Connection.objects.values())

    with pytest.raises(leases.Lost):
        old.hold()
    with pytest.raises(leases.Lost):
        old.end(None)
    old.release()

    assert list(CodeExport.objects.values()) + list(Connection.objects.values()) == before


def test_a_holder_that_slept_too_long_sends_nothing(scene: Scene) -> None:
    lease = take(scene)
    lease.check_time()

    lease.renewed -= lease.length_s

    with pytest.raises(leases.Lost):
        lease.check_time()


def test_a_worker_that_sleeps_through_its_lease_before_the_call_makes_no_call(
    scene: Scene, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EXPORT_LEASE_S = -0.9  # with the call's time-out of one second: 0.1 s
    scene.queue("01-100")

    with monkeypatch.context() as patch:
        patch.setattr("exports.queue.portions.crashpoint", lambda name: time.sleep(0.2))
        scene.portion()

    assert (scene.states(), scene.books.events()) == ({"01-100": "EXPORTING"}, [])
    settings.EXPORT_LEASE_S = 60
    scene.drain()
    assert (scene.states(), len(scene.books.items())) == ({"01-100": "SUCCESS"}, 1)
    check_invariants(scene.connection, scene.books)


def test_a_portion_that_lost_its_lease_during_the_call_leaves_the_rest_to_its_successor(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.queue("01-100")
    from tests.exports.scripted import ScriptedAdapter

    export_codes = ScriptedAdapter.export_codes

    def slow(self: ScriptedAdapter, codes: Any) -> Any:
        outcomes = export_codes(self, codes)
        Connection.objects.update(lease_until=None)
        take(scene)
        return outcomes

    with monkeypatch.context() as patch:
        patch.setattr(ScriptedAdapter, "export_codes", slow)
        scene.portion()

    assert scene.states() == {"01-100": Status.EXPORTING}
    Connection.objects.update(lease_until=None)
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_free_leases_gives_up_all(scene: Scene) -> None:
    take(scene)

    queue.free_leases()

    assert leases.take(Connection.objects.filter(pk=scene.connection.pk)) is not None


# A lease that nobody gave back


def let_it_run_out(scene: Scene) -> None:
    """A worker hangs in its call for longer than its lease."""
    lease = take(scene)
    CodeExport.objects.filter(status=Status.QUEUED).update(status=Status.EXPORTING, lease_token=lease.token)
    Connection.objects.update(lease_until=in_seconds(-1))


@pytest.mark.parametrize("finds", ["sweep", "portion"])
def test_a_lease_that_ran_out_in_a_call_is_a_failure_of_that_erp(scene: Scene, settings: Any, finds: str) -> None:
    settings.EXPORT_RETRY_S = 60
    scene.queue("01-100")

    for failures in (1, 2, 3):
        let_it_run_out(scene)
        queue.sweep() if finds == "sweep" else scene.portion()

        erp = Connection.objects.annotate(clock=Now()).get()
        assert (erp.failures_in_a_row, erp.lease_until) == (failures, None)
        assert erp.open_until - erp.clock > timedelta(seconds=45 if failures < 3 else 100)
        assert scene.states() == {"01-100": "UNKNOWN"}
        assert (scene.portion(), scene.books.events()) == (False, [])  # not into the same trap at once
        CodeExport.objects.update(status=Status.QUEUED)
        Connection.objects.update(open_until=None)


def test_a_lease_that_was_given_back_or_freed_is_no_failure(scene: Scene) -> None:
    scene.queue("01-100")
    let_it_run_out(scene)
    queue.free_leases()

    queue.sweep()

    assert (scene.refreshed().failures_in_a_row, scene.refreshed().open_until) == (0, None)
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}


def test_a_lease_that_ran_out_while_the_erp_was_asked_is_found_by_the_sweep_too(scene: Scene, settings: Any) -> None:
    settings.EXPORT_RETRY_S = 60
    take(scene)
    Connection.objects.update(lease_until=in_seconds(-1))

    queue.sweep()

    assert (scene.refreshed().failures_in_a_row, scene.refreshed().lease_until) == (1, None)


# At most so many calls of one company at once


def held(connections: list[Connection]) -> list[Connection]:
    """Those whose lease could be taken for a call, one after another."""
    taken = []
    for erp in connections:
        with transaction.atomic():
            if leases.take_for_call(Connection.objects.filter(pk=erp.pk)):
                taken.append(erp)
    return taken


def test_a_company_has_so_many_calls_at_once_and_others_are_not_held_up(scene: Scene, settings: Any) -> None:
    settings.EXPORT_COMPANY_CALLS = 2
    scene.queue("01-100")
    mine = neighbours(scene, 3)
    theirs = neighbours(scene, 1, factories.make_company("Other Builders", "other-builders"))

    assert held([*mine, *theirs]) == [*mine[:2], *theirs]

    assert scene.portion() is False
    assert scene.states() == {"01-100": "QUEUED"}
    Connection.objects.filter(pk=mine[0].pk).update(lease_until=None)
    assert scene.portion() is True


def test_a_call_whose_lease_ran_out_counts_no_more(scene: Scene, settings: Any) -> None:
    settings.EXPORT_COMPANY_CALLS = 1
    scene.queue("01-100")
    [hung] = held(neighbours(scene, 1))

    assert scene.portion() is False
    Connection.objects.filter(pk=hung.pk).update(lease_until=in_seconds(-1))
    assert scene.portion() is True


def test_a_connector_that_calls_us_takes_no_call_from_the_company(scene: Scene, settings: Any) -> None:
    settings.EXPORT_COMPANY_CALLS = 1
    settings.ERP_ADAPTERS = [
        *settings.ERP_ADAPTERS,
        "erp_integrations.adapters.quickbooks_desktop.adapter.QuickBooksDesktopAdapter",
    ]
    scene.queue("01-100")
    factories.make_connection(erp="quickbooks-desktop", name="Q", slug="q", lease_until=in_seconds(60))

    assert scene.portion() is True


def test_a_pause_outlives_a_call_that_ends_with_wrong_settings(scene: Scene) -> None:
    """Else mending them, which resumes what they stopped, would send what someone held back."""
    scene.queue("01-100")
    lease = leases.take(Connection.objects.filter(pk=scene.connection.pk))
    assert lease
    scene.connection.pause(scene.dora.user)

    lease.end(ConfigurationError("The ERP does not accept the password."))
    scene.refreshed().note_works(scene.dora.user)

    assert scene.refreshed().state == "paused"
    assert not AuditEvent.objects.filter(action="connection.broken").exists()
