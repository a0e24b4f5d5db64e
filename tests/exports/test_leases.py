"""The lease of a connection: one holder at a time, and what one that lost it may still do."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from erp_integrations.models import Connection
from exports import services
from exports.models import CodeExport, Status
from exports.services import leases
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene


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
        patch.setattr("exports.services.portions.crashpoint", lambda name: time.sleep(0.2))
        scene.portion()

    assert (scene.states(), scene.books.events()) == ({"01-100": "SENDING"}, [])
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

    assert scene.states() == {"01-100": Status.SENDING}
    Connection.objects.update(lease_until=None)
    scene.drain()
    assert scene.states() == {"01-100": "SUCCESS"}
    assert len(scene.books.items()) == 1
    check_invariants(scene.connection, scene.books)


def test_free_leases_gives_up_all(scene: Scene) -> None:
    take(scene)

    services.free_leases()

    assert leases.take(Connection.objects.filter(pk=scene.connection.pk)) is not None
