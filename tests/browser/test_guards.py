"""The browser tests' own guard: it would notice."""

from __future__ import annotations

from playwright.sync_api import Page


def test_the_console_is_watched_for_violations_and_broken_scripts(page: Page, console_errors: list[str]) -> None:
    page.goto("/healthz")

    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        page.evaluate("document.head.appendChild(document.createElement('script')).textContent = 'alert(1)'")
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('broken') }, 0)")

    assert any("Content Security Policy" in error for error in console_errors)
    assert any("broken" in error for error in console_errors)
    console_errors.clear()
