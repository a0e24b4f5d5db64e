from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from companies.models import AuditEvent, Company
from exports.services import send_codes
from tests.factories import make_company, make_connection, make_cost_code, make_dora
from tests.wbs.test_views_lists import check_file, facts, press, upload
from tests.wbs.test_views_tree import rows
from wbs.errors import Refused
from wbs.models import BudgetCode, Segment, SegmentItem

WBS = "/companies/sample-builders/admin/work-breakdown-structure/"
TYPES = f"{WBS}cost-types/"

pytestmark = [pytest.mark.django_db, pytest.mark.either]


@pytest.fixture
def company() -> Company:
    return make_company()


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def events(action: str) -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("old", "new"))


class TestSegments:
    def test_every_company_has_the_three_standard_ones(self, bob: Client) -> None:
        html = bob.get(WBS).content.decode()

        names = re.findall(rf'<a href="{WBS}([\w-]+)/">([^<]+)</a>', html)
        assert names == [("cost-codes", "Cost Code"), ("cost-types", "Cost Type"), ("sub-jobs", "Sub Job")]
        assert "Tiered" in text_of(html)

    def test_a_custom_one_is_added_and_has_pages_of_its_own(self, dora: Client) -> None:
        assert dora.post(f"{WBS}add/", {"name": " Bauphase Süd "}).headers["Location"] == WBS

        segment = Segment.objects.get(name="Bauphase Süd")
        assert (segment.slug, segment.delimiter, segment.is_tiered) == ("bauphase-sud", "", False)
        assert "There are no Bauphase Süd codes yet." in dora.get(f"{WBS}bauphase-sud/").content.decode()
        assert events("segment.added") == [("", "Bauphase Süd")]

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("", "Write a name."),
            ("x" * 61, "A name may have 60 characters; this one has 61. Shorten it."),
            ("a\u200bb", "The name contains an invisible character (U+200B). Take it out."),
            ("cost TYPE", "There is a segment Cost Type already."),
            ("Cost Codes", "There is a segment Cost Code already."),
            ("PHASE", "There is a segment Phase already."),
        ],
    )
    def test_a_name_that_will_not_do_is_told_and_kept(
        self, dora: Client, company: Company, name: str, sentence: str
    ) -> None:
        Segment.add(company, "Phase", None)

        html = dora.post(f"{WBS}add/", {"name": name}).content.decode()

        assert re.findall(r'id="id_name_error">([^<]*)<', html) == [sentence]
        assert f'value="{name}"' in html or not name
        assert company.segments.filter(is_tiered=False).count() == 3

    def test_addresses_differ_and_take_none_of_ours(self, company: Company) -> None:
        slugs = [Segment.add(company, name, None).slug for name in ("Add", "Budget Code", "a b", "a-b", "層", "層 2")]

        assert slugs == ["add-2", "budget-code-2", "a-b", "a-b-2", "segment", "2"]

    def test_there_are_ten_at_most(self, dora: Client, company: Company) -> None:
        for number in range(10):
            Segment.add(company, f"Segment {number}", None)

        assert "the most there can be" in dora.get(WBS).content.decode()
        html = dora.post(f"{WBS}add/", {"name": "One more"}).content.decode()
        assert "There are 10 custom segments already." in html
        assert not Segment.objects.filter(name="One more").exists()

    def test_one_without_codes_is_deleted_and_any_other_stays(self, dora: Client, company: Company) -> None:
        for name in ("Empty", "Full"):
            Segment.add(company, name, None)
        Segment.of(company, "full").add_item("1", "x", None, None)
        assert re.findall(r'aria-label="Delete ([^"]+)"', dora.get(WBS).content.decode()) == ["Empty"]

        for slug in ("empty", "full", "cost-types"):
            dora.post(f"{WBS}{slug}/delete/")

        assert set(company.segments.values_list("slug", flat=True)) == {*Segment.STANDARD, "full"}
        assert events("segment.deleted") == [("Empty", "")]
        html = dora.get(WBS).content.decode()
        assert "Full has codes. Delete those first." in html
        assert "Cost Type belongs to every company and stays." in html

    def test_other_people_may_not(self, bob: Client, charlie: Client, company: Company) -> None:
        Segment.add(company, "Phase", None)

        for client, status in ((bob, 403), (charlie, 404)):
            assert client.post(f"{WBS}add/", {"name": "x"}).status_code == status
            assert client.post(f"{WBS}phase/delete/").status_code == status
            assert client.get(f"{WBS}budget-code/").status_code == status
        assert "Add Segment" not in bob.get(WBS).content.decode()
        theirs = WBS.replace("sample-builders", "other-builders")
        assert charlie.get(f"{theirs}phase/").status_code == 404
        assert charlie.post(f"{theirs}phase/delete/").status_code == 404
        assert Segment.objects.filter(name="Phase").exists()

    def test_the_page_takes_as_many_queries_for_thousands_of_codes(self, bob: Client, company: Company) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                bob.get(WBS)
            return len(captured)

        make_cost_code("01-100")
        bob.get(WBS)
        few = queries()
        for number in range(200):
            make_cost_code(f"02-{number}")

        assert queries() == few


