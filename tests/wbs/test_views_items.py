from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_company, make_connection, make_cost_code, make_hold, make_segment
from wbs.lists.checking import NewCode
from wbs.models import Hold, Segment, SegmentItem, Status

CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
HTMX = {"HX-Request": "true", "HX-Target": "item-form"}

pytestmark = [pytest.mark.django_db, pytest.mark.either]


def codes_in_order() -> list[str]:
    return list(SegmentItem.objects.values_list("full_code", flat=True))


def errors(response: object) -> list[str]:
    return re.findall(r'class="error"[^>]*>([^<]*)<', response.content.decode())  # type: ignore[attr-defined]


class TestAdding:
    ADDRESS = f"{CODES}add/"

    def test_a_code_is_added_and_shown(self, dora: Client) -> None:
        division = make_cost_code("01")

        response = dora.post(self.ADDRESS, {"code": "100", "description": "Doors", "parent": division.pk})

        item = SegmentItem.objects.get(full_code="01-100")
        assert response.headers["Location"] == f"{CODES}?page=1#item-{item.pk}"
        assert "01-100 was added." in dora.get(CODES).content.decode()

    def test_the_page_that_follows_is_the_one_with_the_code(self, dora: Client) -> None:
        for number in range(100):
            make_cost_code(f"{number:03}")

        response = dora.post(self.ADDRESS, {"code": "999", "description": "Last"})

        assert f"{CODES}?page=2#" in response.headers["Location"]

    def test_in_the_dialog_the_table_is_answered_and_the_dialog_closes(self, dora: Client) -> None:
        ticked = make_cost_code("02")

        response = dora.post(self.ADDRESS, {"code": "01", "description": "Doors", "item": ticked.pk}, headers=HTMX)

        html = response.content.decode()
        assert response.headers["HX-Retarget"] == "#codes"
        events = json.loads(response.headers["HX-Trigger"])
        assert events == {"say": {"value": "01 was added."}, "close-dialog": {}}
        assert re.search(r'hx-target="#dialog" data-saved>01</a>', html)
        assert re.search(rf'value="{ticked.pk}" aria-label="Select 02" checked', html)

    def test_a_search_that_would_hide_the_saved_code_ends(self, dora: Client) -> None:
        make_cost_code("02", "Windows")

        kept = dora.post(self.ADDRESS, {"code": "01", "description": "Doors", "q": "doo"}, headers=HTMX)
        ended = dora.post(self.ADDRESS, {"code": "03", "description": "Walls", "q": "doo"}, headers=HTMX)

        assert 'name="q" value="doo"' in kept.content.decode()
        assert ">02</a>" not in kept.content.decode()
        assert 'name="q" value="doo"' not in ended.content.decode()
        assert ">02</a>" in ended.content.decode()

    @pytest.mark.parametrize(("headers", "status"), [({}, 200), (HTMX, 422)])
    def test_errors_stand_beside_their_fields_and_nothing_typed_is_lost(
        self, dora: Client, headers: dict[str, str], status: int
    ) -> None:
        make_cost_code("01", "General")

        response = dora.post(self.ADDRESS, {"code": "01", "description": "Mine & yours"}, headers=headers)

        html = response.content.decode()
        assert response.status_code == status
        assert re.search(r'id="id_code" [^>]*aria-invalid="true" aria-describedby="id_code_error"', html) or re.search(
            r'aria-describedby="id_code_error"[^>]*id="id_code"', html
        )
        assert '<p class="error" id="id_code_error">01 exists already: “General”.</p>' in html
        assert 'value="Mine &amp; yours"' in html

    def test_each_wrong_field_is_told(self, dora: Client) -> None:
        assert errors(dora.post(self.ADDRESS, {})) == ["Write a code.", "Write a description."]
        assert errors(dora.post(self.ADDRESS, {"code": "01-100", "description": "\x00x"})) == [
            "A code may not contain “-”, which joins the tiers. Choose its division under Parent.",
            "Null characters are not allowed.",
        ]
        assert errors(dora.post(self.ADDRESS, {"code": "1", "description": "x", "parent": "999"})) == [
            "That division was deleted meanwhile. Choose another."
        ]
        assert codes_in_order() == []

    def test_divisions_and_top_codes_are_offered_as_parent_unless_closed(self, dora: Client) -> None:
        make_cost_code("01-100")
        make_cost_code("02")
        make_hold(make_cost_code("03"))
        make_segment().set_active([make_cost_code("04").pk], False, None)

        html = dora.get(self.ADDRESS).content.decode()

        assert re.findall(r"<option[^>]*>([^<]*)<", html) == ["None (top tier)", "01 Division 01", "02 Description 02"]

    def test_a_code_that_is_asked_for_is_offered_and_chosen(self, dora: Client) -> None:
        code = make_cost_code("01-100")

        html = dora.get(f"{self.ADDRESS}?parent={code.pk}").content.decode()

        assert f'<option value="{code.pk}" selected>01-100 Description 01-100</option>' in html
        assert dora.get(f"{self.ADDRESS}?parent=nonsense").status_code == 200
        assert dora.get(f"{self.ADDRESS}?parent={'9' * 30}").status_code == 200

    def test_flat_codes_have_no_parent(self, dora: Client) -> None:
        make_segment(delimiter="")

        assert 'name="parent"' not in dora.get(self.ADDRESS).content.decode()
        dora.post(self.ADDRESS, {"code": "01-100", "description": "Flat"})
        assert codes_in_order() == ["01-100"]

    def test_others_may_not(self, bob: Client, alice: Client, charlie: Client) -> None:
        for client, status in ((bob, 403), (alice, 403), (charlie, 404)):
            assert client.get(self.ADDRESS).status_code == status
            assert client.post(self.ADDRESS, {"code": "1", "description": "x"}).status_code == status
        assert codes_in_order() == []

    def test_other_methods_are_refused(self, dora: Client) -> None:
        assert dora.put(self.ADDRESS).status_code == 405


