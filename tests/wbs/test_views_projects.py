from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.models import Company, Level
from erp_integrations.adapters.practice.adapter import PracticeAdapter
from tests.factories import (
    make_company,
    make_connection,
    make_cost_code,
    make_member,
    make_project,
    make_segment,
)
from tests.wbs.conftest import signed_in
from tests.wbs.test_views_segments import text_of
from wbs.importing import NewCode
from wbs.models import Project, Segment, SegmentItem

PROJECTS = "/companies/sample-builders/projects/"
CODES = "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"
OTHER = ("Other Builders", "other-builders")

pytestmark = pytest.mark.django_db


@pytest.fixture
def company() -> Company:
    return make_company()


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return text_of(response.content.decode())


def table(client: Client, address: str) -> list[str]:
    """The text of each row of the page's first table."""
    found = re.search(r"<tbody>(.*?)</tbody>", client.get(address).content.decode(), re.DOTALL)
    return [text_of(row) for row in re.findall(r"<tr.*?</tr>", found[1], re.DOTALL)] if found else []


def add(project: Project, *codes: str) -> None:
    project.add_codes(SegmentItem.objects.filter(full_code__in=codes), None)


def codes_of(project: Project) -> list[str]:
    return list(project.items().values_list("full_code", flat=True))


class TestTheList:
    def test_it_tells_of_each_project_its_connection_its_codes_and_what_is_missing(self, bob: Client) -> None:
        for code in ("01-100", "01-200", "01-300"):
            make_cost_code(code)
        add(make_project("P-2", name="Tower", connection=make_connection()), "01-100")
        add(make_project("P-1", name="Bridge"), "01-100", "01-200")

        assert table(bob, PROJECTS) == ["P-1 Bridge Not integrated 2", "P-2 Tower Practice ERP 1 2 company codes"]

    def test_the_navigation_leads_there_who_may_see_it(self, bob: Client) -> None:
        html = bob.get(PROJECTS).content.decode()

        assert f'<a href="{PROJECTS}" aria-current="page">Projects</a>' in html
        assert "Add Project" not in html

    def test_it_is_searched(self, bob: Client) -> None:
        make_project("P-1", name="Bridge")
        make_project("P-2", name="Tower")

        assert len(table(bob, f"{PROJECTS}?q=BRIDG")) == 1
        assert "No project has “x” in its number or name." in text(bob, f"{PROJECTS}?q=x")
        part = bob.get(f"{PROJECTS}?q=p-2", headers={"HX-Request": "true", "HX-Target": "projects"}).content.decode()
        assert part.lstrip().startswith('<div id="projects">')

    def test_an_empty_one_says_what_to_do(self, dora: Client, bob: Client) -> None:
        assert "Add the first" in text(dora, PROJECTS)
        assert "Add the first" not in text(bob, PROJECTS)

    def test_it_takes_as_many_queries_for_many_projects(self, bob: Client) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                bob.get(PROJECTS)
            return len(captured)

        erp = make_connection()
        make_project("P-1", connection=erp)
        for_one = queries()
        for number in range(2, 30):
            make_project(f"P-{number}", connection=erp)

        assert queries() == for_one

    def test_another_company_sees_none_of_it(self, charlie: Client, company: Company) -> None:
        project = make_project()

        assert charlie.get(PROJECTS).status_code == 404
        theirs = PROJECTS.replace("sample-builders", "other-builders")
        assert "There are no projects yet." in text(charlie, theirs)
        assert charlie.get(f"{theirs}{project.pk}/").status_code == 404


class TestAddingAndEditing:
    def test_a_project_is_added_and_leads_to_its_codes(self, dora: Client) -> None:
        erp = make_connection()

        response = dora.post(f"{PROJECTS}add/", {"number": " P-1 ", "name": "Tower", "connection": erp.pk})

        project = Project.objects.get()
        assert response.headers["Location"] == f"{PROJECTS}{project.pk}/"
        assert (project.number, project.name, project.connection) == ("P-1", "Tower", erp)

    def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(self, dora: Client) -> None:
        make_project("P-1", name="Tower")

        html = dora.post(f"{PROJECTS}add/", {"number": "p-1", "name": "New"}).content.decode()

        assert re.findall(r'id="id_number_error">([^<]*)<', html) == ["There is a project P-1 already: “Tower”."]
        assert 'value="New"' in html
        assert Project.objects.count() == 1

    def test_a_connection_of_another_company_is_refused(self, dora: Client) -> None:
        theirs = make_connection(make_company(*OTHER))

        html = dora.post(f"{PROJECTS}add/", {"number": "1", "name": "x", "connection": theirs.pk}).content.decode()

        assert "There is no such connection. Choose another." in html
        assert not Project.objects.exists()

    def test_someone_elses_change_is_shown_before_it_is_replaced(self, dora: Client) -> None:
        project = make_project("P-1", name="Tower")
        project.change("P-1", "Theirs", None, 1, None)
        mine = {"number": "P-1", "name": "Mine", "connection": "", "version": 1}

        html = dora.post(f"{PROJECTS}{project.pk}/edit/", mine).content.decode()

        assert "it is now P-1 Theirs, not integrated." in html
        assert 'name="version" value="2"' in html
        assert 'value="Mine"' in html
        dora.post(f"{PROJECTS}{project.pk}/edit/", {**mine, "version": 2})
        project.refresh_from_db()
        assert project.name == "Mine"

    @pytest.mark.parametrize("address", ["add/", "{}/edit/", "{}/cost-codes-from-company/", "{}/remove/"])
    def test_who_may_only_look_changes_nothing(self, bob: Client, charlie: Client, address: str) -> None:
        address = PROJECTS + address.format(make_project().pk)

        assert bob.post(address).status_code == 403
        assert charlie.post(address).status_code == 404


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


