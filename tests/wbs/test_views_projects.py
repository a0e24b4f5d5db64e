from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.models import Company
from tests.factories import (
    make_company,
    make_connection,
    make_cost_code,
    make_project,
)
from tests.wbs.project_pages import PROJECTS, add, table, text
from wbs.models import Project

OTHER = ("Other Builders", "other-builders")

pytestmark = [pytest.mark.django_db, pytest.mark.either]


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
