"""The processes of docker-compose.yml, started from what the image holds: `requirements.lock` and our files."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.conf import settings
from psycopg import sql

from tests.patience import PATIENCE_S
from tests.production import production_environment
from tests.servers.programs import ROOT
from tests.servers.server import Server, free_port, wait_until

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


class Image:
    """A virtual environment and a copy of our files, as the Dockerfile puts them together."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.files = folder / "tieback"
        self.python = environment_of_the_lock()
        self.environment = environment | {
            "PATH": f"{self.python.parent}:{environment['PATH']}",
            "STATIC_ROOT": str(self.files / "staticfiles"),
            "VAR_DIR": str(folder),
            "HOSTNAME": socket.gethostname(),
        }

    def build(self) -> None:
        ignored = (ROOT / ".dockerignore").read_text().split()
        shutil.copytree(
            ROOT, self.files, ignore=shutil.ignore_patterns(*(name.removeprefix("**/") for name in ignored))
        )
        dockerfile = (ROOT / "Dockerfile").read_text()
        steps = re.findall(r"^RUN (.*?(?<!\\))$", dockerfile, re.MULTILINE | re.DOTALL)
        self.shell(steps[-1].replace("/srv/tieback", str(self.files)))

    def shell(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.files,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def environment_of_the_lock() -> Path:
    """Its Python; made once per lock, since that takes half a minute."""
    lock = (ROOT / "requirements.lock").read_text()
    home = ROOT / ".cache" / "image"
    if not (home / "lock").exists() or (home / "lock").read_text() != lock:
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [home / "bin/pip", "install", "-q", "--no-compile", "--disable-pip-version-check", "--require-hashes"]
        done = subprocess.run([*pip, "-r", ROOT / "requirements.lock"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        (home / "lock").write_text(lock)
    return home / "bin" / "python"


class Container(Server):
    """One service of the compose file as a process."""

    stop_signal = signal.SIGTERM

    def __init__(self, name: str, image: Image) -> None:
        super().__init__()
        self.name = name
        self.image = image
        self.environment = image.environment

    @property
    def working_folder(self) -> Path:
        return self.image.files

    def command(self) -> list[str]:
        return [fill_in(word, self.image.environment) for word in SERVICES[self.name]["command"]]

    def is_ready(self) -> bool:
        return True

    def check_health(self) -> bool:
        kind, *command = SERVICES[self.name]["healthcheck"]["test"]
        shell = command if kind == "CMD" else ["sh", "-c", *command]
        words = [fill_in(word, self.image.environment) for word in shell]
        done = subprocess.run(
            words, cwd=self.image.files, env=self.environment, capture_output=True, timeout=PATIENCE_S
        )
        return done.returncode == 0


def fill_in(word: str, environment: dict[str, str]) -> str:
    """As compose does: `${NAME:-default}` from .env, `$$` for the shell's own `$`."""
    filled = re.sub(r"\$\{(\w+):-\w*\}", lambda found: environment[found.group(1)], word)
    return filled.replace("$$", "$")


@pytest.fixture(scope="session")
def own_database() -> Iterator[str]:
    """A database of our own on the PostgreSQL of the test run."""
    name = f"tieback_deploy_{secrets.token_hex(4)}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield re.sub(r"/[^/?]*(\?|$)", rf"/{name}\1", settings.DATABASE_URL)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def image(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Image:
    own = {
        "DATABASE_URL": own_database,
        "REDIS_URL": os.environ["REDIS_URL"],
        "TASK_QUEUE": f"deploy-{secrets.token_hex(4)}",
        "PORT": str(free_port()),
        "ERP_ALLOWED_HOSTS": "127.0.0.1",  # where the Tryton of the test is
        "ERP_ALLOWED_PORTS": "any",
    }
    image = Image(tmp_path_factory.mktemp("image"), production_environment() | own)
    image.build()
    return image


@pytest.fixture(scope="session")
def containers(image: Image) -> Iterator[dict[str, Container]]:
    """`docker compose up`: the migrations to their end, then web, worker and beat until they are healthy."""
    migrate = Container("migrate", image)
    image.shell(" ".join(migrate.command()))
    running = {name: Container(name, image) for name in ("web", "worker", "beat")}
    try:
        for container in running.values():
            container.start()
        for name, container in running.items():
            wait_until(container.check_health, f"a healthy {name}")
        yield running
    finally:
        for container in running.values():
            container.stop()
