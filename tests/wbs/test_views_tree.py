from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.models import Level
from tests.factories import make_company, make_connection, make_cost_code, make_hold, make_member, make_segment
from tests.wbs.conftest import signed_in
from wbs.lists.checking import NewCode
from wbs.models import Hold, Segment, SegmentItem, Status

WBS = "/companies/sample-builders/admin/work-breakdown-structure/"
CODES = f"{WBS}cost-codes/"

pytestmark = [pytest.mark.django_db, pytest.mark.either]


def page(client: Client, query: str = "") -> str:
    response = client.get(CODES + query)
    assert response.status_code == 200
    return response.content.decode()


def rows(html: str) -> list[str]:
    """The text of each row of the table, without its markup."""
    return [
        " ".join(re.sub(r"<[^>]+>", " ", row).split())
        for row in re.findall(r'<tr id="item-\d+".*?</tr>', html, re.DOTALL)
    ]


def shown(html: str) -> list[int]:
    return [int(pk) for pk in re.findall(r'<tr id="item-(\d+)"', html)]


def leads(html: str, rel: str) -> str:
    """The query of the page before ("prev") or behind ("next"); empty if there is none."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', html)
    return unescape(found[1]).removeprefix(CODES) if found else ""


class TestSegments:
    def test_the_page_names_the_segment_its_codes_and_the_way_to_them(self, bob: Client) -> None:
        make_cost_code("01-100")

        html = bob.get(WBS).content.decode()

        assert f'<a href="{CODES}">Cost Code</a>' in html
        assert '<td class="num" data-label="Codes">2</td>' in html

    def test_only_reading_is_possible(self, dora: Client) -> None:
        assert dora.post(WBS).status_code == 405

    def test_it_hides_from_other_companies_and_from_those_without_the_tool(self, charlie: Client) -> None:
        make_company()

        assert charlie.get(WBS).status_code == 404
        assert charlie.get(CODES).status_code == 404
        eve = signed_in(make_member("eve", erp=Level.ADMIN))
        assert eve.get(WBS).status_code == 403
        assert eve.get(CODES).status_code == 403

    def test_a_stranger_is_asked_to_sign_in(self, client: Client) -> None:
        assert client.get(CODES).headers["Location"] == f"/login/?next={CODES}"


class TestTheTable:
    def test_it_shows_code_description_status_and_where_a_code_stands(self, bob: Client) -> None:
        make_connection(make_company())
        for code in ("01-100", "01-200", "02-100", "02-200"):
            make_cost_code(code, f"Text {code}")
        items = {item.full_code: item for item in SegmentItem.objects.all()}
        make_hold(items["01-200"])
        make_hold(items["02-100"], Hold.Lock.CODE, Status.SUCCESS, item_version=0)
        make_hold(items["02-200"], Hold.Lock.NONE, Status.REJECTED, note="Not this year")
        items["02-200"].segment.set_active([items["02-200"].pk], False, None)

        assert rows(page(bob)) == [
            "01 Division 01 Active Division: not exported",
            "01-100 Text 01-100 Active Not sent",
            "01-200 (locked) Text 01-200 Active Ready to Export",
            "02 Division 02 Active Division: not exported",
            "02-100 (locked) Text 02-100 Active Success Changed since export",
            "02-200 Text 02-200 Inactive Rejected Not this year",
        ]

    def test_an_unchanged_code_is_not_called_changed(self, bob: Client) -> None:
        make_hold(make_cost_code("01"), Hold.Lock.CODE, Status.SUCCESS)

        assert rows(page(bob)) == ["01 (locked) Description 01 Active Success"]

    def test_with_several_connections_each_is_named(self, bob: Client) -> None:
        company = make_company()
        code = make_cost_code("01")
        for name, status in (("Zeta Books", Status.FAILED), ("Alpha Books", Status.QUEUED)):
            make_hold(code, status=status, connection=make_connection(company, name=name, slug=name[:4].lower()))

        assert rows(page(bob)) == ["01 (locked) Description 01 Active Alpha Books: Queued Zeta Books: Failed"]

    def test_text_of_people_is_shown_as_text(self, dora: Client) -> None:
        make_cost_code('<b>"1"</b>', "<script>alert(1)</script>")

        html = page(dora)

        assert "<script>alert" not in html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert 'aria-label="Select &lt;b&gt;&quot;1&quot;&lt;/b&gt;"' in html

    def test_pages_have_100_or_250_rows_and_begin_with_their_division(self, bob: Client) -> None:
        for number in range(120):
            make_cost_code(f"01-{number:03}")

        first, second = page(bob), page(bob, "?page=2")

        assert len(rows(first)) == 100
        assert "(continued)" not in first
        assert "1 to 100 of 121" in first
        assert len(rows(second)) == 21
        assert "Division 01 <span" in second
        assert "(continued)" in second
        assert len(rows(page(bob, "?rows=250"))) == 121
        assert len(rows(page(bob, "?rows=7&page=x"))) == 100
        assert len(rows(page(bob, "?page=999"))) == 21

    def codes(self, count: int) -> list[SegmentItem]:
        """In their order."""
        segment = make_segment()
        segment.add_codes([NewCode((f"{1000 + number}",), "x") for number in range(count)], "-", None)
        return list(segment.items.all())

    def test_between_two_pages_no_code_is_passed_over(self, bob: Client) -> None:
        """Some share a sort key; there and back, with codes that come and go meanwhile."""
        items = self.codes(350)
        for one, next_to_it in zip(items[90:120:2], items[91:121:2], strict=True):
            SegmentItem.objects.filter(pk=next_to_it.pk).update(sort_key=one.sort_key)
        ids = [item.pk for item in items]

        first = page(bob)
        second = page(bob, leads(first, "next"))
        assert (shown(first), shown(second)) == (ids[:100], ids[100:200])
        SegmentItem.objects.filter(pk__in=ids[:30]).delete()
        third = page(bob, leads(second, "next"))
        assert (shown(third), "Page 3 of 4" in third) == (ids[200:300], True)
        assert shown(page(bob, leads(third, "prev"))) == ids[100:200]
        last = page(bob, leads(third, "next"))
        assert (shown(last), leads(last, "next")) == (ids[300:], "")
        back = page(bob, leads(page(bob, leads(page(bob, leads(last, "prev")), "prev")), "prev"))
        assert (shown(back), leads(back, "prev")) == (ids[30:130], "")

    @pytest.mark.parametrize("key", ["after", "before"])
    def test_a_neighbour_that_is_not_here_leads_nowhere_else(self, bob: Client, key: str) -> None:
        self.codes(120)
        elsewhere = SegmentItem.objects.create(
            company=make_company(),
            segment=Segment.of(make_company(), "cost-types"),
            code="L",
            full_code="L",
            full_code_key="l",
            sort_key="l",
        )

        for pk in (elsewhere.pk, 10**12, "x", -1):
            assert len(shown(page(bob, f"?page=2&{key}={pk}"))) == 20

    def test_the_page_stays_where_it_is_when_a_form_leads_back_to_it(self, dora: Client) -> None:
        ids = [item.pk for item in self.codes(120)]
        second = page(dora, f"?page=2&after={ids[99]}")

        assert f'name="after" value="{ids[99]}"' in second
        back = dora.post(f"{CODES}change/", {"page": 2, "after": ids[99], "item": ids[110], "action": "deactivate"})
        assert back.headers["Location"] == f"{CODES}?page=2&after={ids[99]}"

    def test_the_search_narrows_and_says_when_nothing_is_found(self, bob: Client) -> None:
        make_cost_code("01-100", "Décor")
        make_cost_code("02-200", "Doors")

        assert rows(page(bob, "?q=DÉC")) == ["01-100 Décor Active Not sent"]
        assert rows(page(bob, "?q=02-2")) == ["02-200 Doors Active Not sent"]
        assert "No cost code contains “nowhere &amp; never”." in page(bob, "?q=nowhere+%26+never")

    def test_a_search_while_typing_answers_the_table_alone(self, bob: Client) -> None:
        make_cost_code("01-100")

        response = bob.get(f"{CODES}?q=01", headers={"HX-Request": "true", "HX-Target": "codes"})

        assert response.content.decode().strip().startswith('<div id="codes">')

    def test_an_empty_list_says_what_to_do_next(self, dora: Client, bob: Client) -> None:
        assert "Import a list" in page(dora)
        assert "There are no cost codes yet." in page(bob)
        assert "Import a list" not in page(bob)

    @pytest.mark.parametrize("has_holds", [False, True])
    def test_it_takes_the_same_number_of_queries_for_100_codes_or_5000(self, dora: Client, has_holds: bool) -> None:
        segment = make_segment()
        linked = make_connection(segment.company)

        def fill(start: int, end: int) -> int:
            segment.add_codes([NewCode((f"{number:05}",), "x") for number in range(start, end)], "-", None)
            if has_holds:
                items = SegmentItem.objects.filter(holds=None)
                Hold.objects.bulk_create(
                    Hold(company=segment.company, item=item, connection=linked, status=Status.SUCCESS, item_version=1)
                    for item in items
                )
            with CaptureQueriesContext(connection) as captured:
                page(dora, "?page=1&rows=250")
            return len(captured)

        few, many = fill(0, 100), fill(100, 5000)

        assert few == many <= 9


class TestCollapsing:
    @pytest.fixture(autouse=True)
    def codes(self, db: None) -> None:
        for code in ("01-1-1", "01-2", "02-1", "010-1"):
            make_cost_code(code)

    def shown(self, html: str) -> list[str]:
        return [row.split()[0] for row in rows(html)]

    def pk(self, code: str) -> int:
        return SegmentItem.objects.get(full_code=code).pk

    def follow(self, client: Client, html: str, name: str) -> str:
        link = re.search(rf'<a[^>]*href="([^"]+)"[^>]*(?:aria-label="{name}"[^>]*>|>{name}</a>)', html)
        assert link, name
        return client.get(unescape(link[1])).content.decode()

    def test_all_divisions_are_expanded_at_first_and_each_can_be_collapsed(self, bob: Client) -> None:
        html = page(bob)
        assert self.shown(html) == ["01", "01-1", "01-1-1", "01-2", "02", "02-1", "010", "010-1"]

        html = self.follow(bob, html, "Collapse 01")
        assert self.shown(html) == ["01", "02", "02-1", "010", "010-1"]
        assert 'aria-expanded="false" aria-label="Expand 01"' in html

        html = self.follow(bob, html, "Collapse 02")
        assert self.shown(html) == ["01", "02", "010", "010-1"]
        html = self.follow(bob, html, "Expand 01")
        assert self.shown(html) == ["01", "01-1", "01-1-1", "01-2", "02", "010", "010-1"]
        assert self.shown(self.follow(bob, html, "Expand All")) == self.shown(page(bob))

    def test_all_can_be_collapsed_and_single_ones_expanded(self, bob: Client) -> None:
        html = self.follow(bob, page(bob), "Collapse All")
        assert self.shown(html) == ["01", "02", "010"]
        assert "1 to 3 of 3" in html

        html = self.follow(bob, html, "Expand 01")
        assert self.shown(html) == ["01", "01-1", "01-2", "02", "010"]
        html = self.follow(bob, html, "Expand 01-1")
        assert self.shown(html) == ["01", "01-1", "01-1-1", "01-2", "02", "010"]
        html = self.follow(bob, html, "Collapse 01")
        assert self.shown(html) == ["01", "02", "010"]

    def test_a_search_finds_what_is_collapsed(self, bob: Client) -> None:
        html = page(bob, "?fold=all&q=1-1")

        assert self.shown(html) == ["01-1", "01-1-1"]
        assert "aria-expanded" not in html

    def test_nonsense_in_the_address_does_no_harm(self, bob: Client) -> None:
        assert len(self.shown(page(bob, f"?at=x.-1..{'9' * 30}.{self.pk('01')}.999999&fold=every"))) == 5

    def test_pages_keep_what_is_collapsed(self, bob: Client) -> None:
        for number in range(150):
            make_cost_code(f"03-{number}")
        html = self.follow(bob, page(bob), "Collapse 01")

        html = self.follow(bob, html, "Next")

        assert self.shown(html)[0] == "03-96"
        assert "of 156" in html
        assert "Division 03 <span" in html

    def test_what_was_saved_is_shown_even_in_a_collapsed_division(self, dora: Client) -> None:
        fields = {"code": "9", "description": "x", "parent": self.pk("02"), "fold": "all"}
        headers = {"HX-Request": "true", "HX-Target": "item-form"}

        html = dora.post(f"{CODES}add/", fields, headers=headers).content.decode()
        assert "02-9" in self.shown(html)
        html = dora.post(f"{CODES}add/", {**fields, "code": "3", "parent": ""}, headers=headers).content.decode()
        assert self.shown(html) == ["01", "02", "3", "010"]

    def test_a_flat_list_has_nothing_to_collapse(self, bob: Client) -> None:
        Segment.of(make_company(), "cost-types").add_item("L", "Labour", None, None)

        html = bob.get(f"{WBS}cost-types/").content.decode()

        assert "Collapse" not in html

    def test_all_that_match_are_offered_when_not_all_are_seen(self, dora: Client, bob: Client) -> None:
        assert "matching" not in page(dora)
        assert "Select all 8 matching" in page(dora, "?fold=all")
        assert "matching" not in page(bob, "?fold=all")


class TestControls:
    BUTTONS = ("Add Item", "Send to ERP", "Recall", "Deactivate", "Reactivate", "Delete")

    def buttons(self, html: str) -> set[str]:
        texts = re.findall(r"<button[^>]*>(.*?)</button>", html, re.DOTALL)
        return {re.sub(r"<[^>]+>", "", text).strip() for text in texts}

    def test_an_admin_has_them_all(self, dora: Client) -> None:
        make_connection(make_company())
        code = make_cost_code("01-100")

        html = page(dora)

        assert set(self.BUTTONS) <= self.buttons(html)
        assert f'href="{CODES}import/"' in html
        assert f'href="{CODES}export/"' in html
        assert f'value="{code.pk}" aria-label="Select 01-100"' in html
        assert 'formaction="/companies/sample-builders/erp-integrations/send/"' in html
        assert 'formaction="/companies/sample-builders/erp-integrations/recall/"' in html

    def test_who_may_only_look_sees_none_of_them(self, bob: Client) -> None:
        make_connection(make_company())
        make_cost_code("01-100")

        html = page(bob)

        assert not set(self.BUTTONS) & self.buttons(html)
        assert 'type="checkbox"' not in html
        assert f'href="{CODES}import/"' not in html
        assert f'href="{CODES}export/"' in html

    def test_the_connection_is_chosen_only_among_several(self, dora: Client) -> None:
        company = make_company()
        make_cost_code("01")
        first = make_connection(company)

        html = page(dora)
        assert f'<input type="hidden" name="connection" value="{first.pk}" form="codes-form">' in html
        assert ">Connection</label>" not in html

        make_connection(company, name="Other ERP", slug="other-erp")
        html = page(dora)
        assert ">Connection</label>" in html
        assert 'type="hidden" name="connection"' not in html

    def test_without_a_connection_the_button_leads_to_one_or_says_why_not(self, dora: Client) -> None:
        make_cost_code("01")

        assert '<form method="get" action="/companies/sample-builders/erp-integrations/supported/">' in page(dora)
        frank = signed_in(make_member("frank", admin=Level.ADMIN))
        html = page(frank)
        assert re.search(r'<button type="button"[^>]* disabled[^>]*>.*?Send to ERP', html, re.DOTALL)
        assert "Someone with Admin on ERP Integrations can connect one." in html


class TestProblems:
    def leave(self, client: Client, *problems: list[object]) -> None:
        session = client.session
        session["send_problems"] = list(problems)
        session.save()

    def test_what_was_not_sent_is_told_beside_its_code_once(self, dora: Client) -> None:
        code = make_cost_code("01")
        self.leave(dora, [code.pk, "01", "01 is too long."])

        assert '<p class="error">01 is too long.</p>' in page(dora)
        assert "01 is too long." not in page(dora)

    def test_what_the_page_does_not_show_is_told_above_it(self, dora: Client) -> None:
        self.leave(dora, [make_cost_code("01").pk, "01", "01 is too long."], [make_cost_code("02").pk, "02", "02 too."])

        html = page(dora, "?q=02")

        assert re.search(r'banner-error.*<li>01 is too long.</li>.*<div id="codes">', html, re.DOTALL)
        assert "<li>02 too.</li>" not in html

    def test_and_of_which_code_it_is_told_where_the_sentence_does_not_name_it(self, dora: Client) -> None:
        self.leave(dora, [make_cost_code("01").pk, "01", "The ERP allows 40 characters; this one has 90."])
        make_cost_code("02")

        assert "<li>01: The ERP allows 40 characters; this one has 90.</li>" in page(dora, "?q=02")


def test_companies_do_not_see_each_other(dora: Client) -> None:
    Segment.of(make_company("Other Builders", "other-builders")).add_item("77", "Theirs", None, None)

    assert rows(page(dora)) == []
