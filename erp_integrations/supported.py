"""What each integration can and cannot do, in words: made from its capabilities, for "Supported ERPs"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django import forms

from erp_integrations.base import Adapter, Capabilities, Delivery
from erp_integrations.models import Connection
from erp_integrations.registry import adapter_classes

# Each yes-or-no capability, as people say it.
ABILITIES = {
    "has_expense_account": "A second GL account, for expenses",
    "lists_items": "Lists its items, so that codes can be linked to them and compared with them",
    "updates_items": "Takes new values for its items, so that an approved change reaches them",
    "has_tiers": "Tiers: divisions become items too",
    "has_cost_types": "Cost types",
    "has_sub_jobs": "Sub jobs",
    "has_custom_segments": "Custom segments",
    "has_project_codes": "Project-specific codes",
    "enforces_unique_names": "Refuses a second item of the same code by itself",
}

# Why a project that is integrated with an ERP without the ability does without it.
WHY_NOT = {
    "has_cost_types": "{erp} knows no cost types. All of them stand as “Other” here: a placeholder that is never sent.",
    "has_sub_jobs": "Not offered: {erp} knows no sub jobs.",
    "has_custom_segments": "Not offered: {erp} knows no custom segments.",
    "has_project_codes": (
        "{erp} keeps one list of codes for all projects, so a project has no codes of its own. "
        "Add the code to the company's cost codes, then to this project."
    ),
}


def why_not(connection: Connection | None, ability: str) -> str:
    """Why something in this ERP cannot be used, as a sentence; empty if it can be, or if there is no connection."""
    if connection is None or getattr(connection.capabilities, ability):
        return ""
    return WHY_NOT[ability].format(erp=connection.adapter_class.label)


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
    can, limits = _abilities(able), _limits(able)
    more, other_limits = _by_choice(adapter, can, limits)
    return Entry(
        key=adapter.key,
        label=adapter.label,
        note=adapter.note,
        item_type=able.item_type,
        how=_how(adapter),
        is_pulled=adapter.delivery is Delivery.PULL,
        limits=[*(limits or ["No limits of its own"]), *other_limits],
        can=[*can, *more.values()],
        cannot=[words for words in ABILITIES.values() if words not in can and words not in more],
        proven_against=able.proven_against,
    )


def _abilities(able: Capabilities) -> list[str]:
    return [words for field, words in ABILITIES.items() if getattr(able, field)]


def _by_choice(adapter: type[Adapter], can: list[str], limits: list[str]) -> tuple[dict[str, str], list[str]]:
    """What it can beyond that, and which limits are others, with a choice among its options."""
    more: dict[str, str] = {}
    other_limits: list[str] = []
    for name, value, words in _choices(adapter):
        able = adapter.capabilities_with({name: value})
        more |= {ability: f"{ability}, {words}" for ability in _abilities(able) if ability not in can}
        other_limits += [f"{limit}, {words}" for limit in _limits(able) if limit not in limits]
    return more, other_limits


def _choices(adapter: type[Adapter]) -> Iterator[tuple[str, str, str]]:
    """Option, value, and the choice as people see it."""
    for name, field in adapter.options_form().base_fields.items():
        if isinstance(field, forms.ChoiceField):
            for value, label in field.choices:  # type: ignore[misc, union-attr]
                yield name, value, f"with {field.label} “{label}”"


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
    return limits
