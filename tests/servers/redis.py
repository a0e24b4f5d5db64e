"""A private Redis (or Valkey) with an append-only file, as in production, so that kill -9 and restart lose nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import redis

from tests.patience import PATIENCE_S
from tests.servers import programs
from tests.servers.server import Server, ServerError


class Redis(Server):
    name = "Redis"

    def __init__(self) -> None:
        super().__init__()
        self.program = find_program()
        self.version = programs.version_of(self.program)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        listen = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        # Every write is handed to the kernel before its answer. With "everysec" it waits while the disk is busy.
        lasting = ["--appendonly", "yes", "--appendfsync", "no", "--save", ""]
        return [str(self.program), *listen, *lasting, "--maxmemory-policy", "noeviction"]

    def is_ready(self) -> bool:
        """Also with all that it kept: while it loads that, it answers INFO and nothing else."""
        try:
            told = ask(self.url, "INFO everything")
        except redis.RedisError:
            return False
        return told["process_id"] == self.process_id and not told["loading"]

    @property
    def process_id(self) -> int:
        return self.process.pid if self.process else 0

    def empty(self) -> None:
        """Every message that waits is lost, as after a crash without an append-only file."""
        ask(self.url, "FLUSHALL")


def find_program() -> Path:
    names = ("redis-server", "valkey-server")
    found = programs.in_path(*names)
    if found is None and programs.apt_install("redis-server"):
        found = programs.in_path(*names)
    return found or programs.find_in(programs.wheel_folder(), "valkey-server")


def ask(url: str, command: str) -> Any:
    """One command, its words apart by blanks, and its answer."""
    with redis.Redis.from_url(url, decode_responses=True, socket_timeout=PATIENCE_S) as client:
        return client.execute_command(*command.split())


def version_at(url: str) -> str:
    """Version of a server that was given by its address."""
    try:
        return f"Redis {ask(url, 'INFO server')['redis_version']}"
    except redis.RedisError as error:
        raise ServerError(f"REDIS_URL does not answer as Redis does: {error}") from error
