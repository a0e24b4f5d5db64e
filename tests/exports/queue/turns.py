"""A turn of one worker, and what its calls carried."""

from __future__ import annotations

import time
from collections.abc import Callable

from exports import queue, services
from exports.models import CodeExport
from tests.exports.scene import Scene
from tests.exports.scripted import Books
from tests.exports.steps import make_many

AGES_S = 3600
SIZE = 5  # codes of one of the `small_calls`
During = Callable[[int], None]  # is told the number of the call


def queue_many(scene: Scene, number: int) -> None:
    make_many(scene, "01", number)
    services.queue_codes(scene.alice, scene.connection, scene.seen())


def turn(scene: Scene) -> bool:
    return queue.export_portions(scene.connection.pk, time.monotonic() + AGES_S)


def calls(books: Books) -> list[tuple[str, int]]:
    return [(event["call"], len(event["codes"])) for event in books.events("start")]


def count(status: str) -> int:
    return CodeExport.objects.filter(status=status).count()
