from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.models import Company
from erp_integrations.models import Connection
from tests.factories import make_company, make_connection, make_cost_code, make_hold, make_segment
from tests.wbs.test_views_lists import check_file, press
from tests.wbs.test_views_segments import text_of
from tests.wbs.test_views_tree import rows
from wbs.lists.checking import NewCode
from wbs.models import Hold, Segment, SegmentItem, Status
from wbs.rules import breaches, warn_of_item, warn_of_new, warn_of_typed

CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
LONG = "01-" + "9" * 32
ALLOWS_31 = "QuickBooks allows 31 characters for an item name; this code has 35."
TOO_LONG = f"Books: {ALLOWS_31} Shorten it."

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return make_company()


@pytest.fixture
def books(company: Company) -> Connection:
    return make_connection(company, erp="quickbooks-desktop", name="Books", slug="books")


@pytest.fixture
def segment(company: Company) -> Segment:
    return make_segment(company)


class TestWarnings:
    def test_each_connection_speaks_for_itself(self, books: Connection, segment: Segment) -> None:
        make_connection(segment.company)  # allows 40 characters

        assert warn_of_item(make_cost_code(LONG)) == [TOO_LONG]
        assert [each.partition(":")[0] for each in warn_of_item(make_cost_code("02-" + "9" * 40))] == [
            "Books",
            "Practice ERP",
        ]
        assert warn_of_item(make_cost_code("01-100")) == []

    def test_what_is_not_exported_is_not_judged(self, books: Connection, segment: Segment) -> None:
        division = make_cost_code("9" * 40)
        assert warn_of_item(division) != []
        division.segment.add_item("1", "x", division, None)

        assert warn_of_item(division) == []
        cost_type = Segment.of(segment.company, "cost-types").add_item("9" * 40, "x", None, None)
        assert warn_of_item(cost_type) == []

    def test_a_division_is_judged_where_divisions_are_exported(self, books: Connection, segment: Segment) -> None:
        Connection.objects.update(options={"item_names": "tiers"})
        division = make_cost_code("9" * 40 + "-1").parent

        assert any("31 characters for each tier" in sentence for sentence in warn_of_item(division))

    def test_what_is_typed_is_judged_with_its_parent_and_before_there_is_a_description(
        self, books: Connection, segment: Segment
    ) -> None:
        parent = make_cost_code("01")

        assert warn_of_typed(segment, f" {'9' * 32} ", "", parent, None) == [TOO_LONG]
        assert warn_of_typed(segment, "1:2", "x", None, None) == [
            "Books: QuickBooks Desktop does not allow : in a code. Take it out."
        ]
        assert warn_of_typed(segment, " ", "x", parent, None) == []

    def test_a_connection_that_cannot_be_asked_is_left_out(self, books: Connection, segment: Segment) -> None:
        make_connection(segment.company, options={"unknown": "1"})
        Connection.objects.filter(pk=books.pk).update(erp="uninstalled")

        assert warn_of_item(make_cost_code("9" * 50)) == []