class TestCodesOfAFlatSegment:
    def test_they_are_added_edited_and_listed_without_tiers_or_erp(self, dora: Client, company: Company) -> None:
        make_connection(company)

        form = dora.get(f"{TYPES}add/").content.decode()
        dora.post(f"{TYPES}add/", {"code": "L-1", "description": "Labour"})
        html = dora.get(TYPES).content.decode()

        assert "id_parent" not in form
        assert "<h1>Cost Types</h1>" in html
        assert 'aria-label="Cost Types"' in html
        assert rows(html) == ["L-1 Labour Active"]
        assert "Send to ERP" not in html
        assert ">ERP</th>" not in html
        item = SegmentItem.objects.get()
        dora.post(f"{TYPES}{item.pk}/", {"code": "L", "description": "Labour", "version": 1})
        assert rows(dora.get(TYPES).content.decode()) == ["L Labour Active"]

    def test_nothing_can_be_put_under_another(self, dora: Client, company: Company) -> None:
        parent = Segment.of(company, "cost-types").add_item("L", "Labour", None, None)

        dora.post(f"{TYPES}add/", {"code": "1", "description": "x", "parent": parent.pk})
        with pytest.raises(Refused, match="These codes are flat"):
            parent.segment.add_item("1", "x", parent, None)

        assert list(parent.segment.items.all()) == [parent]

    def test_a_code_of_one_segment_is_not_found_below_another(self, dora: Client, company: Company) -> None:
        item = make_cost_code("01")

        assert dora.get(f"{TYPES}{item.pk}/").status_code == 404
        dora.post(f"{TYPES}change/", {"item": item.pk, "action": "delete"})
        assert SegmentItem.objects.filter(pk=item.pk).exists()

    def test_the_same_code_may_stand_in_two_segments(self, company: Company) -> None:
        make_cost_code("01")

        Segment.of(company, "sub-jobs").add_item("01", "x", None, None)

        assert SegmentItem.objects.filter(full_code="01").count() == 2

    def test_a_list_is_imported_flat_whatever_the_request_says(self, dora: Client) -> None:
        address = f"{TYPES}import/"
        form = dora.get(address).content.decode()
        html = dora.post(address, {"file": upload("code,description\nL-1,x\nL-2,y\nL-1,z\n"), "delimiter": "-"})
        values = dict(re.findall(r'type="hidden" name="(draft|check)" value="([^"]*)"', html.content.decode()))
        dora.post(address, {**values, "delimiter": "-", "create_missing": "on", "import": "1"})

        assert "id_delimiter" not in form
        assert facts(html.content.decode()) == [2, 1]
        assert list(SegmentItem.objects.values_list("full_code", "tier")) == [("L-1", 1), ("L-2", 1)]
        assert Segment.objects.get(slug="cost-types").delimiter == ""
        exported = dora.get(f"{TYPES}export/")
        assert exported.content.decode("utf-8-sig") == "code,description\r\nL-1,x\r\nL-2,y\r\n"
        assert exported.headers["Content-Disposition"].endswith('"sample-builders-cost-types.csv"')

    def test_a_check_of_one_segment_is_not_imported_into_another(self, dora: Client) -> None:
        html = check_file(dora, "code,description\n01,x\n")
        values = dict(re.findall(r'type="hidden" name="(draft|check)" value="([^"]*)"', html))

        answer = dora.post(f"{TYPES}import/", {**values, "import": "1"}).content.decode()

        assert "This check is no longer kept." in answer
        assert not SegmentItem.objects.exists()

    def test_only_cost_codes_go_to_an_erp(self, company: Company) -> None:
        dora = make_dora(company)
        make_cost_code("01-100")
        other = Segment.of(company, "cost-types").add_item("L", "Labour", None, None)
        linked = make_connection(company)

        assert send_codes(dora, linked, [other.pk]).count == 0
        assert send_codes(dora, linked, None).count == 1
        assert list(SegmentItem.objects.locked().values_list("full_code", flat=True)) == ["01-100"]


