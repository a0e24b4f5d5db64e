"""Workers that take leases of one company in the same moment: together they take no more than it may have."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import transaction

from erp_integrations import calls
from erp_integrations.models import Connection
from exports.queue import leases
from tests import factories
from tests.concurrency.test_races import at_once
from tests.exports.scene import Scene
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.pg_only
ROUNDS = 20


def take(pk: int) -> bool:
    with transaction.atomic():
        return leases.take_for_call(Connection.objects.filter(pk=pk)) is not None


def take_without_the_lock(pk: int, meet: threading.Barrier) -> bool:
    """The same guard in the same UPDATE, by one who did not lock the company first."""
    with transaction.atomic():
        is_taken = leases._take(Connection.objects.filter(pk=pk).free(), calls.room()) is not None
        meet.wait(PATIENCE_S)
    return is_taken


def connections(scene: Scene) -> list[int]:
    names = [f"n{place}" for place in range(4)]
    return [factories.make_connection(erp="scripted", name=name, slug=name, options={}).pk for name in names]


def test_no_moment_gives_a_company_more_calls_than_it_may_have(scene: Scene) -> None:
    ids = connections(scene)

    for _ in range(ROUNDS):
        Connection.objects.update(lease_until=None)
        assert sum(at_once(*(partial(take, pk) for pk in ids))) == 2


def test_control_without_the_lock_they_count_too_few(scene: Scene) -> None:
    meet = threading.Barrier(4)

    assert sum(at_once(*(partial(take_without_the_lock, pk, meet) for pk in connections(scene)))) == 4
