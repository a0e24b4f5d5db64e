"""A real Tryton from PyPI, with books in it. Installed into an environment of its own, cached beside its database.

The items are read back over Tryton's own API by code that shares nothing with our adapter.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_S
from tests.servers.server import Server, ServerError

HERE = Path(__file__).parent
QUICK = HERE / "tryton_quick.py"
DATABASE = "erp"
USER, PASSWORD, ADMIN_PASSWORD = "tieback", "books-Secret-417", "admin-Secret-902"
COMPANY = "Proof Builders Inc"
ALL = ["active", "in", [True, False]]  # archived ones too

Values = tuple[str, str | None, str | None]  # name, code of the income account, code of the expense account


class TrytonServer(Server):
    """Tryton 8.2 on a fresh copy of the prepared database; `Tryton70Server` is the older series."""

    name = "Tryton"
    series = "8.2"
    path = f"/{DATABASE}/rpc/"
    root = "/rpc/"

    def __init__(self) -> None:
        super().__init__()
        self.session = ""
        self.home = prepared_home(self.series)
        self.version = f"Tryton {_pin(lock_of(self.series))}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        return {"address": self.url, "database": DATABASE, "username": USER, "company": COMPANY}

    @property
    def credentials(self) -> dict[str, str]:
        return {"password": PASSWORD}

    def prepare(self) -> None:
        shutil.copy(self.home / "db" / f"{DATABASE}.sqlite", self.folder)
        write_config(self.folder / "trytond.conf", self.folder, self.port)

    def command(self) -> list[str]:
        return [*_program(self.home, "trytond"), "-c", str(self.folder / "trytond.conf"), "-d", DATABASE]

    def is_ready(self) -> bool:
        try:
            return str(self._post(self.root, "common.server.version", [])).startswith(self.series)
        except OSError:
            return False

    # What a person would do in the ERP

    def make_item(self, code: str, name: str, income: str = "4000", expense: str | None = "5000") -> None:
        """A service product with a category of its own; the accounts by code."""
        accounts = {"account_revenue": self.accounts[income], "account_expense": expense and self.accounts[expense]}
        category = self.rpc("product.category", "create", [{"name": f"By hand {code}", "accounting": True, **accounts}])
        template = {"name": name, "code": code, "type": "service", "default_uom": 1, "account_category": category[0]}
        self.rpc("product.template", "create", [{**template, "products": [["create", [{}]]]}])

    def archive_item(self, code: str) -> None:
        found = self.rpc("product.product", "search_read", [["code", "=", code]], 0, 1, None, ["template"])[0]
        self.rpc("product.product", "write", [found["id"]], {"active": False})
        self.rpc("product.template", "write", [found["template"]], {"active": False})

    def make_user(self, login: str, password: str, groups: tuple[str, ...] = (), is_member: bool = True) -> None:
        ids = self.rpc("res.group", "search", [["name", "in", list(groups)]])
        companies = self.rpc("company.company", "search", [["party.name", "=", COMPANY]]) if is_member else []
        values = {"name": login, "login": login, "password": password, "company": next(iter(companies), None)}
        self.rpc("res.user", "create", [{**values, "groups": [["add", ids]], "companies": [["add", companies]]}])

    def end_sessions(self) -> None:
        with closing(sqlite3.connect(self.folder / f"{DATABASE}.sqlite", timeout=PATIENCE_S)) as database, database:
            database.execute("DELETE FROM ir_session")
        self.session = ""

    # What the ERP holds

    def items(self) -> dict[str, Values]:
        """Every product by code, archived ones too. Two products of one code are an error."""
        fields = [
            "code",
            "template.name",
            *(f"template.account_category.account_{k}.code" for k in ("revenue", "expense")),
        ]
        found: dict[str, Values] = {}
        for row in self.rpc("product.product", "search_read", [ALL], 0, None, [["id", "ASC"]], fields):
            if row["code"] in found:
                raise AssertionError(f"Tryton holds two products with the code {row['code']}.")
            template = row["template."]
            category = template.get("account_category.") or {}
            accounts = [(category.get(f"account_{kind}.") or {}).get("code") for kind in ("revenue", "expense")]
            found[row["code"]] = (template["name"], *accounts)
        return found

    @cached_property
    def accounts(self) -> dict[str, int]:
        """The ids of the accounts by their codes."""
        rows = self.rpc("account.account", "search_read", [["company", "=", 1], ALL], 0, None, None, ["code"])
        return {row["code"]: row["id"] for row in rows if row["code"]}

    def rpc(self, model: str, method: str, *words: Any) -> Any:
        """As the administrator."""
        words = (*words, {"company": 1, "language": "en"})
        if not self.session:
            user, token = self._post(self.path, "common.db.login", ["admin", {"password": ADMIN_PASSWORD}, "en"])[:2]
            self.session = base64.b64encode(f"admin:{user}:{token}".encode()).decode()
        return self._post(self.path, f"model.{model}.{method}", list(words))

    def _post(self, path: str, method: str, words: list[Any]) -> Any:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        if self.session:
            headers["Authorization"] = f"Session {self.session}"
        body = json.dumps({"id": 1, "method": method, "params": words}).encode()
        request = urllib.request.Request(self.url + path, body, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            content = answer.read()
            content = gzip.decompress(content) if answer.headers["Content-Encoding"] == "gzip" else content
        told = json.loads(content)
        if "error" in told:
            raise ServerError(f"{self.name}: {method}: {str(told['error'])[:500]}")
        return told["result"]


class Tryton70Server(TrytonServer):
    series = "7.0"
    path = f"/{DATABASE}/"
    root = "/"


def lock_of(series: str) -> Path:
    return HERE / f"tryton{series.replace('.', '')}.lock"


def prepared_home(series: str) -> Path:
    """The folder with `venv` and the prepared database; made once per pins and set-up (under a minute)."""
    recipe = hashlib.sha256(f"{sys.version} {USER} {PASSWORD} {ADMIN_PASSWORD}".encode())
    for part in (lock_of(series), HERE / "tryton_setup.py", QUICK):
        recipe.update(part.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tieback-tests"
    home = cache / f"tryton-{series}-{recipe.hexdigest()[:16]}"
    with _alone(cache, home.name):
        if not (home / "ready").exists():
            shutil.rmtree(home, ignore_errors=True)
            _install(home, lock_of(series))
            _make_books(home)
            (home / "ready").touch()
    return home


def write_config(path: Path, folder: Path, port: int = 0) -> None:
    path.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n")


def _program(home: Path, name: str) -> list[str]:
    return [str(home / "venv/bin/python"), str(QUICK), str(home / "venv/bin" / name)]


def _install(home: Path, lock: Path) -> None:
    """With our own pip, and nothing compiled that is never imported: eight seconds instead of fourteen."""
    _run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")])
    into = [sys.executable, "-m", "pip", "--python", str(home / "venv/bin/python")]
    _run([*into, "install", "-q", "--no-compile", "--require-hashes", "-r", str(lock)])


def _make_books(home: Path) -> None:
    (home / "db").mkdir()
    (home / "db" / f"{DATABASE}.sqlite").touch()
    (home / "passfile").write_text(ADMIN_PASSWORD)
    config = home / "trytond.conf"
    write_config(config, home / "db")
    admin = [*_program(home, "trytond-admin"), "-c", str(config), "-d", DATABASE, "--email", "admin@example.test"]
    _run([*admin, "--all", "-u", "account_product", "--activate-dependencies"], TRYTONPASSFILE=str(home / "passfile"))
    setup = [str(home / "venv/bin/python"), str(HERE / "tryton_setup.py"), str(config), DATABASE, USER, PASSWORD]
    _run(setup)


def _run(command: list[str], **environment: str) -> None:
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


def _pin(lock: Path) -> str:
    return next(
        line.split("==")[1].split()[0] for line in lock.read_text().splitlines() if line.startswith("trytond==")
    )


@contextmanager
def _alone(cache: Path, name: str) -> Iterator[None]:
    """Two test runs at once make it once."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
