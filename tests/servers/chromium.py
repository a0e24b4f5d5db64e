"""The browser that Playwright drives: one that is there, else one from apt, else the one that Playwright downloads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.servers import programs
from tests.servers.server import ServerError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_program() -> Path:
    given = os.environ.get("CHROMIUM")
    if given:
        if not os.access(given, os.X_OK):
            raise ServerError(f"CHROMIUM is {given}, which is no program.")
        return Path(given)
    found = programs.in_path(*NAMES)
    if found is None and programs.apt_install("chromium"):
        found = programs.in_path(*NAMES)
    return found or _from_playwright()


def version_of(program: Path) -> str:
    """Debian's start script may warn before the version."""
    return programs.version_of(program).splitlines()[-1]


def _from_playwright() -> Path:
    done = subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, text=True)
    if done.returncode:
        raise ServerError(f"No Chromium here, and Playwright cannot download one:\n{done.stderr[-1000:]}")
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as x: print(x.chromium.executable_path)"
    return Path(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout.strip())
