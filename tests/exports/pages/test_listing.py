"""From page to page of the review list, while its codes come and go."""

from __future__ import annotations

import re
from html import unescape

import pytest

from core import in_order
from exports import services
from exports.models import CodeExport, Status
from tests import factories
from tests.exports.review_pages import PAGE, Desk
from wbs.lists.checking import NewCode

SIZE = 50


@pytest.fixture
def desk(db: None) -> Desk:
    return Desk()


@pytest.fixture
def ready(desk: Desk) -> list[int]:
    """Ids of three pages of codes, in the list's order; some share a sort key."""
    codes = [NewCode(("01", f"{number}"), "One of many") for number in range(1000, 1130)]
    factories.make_cost_code("01").segment.add_codes(codes, "-", None)
    services.send_codes(desk.dora, desk.connection, None)
    CodeExport.objects.update(income_account=desk.income)
    rows = list(CodeExport.objects.order_by("sort_key"))
    for one, next_to_it in zip(rows[40:60:2], rows[41:61:2], strict=True):
        CodeExport.objects.filter(pk=next_to_it.pk).update(sort_key=one.sort_key)
    # Of those that share one the id decides; rows get theirs in the order in which the codes lie in their table.
    return list(CodeExport.objects.order_by("sort_key", "pk").values_list("pk", flat=True))


def shown(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr id="export-(\d+)"', html)]


def link(html: str, rel: str) -> str:
    """The query of the page before ("prev") or behind ("next"); empty if there is none."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', html)
    return unescape(found[1]).removeprefix(PAGE) if found else ""


def look(desk: Desk, query: str) -> str:
    return desk.get(query).content.decode()


def test_from_the_first_page_to_the_last_and_back_each_code_is_shown_once(desk: Desk, ready: list[int]) -> None:
    there, html = [], look(desk, f"?rows={SIZE}")
    while True:
        there.append(shown(html))
        if not (onward := link(html, "next")):
            break
        html = look(desk, onward)
    back = [shown(html)]
    while before := link(html, "prev"):
        html = look(desk, before)
        back.append(shown(html))

    assert there == [ready[:SIZE], ready[SIZE : 2 * SIZE], ready[2 * SIZE :]]
    assert back == there[::-1]


def test_a_page_typed_in_is_the_same(desk: Desk, ready: list[int]) -> None:
    assert shown(look(desk, f"?rows={SIZE}&page=2")) == ready[SIZE : 2 * SIZE]
    assert shown(look(desk, f"?rows={SIZE}&page=3&after={ready[99]}")) == ready[2 * SIZE :]


def test_what_goes_meanwhile_lets_no_code_be_passed_over(desk: Desk, ready: list[int]) -> None:
    first = look(desk, f"?rows={SIZE}")
    CodeExport.objects.filter(pk__in=ready[:20]).update(status=Status.QUEUED)

    second = look(desk, link(first, "next"))

    assert shown(second) == ready[SIZE : 2 * SIZE]
    assert "Page 2 of 3" in second


def test_with_no_more_than_a_page_before_it_the_first_is_shown(desk: Desk, ready: list[int]) -> None:
    third = look(desk, f"?rows={SIZE}&page=3")
    CodeExport.objects.filter(pk__in=ready[:60]).update(status=Status.QUEUED)

    second = look(desk, link(third, "prev"))

    assert shown(second) == ready[60 : 60 + SIZE]
    assert "Page 1 of 2" in second
    assert link(second, "prev") == ""


def test_behind_all_that_is_left_the_last_page_is_shown(desk: Desk, ready: list[int]) -> None:
    second = look(desk, f"?rows={SIZE}&page=2")
    CodeExport.objects.filter(pk__in=ready[100:]).update(status=Status.QUEUED)

    assert shown(look(desk, link(second, "next"))) == ready[SIZE : 2 * SIZE]


@pytest.mark.parametrize("key", ["after", "before"])
def test_a_neighbour_that_is_not_here_leads_nowhere_else(desk: Desk, ready: list[int], key: str) -> None:
    elsewhere = factories.make_export("00-100", factories.make_connection(name="Other", slug="other"))
    second = ready[SIZE : 2 * SIZE]

    for pk in (elsewhere.pk, 10**12, "x", -1):
        assert shown(look(desk, f"?rows={SIZE}&page=2&{key}={pk}")) == second


def test_an_answer_leads_back_to_the_same_page(desk: Desk, ready: list[int]) -> None:
    fields = {"filter": "ready-to-export", "rows": SIZE, "page": 3, "after": ready[119], "only": "ticked"}

    response = desk.post("reject/", htmx=False, export=[ready[121]], **fields)

    assert shown(desk.client.get(response.url).content.decode()) == [pk for pk in ready[120:] if pk != ready[121]]


def test_a_filter_or_a_size_begins_at_the_first_page(desk: Desk, ready: list[int]) -> None:
    third = look(desk, f"?rows={SIZE}&page=3&after={ready[99]}")

    assert not re.search(r'href="[^"]*(filter|rows)=[^"]*after=', third.replace(link(third, "next") or "-", ""))


def test_a_page_behind_its_neighbour_is_found_without_counting(desk: Desk, ready: list[int]) -> None:
    found = CodeExport.objects.for_review()
    row = CodeExport.objects.get(pk=ready[45])

    assert [each.pk for each in in_order.behind(found, row)] == ready[46:]
    assert [each.pk for each in in_order.before(found, row)] == ready[:45][::-1]


def test_what_comes_back_meanwhile_is_not_passed_over_on_the_way_back(desk: Desk, ready: list[int]) -> None:
    CodeExport.objects.filter(pk__in=ready[:10]).update(status=Status.QUEUED)
    second = look(desk, link(look(desk, f"?rows={SIZE}"), "next"))
    CodeExport.objects.filter(pk__in=ready[:10]).update(status=Status.READY)

    back = look(desk, link(second, "prev"))
    first = look(desk, link(back, "prev"))

    assert shown(second) == ready[60:110]
    assert shown(back) == ready[10:60]
    assert shown(first) == ready[:SIZE]
    assert link(first, "prev") == ""


@pytest.mark.parametrize("key", ["", "&after={}", "&before={}"])
def test_a_page_beyond_the_last_is_the_last(desk: Desk, ready: list[int], key: str) -> None:
    html = look(desk, f"?rows={SIZE}&page=9" + key.format(ready[20]))

    assert shown(html) == ready[2 * SIZE :]
    assert "Page 3 of 3" in html
