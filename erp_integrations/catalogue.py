"""What each integration can and cannot do, in words: made from its capabilities, for "Supported ERPs"."""

from __future__ import annotations

from dataclasses import dataclass

from erp_integrations.base import Adapter, Capabilities, Delivery
from erp_integrations.registry import adapter_classes

# Each yes-or-no capability, as people say it.
ABILITIES = {
    "has_expense_account": "A second GL account, for expenses",
    "income_takes_purchases": "Without that account, purchases are posted to the income account too",
    "has_tiers": "Tiers: divisions become items too",
    "has_cost_types": "Cost types",
    "has_sub_jobs": "Sub jobs",
    "has_custom_segments": "Custom segments",
    "has_project_codes": "Project-specific codes",
    "enforces_unique_names": "Refuses a second item of the same code by itself",
}


@dataclass(frozen=True)
class Entry:
    """One line of "Supported ERPs"."""

    key: str
    label: str
    note: str
    item_type: str
    how: str
    is_pulled: bool
    limits: list[str]
    can: list[str]
    cannot: list[str]
    proven_against: str


def entries() -> list[Entry]:
    return [entry_of(adapter) for adapter in adapter_classes().values()]


def entry_of(adapter: type[Adapter]) -> Entry:
    able = adapter.capabilities
    return Entry(
        key=adapter.key,
        label=adapter.label,
        note=adapter.note,
        item_type=able.item_type,
        how=_how(adapter),
        is_pulled=adapter.delivery is Delivery.PULL,
        limits=_limits(able),
        can=[words for field, words in ABILITIES.items() if getattr(able, field)],
        cannot=[words for field, words in ABILITIES.items() if not getattr(able, field)],
        proven_against=able.proven_against,
    )


def _how(adapter: type[Adapter]) -> str:
    if adapter.delivery is Delivery.PULL:
        return "Taken by the ERP's connector when it calls"
    number = adapter.capabilities.batch_size
    return "Sent one code at a time" if number == 1 else f"Sent up to {number} codes at a time"


def _limits(able: Capabilities) -> list[str]:
    limits = []
    if able.code_limit:
        limits.append(f"Code: at most {able.code_limit} characters")
    if able.description_limit:
        limits.append(f"Description: at most {able.description_limit} characters")
    if able.forbidden_characters:
        limits.append(f"Code: without {' '.join(able.forbidden_characters)}")
    return limits or ["No limits of its own"]
