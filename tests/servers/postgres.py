"""A private PostgreSQL: never the machine's own cluster, and without fsync, since nothing in it is to last."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from tests.servers import programs
from tests.servers.server import Server, ServerError

# Commits still reach the operating system: kill -9 of the server loses none of them.
FAST = ["fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=200"]


class PostgreSQL(Server):
    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": does not wait for clients

    def __init__(self) -> None:
        super().__init__()
        self.bin = find_programs()
        self.version = programs.version_of(self.bin / "postgres")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return self.url_of("tieback")

    def url_of(self, database: str) -> str:
        return f"postgresql://tieback@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self.folder, _user(), pwd.getpwnam(_user()).pw_gid)
        initdb = [str(self.bin / "initdb"), "-D", str(self.data), "-U", "tieback", "-A", "trust", "-E", "UTF8"]
        command = [*_as_user(), *initdb, "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder)
        if done.returncode:
            raise ServerError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def restart(self) -> PostgreSQL:
        super().restart()
        if self.ask("postgres", "SELECT 1 FROM pg_database WHERE datname = 'tieback'") != "1":
            self.create_database("tieback")
        return self

    def create_database(self, name: str) -> str:
        self.ask("postgres", f'CREATE DATABASE "{name}"')
        return self.url_of(name)

    def command(self) -> list[str]:
        flags = [word for setting in FAST for word in ("-c", setting)]
        listen = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        return [*_as_user(), str(self.bin / "postgres"), "-D", str(self.data), *listen, *flags]

    def is_ready(self) -> bool:
        try:
            found = self.ask("postgres", "SHOW data_directory")
        except ServerError:
            return False
        if Path(found) != self.data:
            raise ServerError(f"Another PostgreSQL answers on port {self.port}: its data lies in {found}.")
        return True

    def ask(self, database: str, sql: str) -> str:
        command = [str(self.bin / "psql"), "-X", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.url_of(database), "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise ServerError(done.stderr.strip())
        return done.stdout.strip()


def find_programs() -> Path:
    """The folder that holds postgres, initdb and psql."""
    found = _installed_programs()
    if found is None and programs.apt_install("postgresql"):
        found = _installed_programs()
    return found or programs.find_in(programs.wheel_folder(), "initdb").parent


def _installed_programs() -> Path | None:
    in_path = programs.in_path("initdb", "postgres")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    for folder in [*([in_path.resolve().parent] if in_path else []), *reversed(versions)]:
        if all((folder / program).exists() for program in ("postgres", "initdb", "psql")):
            return folder
    return None


def _user() -> str:
    """PostgreSQL refuses to run as root; without its own user any other does."""
    return next(user.pw_name for name in ("postgres", "nobody") for user in pwd.getpwall() if user.pw_name == name)


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    gid = pwd.getpwnam(_user()).pw_gid
    return ["setpriv", f"--reuid={_user()}", f"--regid={gid}", "--clear-groups", "--"]


def version_at(url: str) -> str:
    """Version of a server that was given by its address."""
    psql = _installed_programs()
    if psql is None:
        return "version not asked: no psql here"
    command = [str(psql / "psql"), "-X", "-At", "-d", url, "-c", "SHOW server_version"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"DATABASE_URL does not answer: {done.stderr.strip()}")
    return f"PostgreSQL {done.stdout.strip()}"
