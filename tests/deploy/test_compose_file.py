"""What docker-compose.yml, the Dockerfile and .env.example promise, read without starting anything."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.production import SECRETS, env_example
from tests.servers.programs import ROOT

pytestmark = pytest.mark.once

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_services_are_those_of_production() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "web", "worker", "beat"}
    assert SERVICES["postgres"]["image"] == "postgres:17"
    assert SERVICES["redis"]["image"] == "redis:7"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_whatever_keeps_running_is_looked_after(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_our_processes_start_after_the_migrations_and_the_servers(name: str) -> None:
    assert SERVICES[name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
    }


def test_only_the_web_has_a_port_and_only_for_a_proxy_on_the_machine() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_redis_keeps_what_it_was_told_and_asks_for_a_password() -> None:
    command = " ".join(SERVICES["redis"]["command"])

    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command
    assert "--requirepass ${REDIS_PASSWORD:?" in command


def test_both_servers_keep_their_data_in_volumes() -> None:
    kept = [volume.split(":") for name in ("postgres", "redis") for volume in SERVICES[name]["volumes"]]

    assert {name for name, _ in kept} == set(COMPOSE["volumes"])
    assert {folder for _, folder in kept} == {"/var/lib/postgresql/data", "/data"}


def test_a_connection_outlives_the_second_between_two_polls() -> None:
    command = " ".join(SERVICES["web"]["command"])

    assert "--worker-class=gthread" in command
    assert int(re.search(r"--keep-alive=(\d+)", command).group(1)) > 1  # type: ignore[union-attr]


def test_the_image_is_locked_and_not_run_by_root() -> None:
    assert DOCKERFILE.startswith("FROM python:3.11-slim\n")
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    assert DOCKERFILE.rstrip().endswith("USER tieback")


def test_the_example_explains_every_setting_that_is_read() -> None:
    source = (ROOT / "config/settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', source)) - {"CRASH"}  # of the fault tests alone
    of_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))

    assert read
    assert set(env_example()) == read | of_compose


def test_each_variable_of_the_example_has_a_word_of_its_own() -> None:
    blocks = re.split(r"\n(?=#)", re.sub(r"\n+", "\n", (ROOT / ".env.example").read_text()))

    for block in blocks:
        assert block.startswith("#")
        assert len(re.findall(r"^[A-Z_]+=", block, re.MULTILINE)) <= 2


def test_no_secret_is_written_into_the_example() -> None:
    example = env_example()

    assert {name: example[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")
