"""The one place where exports calls an adapter: whatever happens becomes outcomes and at most one ERPError."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from core.bulk import storable
from erp_integrations.base import CodeData, NotSent, Outcome, Receipt, Refused, Uncertain
from erp_integrations.errors import ConfigurationError, ERPError, TransientError, UncertainError, UnsupportedFeature
from erp_integrations.models import Connection

logger = logging.getLogger(__name__)
T = TypeVar("T")
LONGEST_WAIT_S = 24 * 3600.0


@dataclass(frozen=True)
class Held(NotSent):
    """Not sent, since its connection is stopped until a person mends it: that is no try, and then it goes at once."""


def export(connection: Connection, codes: Sequence[CodeData]) -> tuple[dict[str, Outcome], ERPError | None]:
    """Export the codes: an outcome for each reference, and the error if the call as a whole came to nothing.

    They are all to be made, or all to be given new values.
    """

    def write() -> Sequence[Outcome]:
        adapter = connection.adapter()
        return (adapter.update_codes if codes[0].remote_id else adapter.export_codes)(codes)

    return outcomes(connection, codes, write)


def outcomes(
    connection: Connection, codes: Sequence[CodeData], answer: Callable[[], Sequence[Outcome]]
) -> tuple[dict[str, Outcome], ERPError | None]:
    """What an answer about the codes says of each of them, however it is got."""
    told_outcomes, error = guarded(lambda: list(answer()))
    if error or told_outcomes is None:
        return {code.reference: _outcome_of(error, code.reference) for code in codes}, error
    return _by_reference(connection, codes, told_outcomes), None


def _by_reference(connection: Connection, codes: Sequence[CodeData], answer: Sequence[Outcome]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {
        code.reference: Uncertain(code.reference, "The ERP's answer did not speak of this code.") for code in codes
    }
    told: set[str] = set()
    for outcome in answer:
        reference = outcome.reference
        if isinstance(outcome, NotSent):
            outcome = replace(outcome, retry_after_s=_within_reason(outcome.retry_after_s))
        if reference not in outcomes:
            logger.warning("%s answered for %s, which it was not asked about", connection, reference)
        elif reference in told and outcomes[reference] != outcome:
            outcomes[reference] = Uncertain(reference, "The ERP answered twice, differently.")
        else:
            outcomes[reference] = outcome
            told.add(reference)
    return outcomes


def find(connection: Connection, codes: Sequence[CodeData]) -> tuple[dict[str, Receipt], ERPError | None]:
    """Ask the ERP what it holds of these codes."""
    receipts, error = guarded(lambda: dict(connection.adapter().find(codes)))
    return receipts or {}, error


def fetch_items(connection: Connection) -> tuple[list[Receipt], ERPError | None]:
    """All items of the ERP."""
    items, error = guarded(lambda: list(connection.adapter().fetch_items()))
    return items or [], error


def guarded(call: Callable[[], T]) -> tuple[T | None, ERPError | None]:
    """Call the adapter: what it returned and None, or None and the ERPError that it raised.

    Any other exception is a bug, ours or the adapter's. It is logged with its traceback and becomes an UncertainError,
    since the ERP may have done what it was asked.
    """
    try:
        return call(), None
    except ERPError as error:
        error.message, error.detail = storable(error.message), storable(error.detail)
        if isinstance(error, TransientError):
            error.retry_after_s = _within_reason(error.retry_after_s)
        logger.warning("%s: %s (%s)", type(error).__name__, error.message, error.detail)
        return None, error
    except NotImplementedError:
        return None, UnsupportedFeature("This integration cannot be asked for that.")
    except Exception as error:
        logger.exception("An adapter failed in a way that is no ERPError")
        return None, UncertainError("Something failed inside Tieback; its log tells more.", type(error).__name__)


def _within_reason(told_s: float | None) -> float | None:
    """How long an ERP told to wait: a day for centuries, nothing for a moment that is past or for what is no number.

    How long we wait at the least is decided where it is noted: for the code in `decisions`, for its ERP in `leases`.
    """
    if told_s is None:
        return None
    is_number = isinstance(told_s, (int, float)) and math.isfinite(told_s)
    return min(max(float(told_s), 0.0), LONGEST_WAIT_S) if is_number else 0.0


def _outcome_of(error: ERPError | None, reference: str) -> Outcome:
    match error:
        case TransientError():
            return NotSent(reference, error.message, error.detail, error.retry_after_s)
        case ConfigurationError():
            return Held(reference, error.message, error.detail)
        case UnsupportedFeature():
            return Refused(reference, error.message, error.detail)
        case ERPError():
            return Uncertain(reference, error.message, error.detail)
    return Uncertain(reference, "The ERP gave no answer.")
