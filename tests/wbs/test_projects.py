from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from companies.models import AuditEvent
from erp_integrations.models import Connection
from tests.factories import make_company, make_connection, make_cost_code, make_project, make_segment, make_user
from wbs.errors import Conflict, Refused
from wbs.lists.checking import NewCode
from wbs.models import Project, ProjectCode, Segment, SegmentItem

pytestmark = pytest.mark.django_db

OTHER = ("Other Builders", "other-builders")


def add(project: Project, *codes: str) -> int:
    return project.add_codes(SegmentItem.objects.filter(full_code__in=codes), make_user("dora"))


def codes_of(project: Project) -> list[str]:
    return list(project.items().values_list("full_code", flat=True))


def events() -> list[tuple[str, str, str, str]]:
    rows = AuditEvent.objects.filter(subject="project").order_by("pk")
    return list(rows.values_list("action", "label", "old", "new"))


class TestAProject:
    def test_its_number_is_its_own_whatever_the_case(self) -> None:
        make_project("P-100", name="Tower")

        with pytest.raises(Refused, match=r"There is a project P-100 already: “Tower”\.") as refusal:
            make_project(" p-100 ")

        assert refusal.value.field == "number"
        assert make_project("p-100", make_company(*OTHER)).number == "p-100"

    @pytest.mark.parametrize(
        ("number", "name", "field", "sentence"),
        [
            ("", "Tower", "number", "Write a number."),
            ("1" * 41, "Tower", "number", "A number may have 40 characters; this one has 41. Shorten it."),
            ("1\u200b", "Tower", "number", r"The number contains an invisible character \(U\+200B\). Take it out."),
            ("1", "  ", "name", "Write a name."),
            ("1", "x" * 101, "name", "A name may have 100 characters; this one has 101. Shorten it."),
        ],
    )
    def test_number_and_name_are_checked(self, number: str, name: str, field: str, sentence: str) -> None:
        with pytest.raises(Refused, match=sentence) as refusal:
            make_project(number, name=name)

        assert refusal.value.field == field
        assert not Project.objects.exists()

    def test_letters_that_grow_when_folded_fit(self) -> None:
        project = make_project("ΐ" * 40, name="ﬃ" * 100)

        assert Project.objects.matching("ffi").get() == project

    def test_they_stand_in_natural_order_and_are_found_by_number_and_name(self) -> None:
        for number, name in (("P-10", "Bahnhof Süd"), ("P-9", "Tower"), ("A-1", "Tower east")):
            make_project(number, name=name)

        assert [project.number for project in Project.objects.all()] == ["A-1", "P-9", "P-10"]
        assert [project.number for project in Project.objects.matching("SÜD")] == ["P-10"]
        assert [project.number for project in Project.objects.matching("p-9")] == ["P-9"]
        assert Project.objects.matching(" ").count() == 3

    def test_a_change_is_kept_and_told(self) -> None:
        project = make_project("P-100", name="Tower")
        erp = make_connection()

        changed = project.change("p-100", "Tower West", erp, 1, make_user("dora"))

        assert (changed.number, changed.name, changed.connection, changed.version) == ("p-100", "Tower West", erp, 2)
        assert events() == [
            ("project.added", "P-100 Tower", "", "P-100 Tower, not integrated"),
            ("project.changed", "p-100 Tower West", "P-100 Tower, not integrated", "p-100 Tower West, Practice ERP"),
        ]

    def test_nothing_is_told_when_nothing_changed(self) -> None:
        make_project("P-100", name="Tower").change("P-100", "Tower", None, 1, None)

        assert [action for action, *_ in events()] == ["project.added"]

    def test_a_number_that_is_taken_is_refused_and_a_stale_page_too(self) -> None:
        make_project("P-100", name="Tower")
        project = make_project("P-200", name="Bridge")

        with pytest.raises(Refused, match="There is a project P-100 already"):
            project.change("p-100", "Bridge", None, 1, None)
        project.change("P-200", "Bridge North", None, 1, None)
        with pytest.raises(Conflict):
            project.change("P-200", "Bridge South", None, 1, None)

        project.refresh_from_db()
        assert project.summary == "P-200 Bridge North, not integrated"