class TestEditing:
    def address(self, code: SegmentItem) -> str:
        return f"{CODES}{code.pk}/"

    def fields(self, item: SegmentItem, **values: object) -> dict[str, object]:
        fields = {"code": item.code, "description": item.description, "version": item.version, **values}
        return fields if not item.parent_id else {"parent": item.parent_id, **fields}

    def test_the_form_shows_the_item_as_it_is(self, dora: Client) -> None:
        html = dora.get(self.address(make_cost_code("01-100", "Doors"))).content.decode()

        assert re.search(r'name="code" value="100"', html)
        assert re.search(r'name="description" value="Doors"', html)
        assert re.search(r'<option value="\d+" selected>01 Division 01</option>', html)

    def test_a_change_is_saved_and_shown(self, dora: Client) -> None:
        code = make_cost_code("01-100")

        response = dora.post(self.address(code), self.fields(code, code="200", description="Windows"))

        assert response.headers["Location"] == f"{CODES}?page=1#item-{code.pk}"
        assert codes_in_order() == ["01", "01-200"]
        assert SegmentItem.objects.get(pk=code.pk).description == "Windows"

    @pytest.mark.parametrize(("headers", "status"), [({}, 200), (HTMX, 409)])
    def test_of_two_editors_the_second_is_told_and_keeps_what_was_typed(
        self, dora: Client, headers: dict[str, str], status: int
    ) -> None:
        code = make_cost_code("01-100", "Doors")
        dora.post(self.address(code), self.fields(code, description="Theirs"))

        response = dora.post(self.address(code), self.fields(code, description="Mine"), headers=headers)

        html = response.content.decode()
        assert response.status_code == status
        assert "it is now 01-100 “Theirs”" in html
        assert 'name="description" value="Mine"' in html
        assert 'name="version" value="2"' in html
        assert SegmentItem.objects.get(pk=code.pk).description == "Theirs"

        dora.post(self.address(code), self.fields(code, description="Mine", version=2))
        assert SegmentItem.objects.get(pk=code.pk).description == "Mine"

    def test_a_sent_code_is_shown_but_not_offered_for_change(self, dora: Client) -> None:
        code = make_cost_code("01-100")
        make_hold(code)

        html = dora.get(self.address(code)).content.decode()

        assert "01-100 is sent to Practice ERP (Ready to Export). Recall it, or have it rejected, first." in html
        assert len(re.findall(r"<(?:input|select)[^>]*\sdisabled", html)) == 3
        assert ">Save</button>" not in html

    def test_what_was_typed_while_the_code_was_sent_is_not_lost(self, dora: Client) -> None:
        code = make_cost_code("01-100")
        make_hold(code)

        response = dora.post(self.address(code), self.fields(code, description="Typed meanwhile"))

        assert errors(response) == [
            "01-100 is sent to Practice ERP (Ready to Export). Recall it, or have it rejected, first."
        ]
        assert 'value="Typed meanwhile"' in response.content.decode()

    def test_of_a_synced_code_the_description_alone_can_be_changed(self, dora: Client) -> None:
        code = make_cost_code("01-100")
        make_hold(code, Hold.Lock.CODE, Status.SUCCESS)

        html = dora.get(self.address(code)).content.decode()
        assert len(re.findall(r"<(?:input|select)[^>]*\sdisabled", html)) == 2

        dora.post(self.address(code), {"description": "New words", "version": 1})  # as a browser sends it
        assert SegmentItem.objects.get(pk=code.pk).description == "New words"
        assert "Changed since export" in dora.get(CODES).content.decode()

    def test_bad_input_is_told_beside_its_field(self, dora: Client) -> None:
        code = make_cost_code("01-100")

        assert errors(dora.post(self.address(code), self.fields(code, code=" "))) == ["Write a code."]
        assert dora.post(self.address(code), self.fields(code, version="x")).status_code == 200
        assert codes_in_order() == ["01", "01-100"]

    def test_others_may_not(self, bob: Client, charlie: Client, dora: Client) -> None:
        code = make_cost_code("01-100")
        for client, status in ((bob, 403), (charlie, 404)):
            assert client.get(self.address(code)).status_code == status
            assert client.post(self.address(code), self.fields(code, code="9")).status_code == status
        theirs = Segment.of(make_company("Other Builders", "other-builders")).add_item("77", "Theirs", None, None)
        assert dora.get(self.address(theirs)).status_code == 404
        assert dora.post(self.address(theirs), self.fields(theirs, code="9")).status_code == 404
        assert dora.get(f"{CODES}{'9' * 30}/").status_code == 404


