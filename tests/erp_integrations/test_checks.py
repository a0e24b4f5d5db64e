from __future__ import annotations

from dataclasses import replace

import pytest
from django import forms

from erp_integrations import registry
from erp_integrations.adapters.practice.adapter import PracticeAdapter
from erp_integrations.checks import check_adapters, check_allowed_hosts
from erp_integrations.errors import ConfigurationError
from tests.erp_integrations import vault
from tests.erp_integrations.vault import VaultAdapter, VaultOptions

HERE = "tests.erp_integrations.test_checks"


class UnknownSecret(VaultOptions):
    secret_fields = ("password", "pin")


class NoSecrets(forms.Form):
    pass


class Demanding(VaultAdapter):
    @classmethod
    def capabilities_with(cls, options):
        return replace(cls.capabilities, has_tiers=options["tiers"])


class Hollow(VaultAdapter):
    export_codes = registry.Adapter.export_codes


def ids(settings, *paths: str) -> list[str]:
    settings.ERP_ADAPTERS = list(paths)
    return [str(error.id).removeprefix("erp_integrations.") for error in check_adapters()]


def test_what_we_ship_is_in_order() -> None:
    assert check_adapters() == []


def test_a_third_partys_adapter_is_in_order(settings) -> None:
    assert ids(settings, vault.PATH) == []


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["no.such.module.Adapter"], ["E001"]),
        (["tests.erp_integrations.vault.NoSuch"], ["E001"]),
        (["tests.erp_integrations.vault.VaultOptions"], ["E002"]),
        ([vault.PATH, vault.PATH], ["E003"]),
        ([f"{HERE}.Hollow"], ["E007"]),
        ([f"{HERE}.Demanding"], ["E006"]),
    ],
)
def test_what_is_no_adapter_is_told(settings, paths: list[str], expected: list[str]) -> None:
    assert ids(settings, *paths) == expected


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("key", "Vault ERP", "E004"),
        ("label", " ", "E005"),
        ("capabilities", None, "E006"),
        ("capabilities", replace(VaultAdapter.capabilities, item_type=""), "E006"),
        ("capabilities", replace(VaultAdapter.capabilities, batch_size=0), "E006"),
        ("capabilities", replace(VaultAdapter.capabilities, looks_up_by="name"), "E006"),
        ("capabilities", replace(VaultAdapter.capabilities, income_kinds=frozenset()), "E006"),
        ("capabilities", replace(VaultAdapter.capabilities, call_timeout_s=0), "E006"),
        ("capabilities", replace(VaultAdapter.capabilities, lists_items=True), "E007"),
        ("capabilities", replace(VaultAdapter.capabilities, updates_items=True), "E007"),
        ("options_form", registry.Adapter.options_form, "E008"),
        ("options_form", lambda: VaultAdapter, "E008"),
        ("options_form", lambda: UnknownSecret, "E008"),
        ("options_form", lambda: NoSecrets, "E008"),
    ],
)
def test_an_adapter_that_is_not_whole_is_told(
    settings, monkeypatch: pytest.MonkeyPatch, attribute: str, value: object, expected: str
) -> None:
    monkeypatch.setattr(VaultAdapter, attribute, value)

    assert ids(settings, vault.PATH) == [expected]


class EntryPoint:
    name, value = "vault", "vault_erp:VaultAdapter"

    @staticmethod
    def load() -> type[VaultAdapter]:
        return VaultAdapter


@pytest.fixture
def installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a package with our entry point were installed."""
    groups = {registry.ENTRY_POINT_GROUP: [EntryPoint()]}
    monkeypatch.setattr(registry, "entry_points", lambda group: groups[group])
    registry._import_all.cache_clear()
    yield
    registry._import_all.cache_clear()


def test_an_installed_package_brings_its_adapter(installed_package: None) -> None:
    assert registry.adapter_classes() == {"practice": PracticeAdapter, **registry.adapter_classes()}
    assert registry.adapter_class("vault") is VaultAdapter
    assert check_adapters() == []


def test_an_installed_package_that_takes_a_key_is_told(settings, installed_package: None) -> None:
    settings.ERP_ADAPTERS = [vault.PATH]

    [error] = check_adapters()

    assert error.id == "erp_integrations.E003"
    assert "vault_erp:VaultAdapter (entry point vault)" in error.msg


def test_an_unknown_key_is_told() -> None:
    with pytest.raises(ConfigurationError):
        registry.adapter_class("nothing")


def test_an_allowed_host_that_is_none_is_told(settings) -> None:
    settings.ERP_ALLOWED_HOSTS = [
        "erp.internal",
        "10.0.0.1:8000",
        "https://erp.internal",
        "erp:http",
        "10.1",
        "10.0.0.0/8",
    ]

    told = check_allowed_hosts()

    assert [error.msg.split("'")[1] for error in told] == ["https://erp.internal", "erp:http", "10.1", "10.0.0.0/8"]