class TestTheFormOfAnItem:
    def test_it_warns_of_what_is_saved_and_while_something_is_typed(self, dora: Client, books: Connection) -> None:
        item = make_cost_code(LONG)

        html = dora.get(f"{CODES}{item.pk}/").content.decode()
        assert ALLOWS_31 in html
        assert f'hx-get="{CODES}check/?item={item.pk}"' in html

        typed = {"code": "100", "description": "x", "parent": item.parent_id}
        assert dora.get(f"{CODES}check/", {"item": item.pk, **typed}).content.strip() == b""
        answer = dora.get(f"{CODES}check/", {**typed, "code": "9" * 32}).content.decode()
        assert "It can be saved all the same" in answer
        assert ALLOWS_31 in answer

    def test_a_code_that_is_fixed_is_taken_as_it_is(self, dora: Client, books: Connection) -> None:
        item = make_cost_code(LONG)
        make_hold(item, Hold.Lock.CODE, Status.SUCCESS)

        assert ALLOWS_31 in dora.get(f"{CODES}check/", {"item": item.pk, "description": "x"}).content.decode()

    def test_saving_is_not_prevented_and_the_warning_stands_at_the_code(self, dora: Client, books: Connection) -> None:
        typed = {"code": "9" * 35, "description": "x"}

        response = dora.post(f"{CODES}add/", typed, headers={"HX-Request": "true"})

        assert SegmentItem.objects.filter(full_code="9" * 35).exists()
        (row,) = rows(response.content.decode())
        assert TOO_LONG in row

    def test_without_javascript_the_next_page_tells_it(self, dora: Client, books: Connection) -> None:
        response = dora.post(f"{CODES}add/", {"code": "9" * 35, "description": "x"}, follow=True)

        shown = text_of(response.content.decode())
        assert f"{'9' * 35} was added. {TOO_LONG}" in shown

    def test_what_was_refused_is_warned_of_too(self, dora: Client, books: Connection) -> None:
        html = dora.post(f"{CODES}add/", {"code": "9" * 35, "description": ""}).content.decode()

        assert "Write a description." in html
        assert ALLOWS_31 in html

    def test_other_people_may_not_ask(self, bob: Client, charlie: Client, books: Connection) -> None:
        assert bob.get(f"{CODES}check/", {"code": "1"}).status_code == 403
        assert charlie.get(f"{CODES}check/", {"code": "1"}).status_code == 404

    @pytest.mark.parametrize("values", [{}, {"item": "x", "parent": "9" * 30}, {"code": "\x00", "item": "0"}])
    def test_odd_questions_have_an_answer(self, dora: Client, books: Connection, values: dict[str, str]) -> None:
        assert dora.get(f"{CODES}check/", values).status_code == 200


class TestImporting:
    def test_rows_are_warned_of_and_imported_all_the_same(self, dora: Client, books: Connection) -> None:
        content = f"code,description\n{LONG},x\n01-100,ok\n02-100,tab 層\n"

        html = check_file(dora, content)

        assert "<dt>Would not export</dt>" in html
        assert "<dt>Rows with problems</dt><dd>0</dd>" in html
        assert f"Would not export. {TOO_LONG}" in text_of(html)
        notes = re.search(r'href="([^"]*tab=notes[^"]*)"', html)
        assert notes
        shown = text_of(dora.get(unescape(notes[1])).content.decode())
        assert f"2 {LONG} Would not export. {TOO_LONG}" in shown
        assert (
            "4 02-100 Would not export. Books: QuickBooks cannot hold these characters of the description: 層" in shown
        )
        press(dora, html)
        assert SegmentItem.objects.filter(full_code=LONG).exists()

    def test_nothing_is_said_of_divisions_of_other_segments_or_without_connections(
        self, books: Connection, segment: Segment
    ) -> None:
        new = [NewCode(("9" * 40,), "x", row=2), NewCode(("9" * 40, "1"), "x", row=3)]

        assert {problem.row for problem in warn_of_new(segment, new, "-")} == {3}
        assert warn_of_new(Segment.of(segment.company, "sub-jobs"), new, "") == []
        Connection.objects.all().delete()
        assert warn_of_new(segment, new, "-") == []


class TestBreaches:
    def test_every_active_code_that_breaks_a_rule_is_told_in_order(self, books: Connection, segment: Segment) -> None:
        inactive, there = make_cost_code("03-" + "9" * 40), make_cost_code("04-" + "9" * 40)
        segment.set_active([inactive.pk], False, None)
        make_hold(there, Hold.Lock.CODE, Status.SUCCESS, connection=books)
        for code in ("02:1", LONG, "01-100", "9" * 40 + "-1"):
            make_cost_code(code)
        Segment.of(segment.company, "cost-types").add_item("9" * 40, "x", None, None)
        make_cost_code("9" * 50, segment=make_segment(make_company("Other Builders", "other-builders")))

        found = list(breaches(books))

        assert [breach.code for breach in found] == [LONG, "02:1", "9" * 40 + "-1"]
        assert found[0].sentences == [TOO_LONG.removeprefix("Books: ")]
        assert found[0].item_id == SegmentItem.objects.get(full_code=LONG).pk

    def test_thousands_of_codes_take_as_many_queries(self, books: Connection, segment: Segment) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                list(breaches(Connection.objects.get()))
            return len(captured)

        before = queries()
        segment.add_codes([NewCode((str(number),), "x") for number in range(3000)], "-", None)

        assert queries() == before
