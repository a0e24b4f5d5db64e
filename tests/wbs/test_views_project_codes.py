from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.models import Company
from erp_integrations.adapters.practice.adapter import PracticeAdapter
from tests.factories import (
    make_connection,
    make_cost_code,
    make_project,
    make_segment,
)
from tests.wbs.project_pages import PROJECTS, add, codes_of, table, text
from wbs.lists.checking import NewCode
from wbs.models import Project, Segment, SegmentItem

pytestmark = [pytest.mark.django_db, pytest.mark.either]


class TestItsCodes:
    @pytest.fixture
    def project(self, company: Company) -> Project:
        for code in ("01-100", "01-200", "02-100", "02-200"):
            make_cost_code(code, f"Text {code}")
        return make_project()

    @pytest.fixture
    def here(self, project: Project) -> str:
        return f"{PROJECTS}{project.pk}/"

    def test_the_page_shows_them_below_their_divisions(self, bob: Client, project: Project, here: str) -> None:
        assert "This project uses no cost codes yet." in text(bob, here)
        add(project, "01-100", "01-200", "02-100")
        inactive = make_cost_code("01-200")
        inactive.segment.set_active([inactive.pk], False, None)

        assert table(bob, here) == [
            "01 Division 01",
            "01-100 Text 01-100 Active",
            "01-200 Text 01-200 Inactive",
            "02 Division 02",
            "02-100 Text 02-100 Active",
        ]
        assert "1 code of the company is not on this project." in text(bob, here)

    def test_it_is_searched_and_narrowed_to_a_division(self, bob: Client, project: Project, here: str) -> None:
        add(project, "01-100", "01-200", "02-100")
        division = SegmentItem.objects.get(full_code="01")

        assert table(bob, f"{here}?q=TEXT+02") == ["02 Division 02", "02-100 Text 02-100 Active"]
        assert len(table(bob, f"{here}?division={division.pk}")) == 3
        assert len(table(bob, f"{here}?division={division.pk}&q=200")) == 2
        assert "No code of this project is like that." in text(bob, f"{here}?q=nothing")
        for odd in ("x", "9" * 30, "-1", "0"):
            assert len(table(bob, f"{here}?division={odd}")) == 5
        part = bob.get(here, headers={"HX-Request": "true", "HX-Target": "codes"}).content.decode()
        assert part.lstrip().startswith('<div id="codes">')

    def test_ticked_codes_are_added(self, dora: Client, project: Project, here: str) -> None:
        ids = [make_cost_code(code).pk for code in ("01-100", "02-200")]

        response = dora.post(f"{here}cost-codes-from-company/", {"add": "selected", "item": ids})

        assert codes_of(project) == ["01-100", "02-200"]
        assert response.headers["Location"] == f"{here}cost-codes-from-company/"
        assert table(dora, f"{here}cost-codes-from-company/") == [
            *("01 Division 01 Add all of 01", "01-200 Text 01-200"),
            *("02 Division 02 Add all of 02", "02-100 Text 02-100"),
        ]

    def test_a_division_brings_what_lies_below_it(self, dora: Client, project: Project, here: str) -> None:
        division = SegmentItem.objects.get(full_code="02")

        dora.post(f"{here}cost-codes-from-company/", {"add": division.pk, "q": "x"})

        assert codes_of(project) == ["02-100", "02-200"]

    def test_all_are_added_and_all_that_match(self, dora: Client, project: Project, here: str) -> None:
        dora.post(f"{here}cost-codes-from-company/", {"add": "all", "q": "02-"})
        assert codes_of(project) == ["02-100", "02-200"]

        response = dora.post(f"{here}cost-codes-from-company/", {"add": "all"})

        assert response.headers["Location"] == here
        assert len(codes_of(project)) == 4
        assert "2 codes were added to P-100 Riverside Tower." in text(dora, here)
        assert "All active cost codes of the company are on" in text(dora, f"{here}cost-codes-from-company/")

    def test_a_click_without_ticks_or_a_second_one_says_so(self, dora: Client, here: str) -> None:
        add_page = f"{here}cost-codes-from-company/"

        dora.post(add_page, {"add": "selected"})
        assert "Tick the codes first." in text(dora, add_page)
        for _ in range(2):
            dora.post(add_page, {"add": SegmentItem.objects.get(full_code="01").pk})
        assert "These codes were added already." in text(dora, add_page)

    @pytest.mark.parametrize("wanted", ["", "x", "9" * 30, "0"])
    def test_an_action_that_does_not_exist_is_refused(self, dora: Client, here: str, wanted: str) -> None:
        assert dora.post(f"{here}cost-codes-from-company/", {"add": wanted}).status_code == 400

    def test_codes_are_removed_ticked_or_all_that_match(self, dora: Client, project: Project, here: str) -> None:
        add(project, "01-100", "01-200", "02-100", "02-200")

        dora.post(f"{here}remove/", {"item": make_cost_code("01-100").pk})
        assert codes_of(project) == ["01-200", "02-100", "02-200"]
        dora.post(f"{here}remove/", {"all_matching": "1", "q": "02-"})
        assert codes_of(project) == ["01-200"]
        assert "2 codes were removed from P-100 Riverside Tower." in text(dora, here)
        dora.post(f"{here}remove/")
        assert "Tick the codes first." in text(dora, here)
        assert SegmentItem.objects.count() == 6

    def test_pages_take_as_many_queries_for_thousands_of_codes(self, dora: Client, project: Project, here: str) -> None:
        def queries() -> list[int]:
            counted = []
            for page in (here, f"{here}cost-codes-from-company/", f"{PROJECTS}missing/"):
                with CaptureQueriesContext(connection) as captured:
                    dora.get(page)
                counted.append(len(captured))
            return counted

        project.change(project.number, project.name, make_connection(), 1, None)
        add(project, "01-100")
        Segment.all_of(project.company)
        before = queries()
        new = [NewCode(("01", str(number)), "x") for number in range(1000, 1600)]
        make_segment().add_codes(new, "-", None)
        add(project, *(f"01-{number}" for number in range(1000, 1300)))

        assert queries() == before


