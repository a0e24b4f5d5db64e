"""The browser that Playwright drives: one that is there, else one from apt, else the one that Playwright downloads.

The shell of Chromium, which has no windows to draw, takes three quarters of the whole browser's time for our pages.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import programs
from tests.servers.server import ServerError

SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_program() -> Path:
    given = os.environ.get("CHROMIUM")
    if given:
        if not os.access(given, os.X_OK):
            raise ServerError(f"CHROMIUM is {given}, which is no program.")
        return Path(given)
    for package, names in (("chromium-headless-shell", SHELLS), ("chromium", NAMES)):
        if found := programs.in_path(*names) or _from_apt(package, names):
            return found
    return _from_playwright()


def version_of(program: Path) -> str:
    """Debian's start script may warn before the version."""
    return programs.version_of(program).splitlines()[-1]


def _from_apt(package: str, names: tuple[str, ...]) -> Path | None:
    try:
        return programs.in_path(*names) if programs.apt_install(package) else None
    except ServerError:  # not every system has the shell
        return None


def _from_playwright() -> Path:
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"No Chromium here, and Playwright cannot download one:\n{done.stderr[-1000:]}")
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as x: print(x.chromium.executable_path)"
    return Path(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
