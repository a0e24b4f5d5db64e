"""Every page, wide and narrow: no word is broken, nothing lies over anything else or sticks out, none is needlessly
tall. The pages come from the URL resolver, so that none can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page

from exports.models import Status
from tests.access import World, make_worlds
from tests.addresses import ADDRESSES, CASES
from tests.browser.people import signed_in
from tests.factories import PASSWORD, make_account, make_cost_code, make_dora, make_export, make_member

MEASURE = (Path(__file__).parent / "layout.js").read_text()
WIDTHS = (1440, 390)
LONG = "Temporary electrical distribution, scaffolding and weather protection, incl. dismantling"


@pytest.fixture
def world(transactional_db: None) -> World:
    """One of everything, some of it with names as long as they get, seen by someone who may do everything."""
    world, _ = make_worlds()
    dora = make_dora(world.company)
    dora.user.first_name, dora.user.last_name = "Dorothea", "Featherstonehaugh-Cholmondeley"
    dora.user.save()
    make_member("featherstonehaugh@example.test", world.company)
    long = make_account(world.connection, "4000-0100-0200", name=f"Contract revenue: {LONG}")
    for number, status in enumerate(Status.values):
        code = f"07-{number}00000000000000000000"
        values = {"status": status, "income_account": long, "message": f"{LONG}.", "remote_id": code}
        make_export(code, world.connection, description=LONG, **values)
    make_cost_code("08-100000000000000000000000", LONG, segment=world.item.segment)
    return world


def pages(world: World, browser: Client) -> Iterator[str]:
    """Whatever answers GET with a page."""
    for name, case in CASES.items():
        if case.get:
            url = ADDRESSES[name].url(case, world)
            answer = browser.get(url)
            if answer.status_code == 200 and b"<main" in answer.getvalue():
                yield url
    review = ADDRESSES["exports:standard_cost_codes"].url(CASES["exports:standard_cost_codes"], world)
    yield from (f"{review}?filter=all", f"{review}?q=nothing", "/no-such-page/")
    yield "/login/"


def problems(page: Page) -> list[str]:
    """What is wrong with the page at its present width."""
    found: dict[str, Any] = page.evaluate(MEASURE)
    is_tall = found["height"] > found["room"]
    return found["problems"] + [f"is {found['height']} px tall, {found['room']:.0f} would do"] * is_tall


def test_every_page_keeps_its_words_whole_and_its_controls_apart(
    page: Page, world: World, client: Client, console_errors: list[str]
) -> None:
    client.login(username="dora", password=PASSWORD)
    signed_in(page, "dora", then="/")
    addresses, found = list(pages(world, client)), []

    for address in addresses:
        if address == "/login/":
            page.context.clear_cookies()
        page.goto(address)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found += [f"{address} at {width} px {problem}" for problem in problems(page)]

    assert len(addresses) > 30
    assert found == [], "\n".join(found)
    assert all("404" in error for error in console_errors)
    console_errors.clear()


PLANTED = {
    "breaks the word costs": (
        "main.innerHTML = '<p>costs</p>'; set(main.firstChild, 'width: 20px; overflow-wrap: anywhere')"
    ),
    '"One" lies over <button> "Two"': (
        "main.innerHTML = '<button>One</button><button>Two</button>'; set(main.lastChild, 'margin-left: -20px')"
    ),
    '"One" lies over the words <p> "Two"': (
        "main.innerHTML = '<button>One</button><p>Two</p>'; set(main.lastChild, 'margin-top: -20px')"
    ),
    "scrolls sideways": "main.innerHTML = '<p>wide</p>'; set(main.firstChild, 'width: 2000px')",
    "sticks out of the page": "main.innerHTML = '<button>One</button>'; set(main.firstChild, 'margin-left: -8px')",
    "px tall": "main.innerHTML = '<p>tall</p>'; set(main.firstChild, 'height: 3000px')",
}


@pytest.mark.parametrize("problem", PLANTED)
def test_what_is_wrong_is_noticed(page: Page, problem: str) -> None:
    page.goto("/login/")
    assert problems(page) == []

    plant = "const main = document.querySelector('main'), set = (element, style) => { element.style.cssText = style; };"
    page.evaluate(f"() => {{ {plant} {PLANTED[problem]} }}")

    assert problem in "\n".join(problems(page))