class TestWhatTheErpCannotHold:
    def test_a_project_without_an_erp_has_everything(self, bob: Client, company: Company) -> None:
        Segment.of(company, "cost-types").add_item("L", "Labor", None, None)
        Segment.add(company, "Phase", None)

        shown = text(bob, f"{PROJECTS}{make_project().pk}/")

        assert "Cost Types Code Description On this project L Labor L" in shown
        assert "Sub Job 0 codes Phase 0 codes" in shown
        assert "placeholder" not in shown

    def test_on_one_of_quickbooks_cost_types_stand_as_other_and_the_rest_says_why(
        self, bob: Client, company: Company
    ) -> None:
        books = make_connection(erp="quickbooks-desktop", name="Books", slug="books")
        for code in ("L", "M"):
            Segment.of(company, "cost-types").add_item(code, f"Type {code}", None, None)
        Segment.add(company, "Phase", None)

        shown = text(bob, f"{PROJECTS}{make_project(connection=books).pk}/")

        assert "QuickBooks Desktop knows no cost types. All of them stand as “Other” here: a placeholder" in shown
        assert "L Type L Other M Type M Other" in shown
        assert "Sub Job Not offered: QuickBooks Desktop knows no sub jobs." in shown
        assert "Phase Not offered: QuickBooks Desktop knows no custom segments." in shown
        assert "QuickBooks Desktop keeps one list of codes for all projects" in shown


class TestCodesOfItsOwn:
    def add(self, client: Client, project: Project, **values: str) -> str:
        values = {"code": "X-1", "description": "Crane", **values}
        return client.post(f"{PROJECTS}{project.pk}/own-codes/add/", values, follow=True).content.decode()

    def test_a_project_without_an_erp_may_have_some(self, dora: Client, bob: Client) -> None:
        project = make_project()

        assert "X-1 was added to P-100 Riverside Tower alone." in self.add(dora, project)

        assert "X-1 Crane" in text(bob, f"{PROJECTS}{project.pk}/")
        assert "Add Code" not in text(bob, f"{PROJECTS}{project.pk}/")
        own = project.own_codes.get()
        dora.post(f"{PROJECTS}{project.pk}/own-codes/{own.pk}/remove/")
        assert not project.own_codes.exists()
        assert dora.post(f"{PROJECTS}{project.pk}/own-codes/{own.pk}/remove/").status_code == 404
        actions = list(project.company.audit_events.order_by("pk").values_list("action", flat=True))
        assert actions[-2:] == ["project.own_code_added", "project.own_code_removed"]

    def test_one_with_an_erp_of_one_list_has_none_and_says_why(self, dora: Client) -> None:
        project = make_project(connection=make_connection(erp="quickbooks-desktop", slug="books"))

        html = self.add(dora, project)

        assert "QuickBooks Desktop keeps one list of codes for all projects" in html
        assert "It was not added." in html
        assert "Add Code" not in html
        assert not project.own_codes.exists()

    def test_the_capability_decides_and_nothing_else(self, dora: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        able = replace(PracticeAdapter.capabilities, has_project_codes=True, has_cost_types=True)
        monkeypatch.setattr(PracticeAdapter, "capabilities", able)
        project = make_project(connection=make_connection())

        assert "X-1 was added" in self.add(dora, project)
        assert "Practice ERP knows no cost types" not in text(dora, f"{PROJECTS}{project.pk}/")
        assert "Not offered: Practice ERP knows no sub jobs." in text(dora, f"{PROJECTS}{project.pk}/")

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"code": " "}, "Write a code."),
            ({"description": ""}, "Write a description."),
            ({"code": "01-100"}, "01-100 is a code of the company: “Doors”. Add it from there."),
            ({"code": "x-0"}, "X-0 exists already: “Crane”."),
            ({"code": "x" * 101}, "A code may have 100 characters; this one has 101. Shorten it."),
        ],
    )
    def test_what_is_wrong_is_told_beside_the_field(self, dora: Client, values: dict[str, str], sentence: str) -> None:
        project = make_project()
        make_cost_code("01-100", "Doors")
        project.add_own_code("X-0", "Crane", None)

        assert sentence in self.add(dora, project, **values)

        assert project.own_codes.count() == 1

    def test_they_keep_a_project_from_an_erp_that_cannot_have_them(self, dora: Client) -> None:
        project = make_project()
        project.add_own_code("X-1", "Crane", None)
        values = {"number": "P-1", "name": "x", "connection": make_connection().pk, "version": 1}

        html = dora.post(f"{PROJECTS}{project.pk}/edit/", values).content.decode()

        assert "This one has 1: remove them first." in html
        project.refresh_from_db()
        assert project.connection is None
