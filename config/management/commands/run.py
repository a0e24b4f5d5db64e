"""`bin/run`: the whole product by one command."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command

from config import children, embedded
from exports.queue import free_leases

# All that the embedded mode keeps in var/. What else lies there is not ours to delete.
KEPT = ("tieback.sqlite3*", "keys.json", ".keys-*", "demo*", "staticfiles", "mail", "run.lock")


class Command(BaseCommand):
    help = "Serve web, worker and beat, with the demo, until Ctrl-C."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fresh", action="store_true", help="empty var/ and begin anew")
        parser.add_argument("--demo", action="store_true", help="load the demo into the database of DATABASE_URL too")

    def handle(self, *, fresh: bool, demo: bool, **options: Any) -> None:
        os.umask(0o077)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        try:
            self.run(fresh, demo or settings.EMBEDDED)
        except KeyboardInterrupt:
            self.stdout.write("")  # the terminal's ^C has a line of its own

    def run(self, fresh: bool, demo: bool) -> None:
        if fresh and not settings.EMBEDDED:
            raise CommandError("--fresh empties var/ alone, and DATABASE_URL says that the data is elsewhere.")
        lock = take_lock()
        if fresh:
            begin_anew()
        server = bind(settings.PORT)
        self.prepare(demo)
        if settings.REDIS_URL:
            server.server_close()
            children.serve(settings.PORT, lock.fileno(), self.announce)
        else:
            embedded.serve(server, self.announce)

    def prepare(self, demo: bool) -> None:
        logging.getLogger("celery").setLevel(logging.WARNING)
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0)
        if settings.EMBEDDED:
            free_leases()
        else:
            call_command("collectstatic", interactive=False, verbosity=0)
        if demo:
            call_command("load_demo", stdout=self.stdout)

    def announce(self) -> None:
        self.stdout.write(f"Tieback runs at http://127.0.0.1:{settings.PORT} (Ctrl-C ends it)")
        self.stdout.flush()


def take_lock() -> IO[str]:
    """Held as long as this process or a child of it lives. What a killed one left behind is waited for."""
    settings.VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = open(settings.VAR_DIR / "run.lock", "a+")  # noqa: SIM115
    deadline = time.monotonic() + 10
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip()
            if is_alive(owner) or time.monotonic() > deadline:
                raise CommandError(
                    f"Tieback already runs with {settings.VAR_DIR} (process {owner}). End it first."
                ) from None
            time.sleep(0.1)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def is_alive(process_id: str) -> bool:
    try:
        os.kill(int(process_id), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def begin_anew() -> None:
    """Empty var/, then start over: our settings hold keys that are gone with it."""
    folder = settings.VAR_DIR
    foreign = sorted(path.name for path in folder.iterdir() if not any(path.match(pattern) for pattern in KEPT))
    if foreign:
        raise CommandError(
            f"{folder} holds what is not Tieback's ({', '.join(foreign[:3])}), so --fresh leaves it alone."
        )
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    arguments = [argument for argument in sys.argv if argument != "--fresh"]
    os.execv(sys.executable, [sys.executable, *arguments])


def bind(port: int) -> embedded.ThreadedWSGIServer:
    try:
        return embedded.bind(port)
    except OSError as error:
        why = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not ours to use"}.get(error.errno or 0, str(error))
        raise CommandError(f"Port {port} {why}. Choose another: PORT={port + 1} bin/run") from error