class TestTheBudgetCode:
    ADDRESS = f"{WBS}budget-code/"

    def places(self, company: Company, *slugs: str) -> dict[str, str]:
        return {f"place-{Segment.of(company, slug).pk}": str(place) for place, slug in enumerate(slugs, start=1)}

    def example(self, html: str) -> str:
        return re.findall(r"Example:? ?(\S+)", text_of(html))[0]

    def test_it_is_cost_code_and_cost_type_until_someone_says_otherwise(self, dora: Client, company: Company) -> None:
        assert self.example(dora.get(WBS).content.decode()) == "01-100.L"
        make_cost_code("03-200")
        Segment.of(company, "cost-types").add_item("M", "Material", None, None)
        assert self.example(dora.get(WBS).content.decode()) == "03-200.M"

    def test_order_and_delimiter_are_saved_and_told(self, dora: Client, company: Company) -> None:
        Segment.add(company, "Phase", None)
        places = self.places(company, "sub-jobs", "cost-codes", "phase")

        answer = dora.post(self.ADDRESS, {"delimiter": "/", **places})

        assert answer.headers["Location"] == WBS
        html = dora.get(WBS).content.decode()
        assert self.example(html) == "A/01-100/1"
        assert "Sub Job / Cost Code / Phase" in text_of(html)
        assert events("budgetcode.changed") == [("Cost Code.Cost Type", "Sub Job/Cost Code/Phase")]
        dora.post(self.ADDRESS, {"delimiter": "/", **places})
        assert len(events("budgetcode.changed")) == 1

    def test_a_choice_is_shown_before_it_is_saved(self, dora: Client, company: Company) -> None:
        query = {"delimiter": "-", **self.places(company, "cost-types", "cost-codes")}

        part = dora.get(self.ADDRESS, query, headers={"HX-Request": "true", "HX-Target": "example"}).content.decode()

        assert part.startswith('<div id="example"')
        assert self.example(part) == "L-01-100"
        assert "can be read in two ways" in part
        assert not BudgetCode.objects.exists()

    def test_without_cost_code_or_with_one_place_twice_nothing_is_saved(self, dora: Client, company: Company) -> None:
        types = Segment.of(company, "cost-types")

        html = dora.post(self.ADDRESS, {"delimiter": ".", **self.places(company, "cost-types")}).content.decode()
        assert "Cost Code is part of every budget code. Give it a place." in html
        html = dora.post(
            self.ADDRESS, {"delimiter": ".", **self.places(company, "cost-codes"), f"place-{types.pk}": "1"}
        ).content.decode()
        assert f'id="id_place-{types.pk}_error">Cost Code has this place. Choose another.<' in html
        html = dora.post(self.ADDRESS, {"delimiter": "x", **self.places(company, "cost-codes")}).content.decode()
        assert 'id="id_delimiter_error"' in html
        assert not BudgetCode.objects.exists()

    def test_a_segment_that_was_deleted_is_passed_over(self, dora: Client, company: Company) -> None:
        Segment.add(company, "Phase", None)
        dora.post(self.ADDRESS, {"delimiter": ".", **self.places(company, "phase", "cost-codes")})

        dora.post(f"{WBS}phase/delete/")

        assert self.example(dora.get(WBS).content.decode()) == "01-100"
        assert dora.get(self.ADDRESS).status_code == 200


def test_cost_codes_keep_their_address(dora: Client) -> None:
    press(dora, check_file(dora, "code,description\n01,x\n"))

    assert reverse("wbs:cost_codes", args=["sample-builders"]) == f"{WBS}cost-codes/"
    assert rows(dora.get(f"{WBS}cost-codes/").content.decode()) == ["01 x Active Not sent"]