class TestWhereUsed:
    def shown(self, client: Client, item: SegmentItem) -> str:
        html = client.get(f"{CODES}{item.pk}/").content.decode()
        return " ".join(re.sub(r"<[^>]+>", " ", html.split('id="where-used"')[1].split("</section>")[0]).split())

    def test_every_connection_that_holds_the_code_is_named_with_its_word(self, dora: Client) -> None:
        item = make_cost_code("01-100")
        for name in ("Zeta", "Alpha"):
            linked = make_connection(name=name, slug=name.lower())
            make_hold(item, status=Status.REJECTED, note="Not this year", connection=linked)

        assert self.shown(dora, item).endswith("Alpha : Rejected Not this year Zeta : Rejected Not this year")
        assert "/alpha/standard-cost-codes/?filter=all&amp;q=01-100" in dora.get(f"{CODES}{item.pk}/").content.decode()

    def test_what_was_never_sent_says_so_and_a_division_what_it_groups(self, dora: Client) -> None:
        for code in ("01-100", "01-200"):
            make_cost_code(code)
        division, code, _ = SegmentItem.objects.all()

        assert self.shown(dora, code).endswith("It was sent to no ERP yet.")
        assert self.shown(dora, division).endswith("It groups 2 codes below it.")


class TestChangingAllThatMatch:
    ADDRESS = f"{CODES}change/"

    def act(self, client: Client, action: str, **fields: str) -> str:
        newest = SegmentItem.objects.order_by("-pk").values_list("pk", flat=True)[0]
        data = {"action": action, "matching": "1", "newest": newest, **fields}
        return client.post(self.ADDRESS, data, follow=True).content.decode()

    def test_the_search_decides_and_collapsed_codes_are_meant_too(self, dora: Client) -> None:
        for code in ("01-100", "01-200", "02-100"):
            make_cost_code(code)

        assert "3 codes were deactivated." in self.act(dora, "deactivate", q="01", fold="all")
        assert list(SegmentItem.objects.filter(is_active=True).values_list("full_code", flat=True)) == ["02", "02-100"]

    def test_what_came_after_the_page_was_read_stays(self, dora: Client) -> None:
        seen = make_cost_code("01")
        make_cost_code("02")

        self.act(dora, "delete", newest=str(seen.pk))
        assert codes_in_order() == ["02"]
        self.act(dora, "delete", newest="")
        assert codes_in_order() == ["02"]

    def test_what_is_kept_has_its_reason_beside_it(self, dora: Client) -> None:
        make_hold(make_cost_code("01-100"))
        make_cost_code("01-200")
        make_cost_code("02-100")

        html = self.act(dora, "delete")

        assert "3 codes were deleted." in html
        assert "2 codes were not deleted; the reason stands beside each." in html
        assert '<p class="error">01 has codes below it. Delete those first.</p>' in html
        assert '<p class="error">01-100 was sent to Practice ERP and belongs to its history.' in html
        assert codes_in_order() == ["01", "01-100"]

    def test_thousands_of_refusals_are_counted_and_the_first_explained(self, dora: Client) -> None:
        segment = make_segment()
        segment.add_codes([NewCode((f"{number:04}",), "x") for number in range(600)], "-", None)
        linked = make_connection()
        Hold.objects.bulk_create(
            Hold(company=segment.company, item=item, connection=linked, status=Status.QUEUED, item_version=1)
            for item in segment.items.all()
        )

        html = self.act(dora, "deactivate")

        assert "600 codes were not deactivated; the reason stands beside each of the first 500." in html
        assert html.count('<p class="error">') == 100
        assert "And 350 more." in html

    def test_it_takes_as_many_queries_for_any_number(self, dora: Client) -> None:
        def queries(tier: str, number: int) -> int:
            segment.add_codes([NewCode((f"{tier}{n:03}",), "x") for n in range(number)], "-", None)
            with CaptureQueriesContext(connection) as captured:
                self.act(dora, "deactivate", q=tier)
            return len(captured)

        segment = make_segment()

        assert queries("a", 10) == queries("b", 90)

    def test_the_way_the_tree_is_shown_is_kept(self, dora: Client) -> None:
        data = {"action": "deactivate", "fold": "all", "at": "7.9", "item": make_cost_code("01").pk}

        assert dora.post(self.ADDRESS, data).headers["Location"] == f"{CODES}?fold=all&at=7.9"


