"""Chromium on the real pages. Whatever the browser's console calls an error fails the test that caused it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.patience import PATIENCE_S
from tests.servers import chromium

# Playwright leaves an event loop in the main thread, which Django takes for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# No look-ups of its own; the page alone decides what is asked.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
# The last list counts, so what Playwright turns off is here again, as far as it matters, before two pop-ups of the
# address bar: headless Chromium loads them with every window, for as much time as our own pages take.
OFF = [
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "MediaRouter",
    "PaintHolding",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    flags = [*FLAGS, f"--disable-features={','.join(OFF)}"]
    return {**browser_type_launch_args, "executable_path": str(chromium.find_program()), "args": flags}


@pytest.fixture
def site(live_server: LiveServer) -> str:
    """The address of the running product, on the test's database."""
    return live_server.url


@pytest.fixture
def console_errors() -> list[str]:
    """What the console called an error: must be empty at the end. A test that causes one on purpose removes it."""
    return []


@pytest.fixture
def page(page: Page, site: str, console_errors: list[str]) -> Iterator[Page]:
    """A page of the product: relative addresses work, console errors and broken scripts fail the test."""
    watch(page, console_errors)
    page.set_default_timeout(1000 * PATIENCE_S)
    expect.set_options(timeout=1000 * PATIENCE_S)
    yield page
    assert console_errors == []


# What htmx 2 says of a poll that gives way to a click; of a request that fails it says "htmx:sendError", too.
GAVE_WAY = ("htmx:sendAbort, ", "htmx:afterRequest, ")


def watch(page: Page, console_errors: list[str]) -> None:
    """Also for further pages that a test opens. Chromium reports violations of the CSP as console errors."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(GAVE_WAY):
            console_errors.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", note)
    page.on("pageerror", lambda error: console_errors.append(str(error)))


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], site: str) -> dict[str, Any]:
    return {**browser_context_args, "base_url": site}
