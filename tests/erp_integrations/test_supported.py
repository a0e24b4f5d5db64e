from __future__ import annotations

from dataclasses import fields, replace

import pytest

from erp_integrations import supported
from erp_integrations.adapters.practice.adapter import PracticeAdapter
from erp_integrations.adapters.quickbooks_desktop.adapter import QuickBooksDesktopAdapter
from erp_integrations.base import Capabilities, Delivery
from tests.erp_integrations.vault import VaultAdapter

# How we talk to it, and what each row says: nothing that people choose an ERP by.
UNSPOKEN = {"has_atomic_batches", "income_takes_purchases"}


def test_every_yes_or_no_of_the_capabilities_is_spoken_of() -> None:
    asked = {field.name for field in fields(Capabilities) if field.type == "bool"}

    assert set(supported.ABILITIES) == asked - UNSPOKEN


def test_an_integration_that_states_nothing_can_nothing() -> None:
    entry = supported.entry_of(VaultAdapter)

    assert entry.can == []
    assert set(entry.cannot) == set(supported.ABILITIES.values())
    assert entry.limits == ["No limits of its own"]
    assert entry.how == "Sent one code at a time"


def test_what_it_states_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    able = replace(
        VaultAdapter.capabilities,
        has_tiers=True,
        batch_size=80,
        code_limit=31,
        description_limit=4095,
        forbidden_characters=":/",
    )
    monkeypatch.setattr(VaultAdapter, "capabilities", able)

    entry = supported.entry_of(VaultAdapter)

    assert entry.can == ["Tiers: divisions become items too"]
    assert entry.limits == [
        "Code: at most 31 characters",
        "Description: at most 4095 characters",
        "Code: without : /",
    ]
    assert entry.how == "Sent up to 80 codes at a time"


def test_a_pulled_erp_takes_the_codes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VaultAdapter, "delivery", Delivery.PULL)

    assert supported.entry_of(VaultAdapter).how == "Taken by the ERP's connector when it calls"


def test_what_depends_on_an_option_names_the_choice() -> None:
    entry = supported.entry_of(QuickBooksDesktopAdapter)

    assert "Tiers: divisions become items too, with Item Names “Tiers as sub-items”" in entry.can
    assert not any(words.startswith("Tiers") for words in entry.cannot)
    assert entry.limits == [
        "Code: at most 31 characters",
        "Description: at most 4095 characters",
        "Code: without :",
        "Code: at most 96 characters, with Item Names “Tiers as sub-items”",
    ]


def test_an_option_that_changes_nothing_is_not_spoken_of() -> None:
    entry = supported.entry_of(PracticeAdapter)

    assert not any("Behaviour" in words for words in [*entry.can, *entry.cannot, *entry.limits])