class TestItsCodes:
    def test_codes_are_added_once_and_told(self) -> None:
        project = make_project()
        for code in ("01-100", "01-200", "02-100"):
            make_cost_code(code)

        assert add(project, "01-200", "01-100") == 2
        assert add(project, "01-100", "02-100") == 1
        assert add(project, "01-100") == 0

        assert codes_of(project) == ["01-100", "01-200", "02-100"]
        told = [(action, new) for action, _, _, new in events()][1:]
        assert told == [("project.codes_added", "01-100, 01-200"), ("project.codes_added", "02-100")]

    def test_all_are_added_at_once_with_the_same_queries_for_thousands(self) -> None:
        segment, few, many = make_segment(), make_project("P-1"), make_project("P-2")

        def queries(project: Project) -> int:
            with CaptureQueriesContext(connection) as captured:
                project.add_codes(segment.items.all(), None)
            return len(captured)

        make_cost_code("01-100")
        for_few = queries(few)
        segment.add_codes([NewCode(("02",), "x")] + [NewCode(("02", str(n)), "x") for n in range(3000)], "-", None)

        assert queries(many) == for_few
        assert many.codes.count() == 3001
        assert events()[-1][3] == "3,001 codes"

    def test_divisions_inactive_codes_other_segments_and_other_companies_stay_out(self) -> None:
        project, other = make_project(), make_segment(make_company(*OTHER))
        make_cost_code("01-100")
        make_cost_code("01-200").segment.set_active([make_cost_code("01-200").pk], False, None)
        make_cost_code("01-300", segment=other)
        Segment.of(project.company, "cost-types").add_item("L", "Labor", None, None)

        assert project.add_codes(SegmentItem.objects.all(), None) == 1

        assert codes_of(project) == ["01-100"]
        assert project.add_codes(SegmentItem.objects.none(), None) == 0

    def test_removing_leaves_the_companys_list_alone(self) -> None:
        project, other = make_project("P-1"), make_project("P-2")
        codes = [make_cost_code(code) for code in ("01-200", "01-100")]
        for each in (project, other):
            add(each, "01-100", "01-200")

        assert project.remove_codes([code.pk for code in codes], make_user("dora")) == 2
        assert project.remove_codes([code.pk for code in codes], make_user("dora")) == 0

        assert (codes_of(project), codes_of(other)) == ([], ["01-100", "01-200"])
        assert events()[-1][:2] + events()[-1][3:] == ("project.codes_removed", "P-1 Riverside Tower", "01-100, 01-200")

    def test_a_code_on_a_project_is_not_deleted_and_says_why_but_is_deactivated(self) -> None:
        project, code, free = make_project(), make_cost_code("01-100"), make_cost_code("01-200")
        add(project, "01-100")

        outcome = code.segment.delete_items([code.pk, free.pk, code.parent_id], None)

        assert outcome.changed == 1
        assert [(item.full_code, why) for item, why in outcome.refused] == [
            ("01", "01 has codes below it. Delete those first."),
            ("01-100", "01-100 is used on the project P-100. Remove it there first, or deactivate it."),
        ]
        assert code.segment.set_active([code.pk], False, None).changed == 1
        assert codes_of(project) == ["01-100"]


class TestMissing:
    @pytest.fixture
    def erp(self) -> Connection:
        return make_connection()

    def missing(self, code: str) -> list[str]:
        item = SegmentItem.objects.select_related("segment").get(full_code=code, company__slug="sample-builders")
        return [project.number for project in Project.objects.missing(item)]

    def test_a_new_code_is_missing_on_integrated_projects_alone(self, erp: Connection) -> None:
        first, second = make_project("P-1", connection=erp), make_project("P-2", connection=erp)
        make_project("P-3")
        there = make_company(*OTHER)
        make_project("P-4", there, connection=make_connection(there))
        make_cost_code("01-100")

        assert self.missing("01-100") == ["P-1", "P-2"]
        add(first, "01-100")
        assert self.missing("01-100") == ["P-2"]
        add(second, "01-100")
        assert self.missing("01-100") == []

    def test_a_division_is_missing_where_something_below_it_is(self, erp: Connection) -> None:
        project = make_project(connection=erp)
        for code in ("01-100", "01-200", "02-100"):
            make_cost_code(code)
        add(project, "01-100", "02-100")

        assert self.missing("01") == ["P-100"]
        assert self.missing("02") == []

    def test_an_inactive_code_is_missing_nowhere(self, erp: Connection) -> None:
        make_project(connection=erp)
        code = make_cost_code("01")
        code.segment.set_active([code.pk], False, None)

        assert self.missing("01") == []

    def test_counts_tell_how_many_of_todays_codes_each_uses(self) -> None:
        project = make_project()
        make_project("P-200")
        codes = [make_cost_code(code) for code in ("01-100", "01-200")]
        add(project, "01-100", "01-200")
        codes[0].segment.set_active([codes[0].pk], False, None)

        counted = Project.objects.with_counts().values_list("number", "count", "used")

        assert list(counted) == [("P-100", 2, 1), ("P-200", 0, 0)]
        assert ProjectCode.objects.count() == 2
