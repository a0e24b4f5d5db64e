from __future__ import annotations

import pytest
from django.test import Client

from companies.models import Company, Level
from tests.factories import (
    make_connection,
    make_cost_code,
    make_member,
    make_project,
)
from tests.wbs.conftest import signed_in
from tests.wbs.project_pages import CODES, PROJECTS, add, codes_of, table, text
from tests.wbs.test_views_segments import text_of
from wbs.models import Project

pytestmark = [pytest.mark.django_db, pytest.mark.either]


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