class TestMissingOnProjects:
    @pytest.fixture
    def projects(self, company: Company) -> list[Project]:
        erp = make_connection()
        for code in ("01-100", "01-200"):
            make_cost_code(code)
        make_project("P-0")
        return [make_project(f"P-{number}", connection=erp) for number in (1, 2)]

    def add_to(self, client: Client, code: str, **values: object) -> None:
        item = make_cost_code(code)
        response = client.post(f"{PROJECTS}missing/{item.pk}/add/", values)
        assert response.headers["Location"] in (f"{CODES}{item.pk}/", f"{PROJECTS}missing/")

    def test_the_page_names_the_projects_that_lack_a_code(self, bob: Client, projects: list[Project]) -> None:
        add(projects[0], "01-100")

        assert table(bob, f"{PROJECTS}missing/") == [
            "01-100 Description 01-100 P-2",
            "01-200 Description 01-200 P-1 , P-2",
        ]
        assert len(table(bob, f"{PROJECTS}missing/?q=200")) == 1

    def test_it_says_when_nothing_is_missing(self, bob: Client, projects: list[Project]) -> None:
        for project in projects:
            add(project, "01-100", "01-200")
        assert "Nothing is missing" in text(bob, f"{PROJECTS}missing/")

        Project.objects.update(connection=None)
        assert "No project is integrated with an ERP" in text(bob, f"{PROJECTS}missing/")

    def test_a_codes_own_page_tells_where_it_is_used_and_adds_it_with_one_click(
        self, dora: Client, projects: list[Project]
    ) -> None:
        item = make_cost_code("01-100")
        add(projects[0], "01-100")
        shown = text(dora, f"{CODES}{item.pk}/")
        assert "On project P-1 Riverside Tower" in shown
        assert "Missing on projects Add to P-2" in shown

        self.add_to(dora, "01-100", project=projects[1].pk)

        assert codes_of(projects[1]) == ["01-100"]
        shown = text(dora, f"{CODES}{item.pk}/")
        assert "01-100 was added to P-2 Riverside Tower." in shown
        assert "On projects P-1 Riverside Tower , P-2 Riverside Tower" in shown
        assert "Missing on projects" not in shown

    def test_it_is_added_to_all_that_lack_it_and_to_no_other(self, dora: Client, projects: list[Project]) -> None:
        self.add_to(dora, "01-100", all="1", back="1")

        assert [codes_of(project) for project in Project.objects.all()] == [[], ["01-100"], ["01-100"]]
        assert "01-100 was added to 2 projects." in text(dora, PROJECTS)

    def test_the_search_is_kept(self, dora: Client, projects: list[Project]) -> None:
        item = make_cost_code("01-100")

        response = dora.post(f"{PROJECTS}missing/{item.pk}/add/", {"all": "1", "back": "1", "q": "01 & x"})

        assert response.headers["Location"] == f"{PROJECTS}missing/?q=01+%26+x"

    def test_a_division_brings_what_lies_below_it(self, dora: Client, projects: list[Project]) -> None:
        add(projects[0], "01-100")

        self.add_to(dora, "01", all="1")

        assert [codes_of(project) for project in projects] == [["01-100", "01-200"]] * 2

    def test_in_the_dialog_the_answer_is_the_part_that_changed(self, dora: Client, projects: list[Project]) -> None:
        item = make_cost_code("01-100")

        answer = dora.post(f"{PROJECTS}missing/{item.pk}/add/", {"all": "1"}, headers={"HX-Request": "true"})

        assert answer.content.decode().lstrip().startswith('<section id="usage"')
        assert "01-100 was added to 2 projects." in text_of(answer.content.decode())

    @pytest.mark.parametrize("wanted", ["", "x", "0", "9" * 30])
    def test_a_project_that_does_not_lack_it_is_left_alone(
        self, dora: Client, projects: list[Project], wanted: str
    ) -> None:
        self.add_to(dora, "01-100", project=wanted or Project.objects.get(number="P-0").pk)

        assert not any(codes_of(project) for project in Project.objects.all())

    def test_other_people_may_not(self, bob: Client, charlie: Client, projects: list[Project]) -> None:
        item = make_cost_code("01-100")

        assert bob.post(f"{PROJECTS}missing/{item.pk}/add/", {"all": "1"}).status_code == 403
        assert charlie.post(f"{PROJECTS}missing/{item.pk}/add/", {"all": "1"}).status_code == 404
        theirs = PROJECTS.replace("sample-builders", "other-builders")
        assert charlie.post(f"{theirs}missing/{item.pk}/add/", {"all": "1"}).status_code == 404
        assert 'name="all"' not in bob.get(f"{PROJECTS}missing/").content.decode()
        eve = signed_in(make_member("eve", erp=Level.ADMIN))
        assert eve.get(PROJECTS).status_code == 403


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
