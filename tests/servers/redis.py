"""A private Redis (or Valkey) with an append-only file, as in production, so that kill -9 and restart lose nothing."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

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
        try:
            return f"process_id:{self.process_id}\r" in ask(self.url, "INFO server")
        except OSError:
            return False

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


def ask(url: str, command: str) -> str:
    """Send one inline command; the start of the answer is enough for our questions."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "127.0.0.1", address.port or 6379), timeout=5) as connection:
        sign_in = f"AUTH {address.username or 'default'} {address.password}\r\n" if address.password else ""
        connection.sendall(f"{sign_in}{command}\r\nQUIT\r\n".encode())
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts).decode(errors="replace")


def version_at(url: str) -> str:
    """Version of a server that was given by its address."""
    try:
        answer = ask(url, "INFO server")
    except OSError as error:
        raise ServerError(f"REDIS_URL does not answer: {error}") from error
    lines = [line for line in answer.splitlines() if line.startswith("redis_version:")]
    if not lines:
        raise ServerError(f"REDIS_URL does not answer as Redis does: {answer[:100]!r}")
    return f"Redis {lines[0].partition(':')[2]}"
