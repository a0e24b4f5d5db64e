"""What the people in the browser tests do the same way."""

from __future__ import annotations

import time
from collections.abc import Callable

from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from tests.factories import PASSWORD
from tests.patience import PATIENCE_S


def signed_in(page: Page, username: str, then: str) -> None:
    """At that page, as someone who signed in before."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "domain": "localhost", "path": "/"}
    page.context.add_cookies([cookie])
    page.goto(then)


def sign_in(page: Page, username: str, then: str) -> None:
    """By the form; back when the page behind it is there with its scripts."""
    page.goto(f"/login/?next={then}")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.wait_for_load_state("load")


def follow(page: Page, name: str, to: str) -> None:
    """Click the link, back when the page behind it is there with its scripts."""
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_url(f"**{to}")


def eventually(look: Callable[[], object], expected: object) -> None:
    """What the server has stored, once its answer to the page is on its way."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := look()) != expected:
        assert time.monotonic() < deadline, f"still {found!r}, not {expected!r}"
        time.sleep(0.05)


def assert_accessible(page: Page) -> None:
    """Nothing serious by axe, in light and dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        violations = Axe().run(page).response["violations"]
        serious = [found for found in violations if found["impact"] in {"serious", "critical"}]
        assert [(found["id"], [node["target"] for node in found["nodes"]]) for found in serious] == []
