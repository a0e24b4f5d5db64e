"""The links from page to page that all long lists share."""

from __future__ import annotations

import re

import pytest
from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.test import RequestFactory

pytestmark = pytest.mark.once


def links(address: str, page: int, count: int = 250) -> dict[str, str]:
    request = RequestFactory().get(address)
    html = render_to_string("_pages.html", {"page": Paginator(range(count), 100).page(page)}, request)
    return {text: link for link, text in re.findall(r'href="([^"]+)">(\w+)<', html)}


def test_they_keep_what_was_searched_for_letter_by_letter() -> None:
    assert links("/list/?q=A%26E+%2B&division=3&page=2", 2) == {
        "Previous": "/list/?q=A%26E+%2B&amp;division=3&amp;page=1",
        "Next": "/list/?q=A%26E+%2B&amp;division=3&amp;page=3",
    }


def test_the_ends_have_one_link_and_a_short_list_has_none() -> None:
    assert set(links("/list/", 1)) == {"Next"}
    assert set(links("/list/", 3)) == {"Previous"}
    assert links("/list/", 1, count=100) == {}
