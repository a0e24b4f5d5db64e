"""Settings that cannot be meant end the start, with a sentence that names the variable."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env
from tests.production import production_environment
from tests.servers.programs import ROOT

pytestmark = pytest.mark.once


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of production, in which a test may change a variable."""
    for name in set(os.environ) - {"PATH", "HOME"}:
        monkeypatch.delenv(name)
    for name, value in production_environment().items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def load() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "config" / "settings.py"))


def test_the_example_filled_in_is_fine(example: pytest.MonkeyPatch) -> None:
    assert load()["DATABASE_URL"].startswith("postgresql://")


def test_a_process_ends_with_the_sentence_before_it_serves_anything() -> None:
    wrong = production_environment() | {"CREDENTIAL_KEYS": "no-key"}

    refused = subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=ROOT, env=wrong, capture_output=True, text=True
    )

    assert refused.returncode == 1
    assert "CREDENTIAL_KEYS: entry 1 is no key." in refused.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CREDENTIAL_KEYS", "no-key"),
        ("CREDENTIAL_KEYS", ","),
        ("CREDENTIAL_KEYS", f"{'A' * 43}=,another"),
        ("SECRET_KEY", "short"),
        ("SITE_URL", "tieback.example.com"),
        ("SITE_URL", "ftp://tieback.example.com"),
        ("SITE_URL", "https://"),
        ("SITE_URL", "https://tieback.example.com/erp"),
        ("SITE_URL", "https://tieback.example.com:port"),
        ("ALLOWED_HOSTS", "https://tieback.example.com"),
        ("DATABASE_URL", "postgres:5432/tieback"),
        ("DATABASE_URL", "sqlite:///tieback"),
        ("REDIS_URL", "redis:6379/0"),
        ("REDIS_URL", "amqp://redis"),
        ("PORT", "80.5"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "info"),
        ("EMAIL_PORT", "-1"),
        ("EMAIL_FROM", "Tieback"),
        ("EMAIL_USE_SSL", "true"),  # beside EMAIL_USE_TLS
        ("EMAIL_HOST_USER", "tieback"),  # without a password
        ("EXPORT_LEASE_S", "nan"),
        ("EXPORT_LEASE_S", "inf"),
        ("EXPORT_LEASE_S", "0"),
        ("EXPORT_SETTLE_S", "-2"),
        ("EXPORT_TURN_S", "-1"),
        ("EXPORT_SWEEP_S", "0"),
        ("EXPORT_RETRY_S", "-15"),
        ("EXPORT_MAX_TRIES", "0"),
        ("EXPORT_MAX_TRIES", "1.5"),
        ("REJECTION_MAIL_DELAY_S", "-1"),
        ("BEHIND_PROXY", "perhaps"),
    ],
)
def test_what_cannot_be_meant_is_told_at_the_start(example: pytest.MonkeyPatch, name: str, value: str) -> None:
    example.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=name):
        load()


@pytest.mark.parametrize("name", ["CREDENTIAL_KEYS", "SECRET_KEY", "DATABASE_URL", "REDIS_URL"])
def test_what_may_be_a_part_of_a_secret_is_not_repeated(example: pytest.MonkeyPatch, name: str) -> None:
    example.setenv(name, "half-a-secret")

    with pytest.raises(ImproperlyConfigured) as told:
        load()

    assert "half-a-secret" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("443", {443}), ("80, 443,8000", {80, 443, 8000}), ("any", set()), ("Any", set()), ("", {1, 2})],
)
def test_numbers_are_read(text: str, numbers: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTS", text)

    assert env.numbers("PORTS", "1,2") == numbers


@pytest.mark.parametrize("text", ["https", "80;443", "80,", "8.5", "all"])
def test_what_is_no_number_names_its_variable(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORTS", text)

    with pytest.raises(ImproperlyConfigured, match="PORTS must be whole numbers"):
        env.numbers("PORTS", "1,2")
