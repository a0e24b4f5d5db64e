from __future__ import annotations

import pytest
from django.conf import LazySettings

from erp_integrations.adapters.tryton.adapter import TrytonAdapter

GOOD = {
    "address": "https://tryton:8000/books",
    "database": "erp",
    "username": "tieback",
    "password": " with spaces ",
    "company": "Proof Builders Inc",
}


def test_the_form_keeps_what_was_typed() -> None:
    form = TrytonAdapter.options_form()(GOOD)

    assert form.is_valid(), form.errors
    assert form.cleaned_data == GOOD


def test_its_labels_are_the_words_of_the_product() -> None:
    fields = TrytonAdapter.options_form().base_fields.values()

    assert [field.label for field in fields] == ["Address", "Database", "Username", "Password", "Company"]


@pytest.mark.parametrize(
    "address", ["tryton.example.com", "ftp://tryton.example.com", "https://me:secret@tryton", "no"]
)
def test_an_address_that_is_none_is_told_beside_the_field(address: str) -> None:
    form = TrytonAdapter.options_form()({**GOOD, "address": address})

    assert "https://erp.example.com" in form.errors["address"][0]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://tryton.example.com", "would send the password unencrypted. Use https, or have the operator allow"),
        ("https://tryton.example.com:22", "calls no ERP on port 22. Enter another port, or have the operator allow"),
        ("https://10.0.0.1", "is on a private network, which this installation does not allow. Ask the operator"),
        ("https://localhost", "is on a private network, which this installation does not allow. Ask the operator"),
    ],
)
def test_an_address_that_is_not_allowed_is_told_beside_the_field(
    address: str, told: str, settings: LazySettings
) -> None:
    settings.ERP_ALLOW_PRIVATE_ADDRESSES, settings.ERP_ALLOWED_PORTS = False, frozenset({80, 443})
    form = TrytonAdapter.options_form()({**GOOD, "address": address})

    assert told in form.errors["address"][0]


def test_the_password_is_never_shown_again() -> None:
    assert "with spaces" not in TrytonAdapter.options_form()(GOOD).as_p()