class TestChangingTickedOnes:
    ADDRESS = f"{CODES}change/"

    def test_deactivate_reactivate_and_delete_act_on_the_ticked_codes(self, dora: Client) -> None:
        first, second = make_cost_code("01"), make_cost_code("02")

        def act(action: str) -> str:
            response = dora.post(self.ADDRESS, {"item": [first.pk, second.pk], "action": action}, follow=True)
            return response.content.decode()

        assert "2 codes were deactivated." in act("deactivate")
        assert not SegmentItem.objects.filter(is_active=True).exists()
        assert "2 codes were reactivated." in act("reactivate")
        assert "2 codes were deleted." in act("delete")
        assert codes_in_order() == []

    def test_what_is_refused_is_told_beside_its_code(self, dora: Client) -> None:
        free, sent = make_cost_code("01"), make_cost_code("02")
        make_hold(sent)

        html = dora.post(
            self.ADDRESS, {"item": [free.pk, sent.pk], "action": "deactivate"}, follow=True
        ).content.decode()

        assert "1 code was deactivated." in html
        assert "1 code was not deactivated; the reason stands beside each." in html
        assert '<p class="error">02 is sent to Practice ERP (Ready to Export).' in html

    def test_the_page_and_the_search_are_kept(self, dora: Client) -> None:
        data = {"item": make_cost_code("01").pk, "action": "deactivate", "q": "a&b", "page": "2", "rows": "250"}

        assert dora.post(self.ADDRESS, data).headers["Location"] == f"{CODES}?q=a%26b&page=2&rows=250"

    def test_without_ticks_it_says_so(self, dora: Client) -> None:
        assert "Tick the codes first." in dora.post(self.ADDRESS, {"action": "delete"}, follow=True).content.decode()

    def test_nonsense_does_nothing(self, dora: Client) -> None:
        make_cost_code("01")

        assert dora.post(self.ADDRESS, {"action": "explode"}).status_code == 400
        assert dora.post(self.ADDRESS, {"action": "delete", "item": ["x", "-1", "9" * 30, "٣"]}).status_code == 302
        assert codes_in_order() == ["01"]

    def test_others_may_not_and_reading_is_refused(self, bob: Client, charlie: Client, dora: Client) -> None:
        code = make_cost_code("01")

        assert bob.post(self.ADDRESS, {"item": code.pk, "action": "delete"}).status_code == 403
        assert charlie.post(self.ADDRESS, {"item": code.pk, "action": "delete"}).status_code == 404
        assert dora.get(self.ADDRESS).status_code == 405
        theirs = Segment.of(make_company("Other Builders", "other-builders")).add_item("77", "Theirs", None, None)
        dora.post(self.ADDRESS, {"item": theirs.pk, "action": "delete"})
        assert set(codes_in_order()) == {"01", "77"}
