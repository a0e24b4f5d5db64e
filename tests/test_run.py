from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import is_quick
from tests.servers.product import Product
from tests.servers.programs import ROOT
from tests.servers.redis import Redis
from tests.servers.server import free_port, wait_until

pytestmark = [pytest.mark.once, pytest.mark.processes]


@pytest.fixture(scope="module")
def started() -> Iterator[Product]:
    with Product() as product:
        yield product


@pytest.fixture
def product(started: Product) -> Product:
    """Runs, and may be ended: the next test starts it again."""
    started.arguments = ()
    if started.process is None or started.process.poll() is not None:
        started.restart()
    return started


def mark(product: Product) -> None:
    """Something that a person left in the database."""
    with sqlite3.connect(product.var / "tieback.sqlite3") as database:
        database.execute("CREATE TABLE IF NOT EXISTS mark (number)")
    database.close()


def is_marked(product: Product) -> bool:
    database = sqlite3.connect(product.var / "tieback.sqlite3")
    tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'mark'").fetchall()
    database.close()
    return tables != []


def sign_ins(product: Product) -> dict[str, str]:
    """Passwords by name, as the start prints them."""
    return dict(re.findall(r"^Sign in: (\w+) / (\S+) \(.+\)$", product.words, re.MULTILINE))


def test_it_serves_at_once_and_again_after_ctrl_c_with_what_was_there(product: Product) -> None:
    assert product.get("/readyz").startswith("database ok")
    mark(product)
    keys = (product.var / "keys.json").read_text()
    people = sign_ins(product)
    assert set(people) == {"admin", "approver", "viewer"}

    def interrupt() -> None:
        assert product.interrupt() == 0
        assert "Traceback" not in product.words

    assert is_quick(lambda: (interrupt(), product.restart()), 10)
    assert is_marked(product)
    assert (product.var / "keys.json").read_text() == keys
    assert sign_ins(product) == people


def test_it_loses_nothing_by_kill_9(product: Product) -> None:
    mark(product)

    product.kill()
    product.restart()

    assert product.get("/readyz").startswith("database ok")
    assert is_marked(product)


def test_what_it_keeps_is_for_its_owner_alone(product: Product) -> None:
    kept = [product.var, *product.var.rglob("*")]

    assert {path.name for path in kept} >= {"keys.json", "demo.json", "tieback.sqlite3"}
    assert {path.stat().st_mode & 0o077 for path in kept} == {0}


def test_it_refuses_to_run_twice_or_to_be_emptied_while_it_runs(product: Product) -> None:
    for arguments in ([], ["--fresh"]):
        second = product.run(*arguments, PORT=str(free_port()))

        assert second.returncode == 1
        assert second.stderr.startswith("CommandError: Tieback already runs with ")
        assert second.stderr.count("\n") == 1
    assert product.get("/healthz") == "ok"


def test_fresh_begins_anew(product: Product) -> None:
    mark(product)
    keys = (product.var / "keys.json").read_text()
    product.interrupt()
    (product.var / "mail").mkdir(exist_ok=True)  # where mails are laid
    (product.var / "mail" / "1.log").touch()

    product.arguments = ("--fresh",)
    product.restart()

    assert not is_marked(product)
    assert not (product.var / "mail" / "1.log").exists()
    assert (product.var / "keys.json").read_text() != keys


def test_fresh_leaves_a_folder_alone_that_holds_other_things(product: Product) -> None:
    product.interrupt()
    (product.var / "Photos").mkdir()

    refused = product.run("--fresh")

    assert refused.returncode == 1
    assert "holds what is not Tieback's (Photos)" in refused.stderr
    assert (product.var / "keys.json").exists()
    (product.var / "Photos").rmdir()


def test_fresh_is_refused_where_the_data_is_elsewhere(tmp_path: Path) -> None:
    elsewhere = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "SECRET_KEY": "x" * 50,
        "CREDENTIAL_KEYS": "x" * 43 + "=",
    }
    product = Product()
    product.folder, product.port = tmp_path, free_port()
    product.prepare()

    refused = product.run("--fresh", **elsewhere)

    assert refused.returncode == 1
    assert "DATABASE_URL says that the data is elsewhere" in refused.stderr


def test_a_busy_port_is_told_in_one_sentence(product: Product) -> None:
    product.interrupt()
    with Redis() as other:
        refused = product.run(PORT=str(other.port))

    assert refused.returncode == 1
    hint = f"Choose another: PORT={other.port + 1} bin/run"
    assert refused.stderr == f"CommandError: Port {other.port} is in use. {hint}\n"


def test_a_var_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    var = tmp_path / "file" / "var"

    refused = subprocess.run(["bin/run"], cwd=ROOT, env={"VAR_DIR": str(var)}, capture_output=True, text=True)

    assert refused.returncode == 1
    assert refused.stderr == f"Tieback keeps its data in {var}, which cannot be written.\n"


def test_an_old_python_is_told_in_one_sentence(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)

    command = ["bash", "-c", ". bin/_venv; find_python", "bin/run"]
    refused = subprocess.run(command, cwd=ROOT, env={"PYTHON": str(old)}, capture_output=True, text=True)

    assert refused.returncode == 1
    assert refused.stderr.startswith(f"Tieback needs Python 3.11 or newer, and {old} is Python 3.9.2.")


def test_with_a_redis_three_processes_live_and_end_together() -> None:
    with Redis() as redis, Product(REDIS_URL=redis.url) as product:
        assert product.get("/readyz") == "database ok, broker ok"
        mark(product)

        product.kill()
        product.restart()

        assert product.get("/readyz") == "database ok, broker ok"
        assert is_marked(product)

        [worker] = product.children("worker")
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: product.children("worker") not in ([], [worker]), "Another worker")
        assert "The worker ended by itself (exit code -9)." in product.words
        assert product.get("/readyz") == "database ok, broker ok"

        assert product.interrupt() == 0
        busy = product.run(PORT=str(redis.port))  # the port is looked at once the lock is free: no child is left
        assert busy.stderr.startswith(f"CommandError: Port {redis.port} is in use")
