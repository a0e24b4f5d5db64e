"""ERPs that keep back what they answered until they are let through, so that a bare loop takes turns with them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import redis
from django.conf import settings

from benchmarks.instant import InstantAdapter
from erp_integrations.adapters.tryton.adapter import TrytonAdapter
from erp_integrations.base import CodeData, Outcome

PATIENCE_S = 60
CODE_S = 0.002


class InTurns:
    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        outcomes = super().export_codes(codes)
        _redis().rpush(_name("answered"), 1)
        _next("let-through")
        return outcomes


class TrytonInTurns(InTurns, TrytonAdapter):
    key = f"{TrytonAdapter.key}-in-turns"
    label = TrytonAdapter.label


class PacedAdapter(InstantAdapter):
    """Takes a fixed time for each code, as ERPs that are called over a network do."""

    key = "paced"
    label = "Paced ERP"
    capabilities = replace(InstantAdapter.capabilities, batch_size=50)

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        time.sleep(CODE_S * len(codes))
        return super().export_codes(codes)


class PacedInTurns(InTurns, PacedAdapter):
    key = f"{PacedAdapter.key}-in-turns"
    label = PacedAdapter.label


class InstantInTurns(InTurns, InstantAdapter):
    key = f"{InstantAdapter.key}-in-turns"
    label = InstantAdapter.label


def await_answer() -> None:
    """Return when an ERP has answered and waits to be let through."""
    _next("answered")


def let_through() -> None:
    _redis().rpush(_name("let-through"), 1)


def _next(what: str) -> None:
    if _redis().blpop([_name(what)], PATIENCE_S) is None:
        raise RuntimeError(f"Nobody said “{what}” within {PATIENCE_S} s: that is no measure.")


def _name(what: str) -> str:
    return f"{settings.CELERY_TASK_DEFAULT_QUEUE}-{what}"


@cache
def _redis() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)
