from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from companies.models import AuditEvent, Company
from tests.factories import make_company, make_connection, make_cost_code, make_hold, make_segment, make_user
from wbs.errors import Conflict, Refused
from wbs.lists.checking import NewCode
from wbs.models import Hold, Segment, SegmentItem, Status

pytestmark = pytest.mark.django_db

Lock = Hold.Lock


@pytest.fixture
def segment() -> Segment:
    return make_segment()


def item(code: str) -> SegmentItem:
    return SegmentItem.objects.get(full_code=code)


def change(which: str, **values: object) -> SegmentItem:
    """Change one item as someone does who has just read it."""
    old = item(which)
    fields = {"code": old.code, "description": old.description, "parent": old.parent, "version": old.version}
    return old.change(**{**fields, **values}, actor=make_user("dora"))


def codes_in_order() -> list[str]:
    return list(SegmentItem.objects.values_list("full_code", flat=True))


def last_event() -> tuple[str, str, str, str]:
    event = AuditEvent.objects.first()
    assert event is not None
    assert event.subject == "code"
    return event.action, event.label, event.old, event.new


class TestTheSegment:
    def test_it_is_made_when_it_is_first_asked_for(self) -> None:
        company = make_company()

        assert Segment.of(company) == Segment.of(company)
        assert Segment.of(company).delimiter == "-"

    def test_the_delimiter_can_change_only_while_nothing_is_joined_with_it(self, segment: Segment) -> None:
        assert segment.why_not_joined(".") == ""

        make_cost_code("01")
        assert segment.why_not_joined(".") == ""
        assert segment.why_not_joined("") == ""

        make_cost_code("A.1")
        assert segment.why_not_joined(".") == "The codes that are here are joined with “-”. Choose that."
        assert segment.why_not_joined("/") == ""

        make_cost_code("01-100")
        assert segment.why_not_joined("-") == ""
        assert segment.why_not_joined("/")
        assert segment.why_not_joined("")


class TestAdding:
    def test_the_full_code_joins_the_tiers(self, segment: Segment) -> None:
        division = segment.add_item(" 01 ", "General", None, make_user("dora"))
        code = segment.add_item("100", " Supervision ", division, make_user("dora"))

        assert (code.full_code, code.description, code.tier, code.version) == ("01-100", "Supervision", 2, 1)
        assert code.tiers == ("01", "100")
        assert last_event() == ("code.added", "01-100", "", "Supervision")

    def test_five_tiers_and_no_more(self, segment: Segment) -> None:
        lowest = make_cost_code("1-2-3-4-5")

        with pytest.raises(Refused, match="1-2-3-4-5 is of tier 5, the lowest there is"):
            segment.add_item("6", "Too deep", lowest, None)

    def test_a_code_that_differs_only_by_case_exists_already(self, segment: Segment) -> None:
        make_cost_code("Ab", "Adhesives")

        with pytest.raises(Refused, match="Ab exists already: “Adhesives”") as refusal:
            segment.add_item("AB", "Abrasives", None, None)
        assert refusal.value.field == "code"

    def test_the_same_code_may_exist_in_another_division_and_another_company(self, segment: Segment) -> None:
        make_cost_code("01-100")

        segment.add_item("100", "Elsewhere", make_cost_code("02"), None)
        other = Segment.of(make_company("Other Builders", "other-builders"))
        other.add_item("01", "Theirs", None, None)

        assert codes_in_order().count("01") == 2

    @pytest.mark.parametrize("lock", [Lock.CODE, Lock.ALL])
    def test_nothing_is_added_under_a_code_that_is_sent_or_synced(self, segment: Segment, lock: Lock) -> None:
        code = make_cost_code("01-100")
        make_hold(code, lock)

        with pytest.raises(Refused, match="Nothing can be put under 01-100") as refusal:
            segment.add_item("1", "Below", code, None)
        assert refusal.value.field == "parent"

    def test_nothing_is_added_under_an_inactive_code(self, segment: Segment) -> None:
        division = make_cost_code("01")
        segment.set_active([division.pk], False, None)

        with pytest.raises(Refused, match="01 is inactive"):
            segment.add_item("1", "Below", division, None)

    def test_nothing_is_added_under_another_companys_code(self, segment: Segment) -> None:
        theirs = make_cost_code("01", segment=make_segment(make_company("Other Builders", "other-builders")))

        with pytest.raises(Refused, match="deleted meanwhile"):
            segment.add_item("1", "Below", theirs, None)


class TestChanging:
    def test_the_version_rises_and_the_change_is_recorded(self) -> None:
        make_cost_code("01-100", "Supervision")

        changed = change("01-100", description="Superintendent")

        assert (changed.description, changed.version) == ("Superintendent", 2)
        assert item("01-100").description_key == "superintendent"
        assert last_event() == ("code.changed", "01-100", "01-100 Supervision", "01-100 Superintendent")

    def test_saving_without_a_change_changes_nothing(self) -> None:
        make_cost_code("01-100")

        assert change("01-100").version == 1
        assert not AuditEvent.objects.exists()

    def test_what_lies_below_takes_the_new_code_over(self) -> None:
        for code in ("01-100-1", "01-2", "01 A-1", "010-1", "05"):
            make_cost_code(code)

        change("01", code="9")

        assert codes_in_order() == ["01 A", "01 A-1", "05", "9", "9-2", "9-100", "9-100-1", "010", "010-1"]
        assert item("9-100-1").tiers == ("9", "100", "1")
        assert {i.version for i in SegmentItem.objects.filter(full_code__startswith="9")} == {2}
        assert item("01 A-1").version == 1

    def test_a_code_and_all_below_it_can_move_to_another_division(self) -> None:
        make_cost_code("01-100-1")

        change("01-100", parent=make_cost_code("02"), code="200")

        assert codes_in_order() == ["01", "02", "02-200", "02-200-1"]
        assert [i.tier for i in SegmentItem.objects.all()] == [1, 1, 2, 3]
        assert item("02-200").full_code_key == "02-200"

        change("02-200", parent=None)

        assert codes_in_order() == ["01", "02", "200", "200-1"]
        assert item("200-1").tier == 2

    def test_changing_only_the_case_of_a_code_is_possible(self) -> None:
        make_cost_code("ab-1")

        change("ab", code="AB")

        assert codes_in_order() == ["AB", "AB-1"]

    def test_it_cannot_take_a_code_that_exists(self) -> None:
        make_cost_code("01-100", "Supervision")
        make_cost_code("01-200")

        with pytest.raises(Refused, match="01-100 exists already: “Supervision”"):
            change("01-200", code="100")

    def test_it_cannot_be_put_under_itself(self) -> None:
        below = make_cost_code("01-100-1")

        with pytest.raises(Refused, match="01 cannot be put under itself"):
            change("01", parent=below)
        with pytest.raises(Refused, match="01 cannot be put under itself"):
            change("01", parent=item("01"))

    def test_nothing_gets_more_than_five_tiers_by_moving(self) -> None:
        make_cost_code("1-2-3")

        with pytest.raises(Refused, match="What lies below 1 would get more than 5 tiers"):
            change("1", parent=make_cost_code("7-8-9"))

    def test_nothing_below_gets_too_long_by_renaming(self) -> None:
        make_cost_code("1-" + "-".join(["x" * 84, "y" * 84, "z" * 81]))

        with pytest.raises(Refused, match="Codes below 1 would get more than 255 characters"):
            change("1", code="1234")
        assert change("1", code="123").full_code == "123"

    def test_a_stale_version_is_a_conflict_with_the_newer_row(self) -> None:
        make_cost_code("01-100", "Supervision")
        change("01-100", description="Theirs")

        with pytest.raises(Conflict) as conflict:
            change("01-100", description="Mine", version=1)

        assert conflict.value.newer is not None
        assert conflict.value.newer.description == "Theirs"
        assert item("01-100").description == "Theirs"

    def test_a_deleted_code_is_a_conflict_without_a_newer_row(self) -> None:
        gone = make_cost_code("01-100")
        gone.segment.delete_items([gone.pk], None)

        with pytest.raises(Conflict) as conflict:
            gone.change("100", "Mine", gone.parent, 1, None)
        assert conflict.value.newer is None

    def test_a_rename_takes_the_same_number_of_queries_for_2_codes_or_200(self) -> None:
        def queries(of: str, to: str) -> int:
            with CaptureQueriesContext(connection) as captured:
                change(of, code=to)
            return len(captured)

        for number in range(2):
            make_cost_code(f"01-{number}")
        for number in range(200):
            make_cost_code(f"02-{number}")
        change("01", code="00")  # makes dora

        assert queries("00", "10") == queries("02", "20")


class TestHolds:
    def test_the_highest_lock_counts(self) -> None:
        code = make_cost_code("01-100")
        other = make_connection(code.company, name="Other ERP", slug="other-erp")
        assert code.lock_state() == Lock.NONE

        make_hold(code, Lock.CODE, connection=other)
        assert item("01-100").lock_state() == Lock.CODE

        make_hold(code, Lock.ALL, connection=make_connection(code.company))
        assert item("01-100").lock_state() == Lock.ALL

    def test_a_sent_code_cannot_be_changed_at_all(self) -> None:
        make_hold(make_cost_code("01-100"), Lock.ALL)

        with pytest.raises(Refused, match=r"01-100 is sent to Practice ERP \(Ready to Export\). Recall it"):
            change("01-100", description="New")
        with pytest.raises(Refused, match="01-100 is sent"):
            change("01-100", code="200")

    def test_the_description_of_a_synced_code_may_change_but_not_its_code(self) -> None:
        make_hold(make_cost_code("01-100"), Lock.CODE, Status.SUCCESS)

        assert change("01-100", description="New").version == 2
        with pytest.raises(Refused, match="01-100 is in Practice ERP, where its code is fixed"):
            change("01-100", code="200")
        with pytest.raises(Refused, match="01-100 is in Practice ERP, where its code is fixed"):
            change("01-100", parent=None)

    def test_a_released_code_is_free_again(self) -> None:
        make_hold(make_cost_code("01-100"), Lock.ALL)
        Hold.objects.update(lock=Lock.NONE, status=Status.REJECTED, note="Wrong division")

        assert change("01-100", code="200").full_code == "01-200"
        assert str(Hold.objects.get()) == "Rejected: Wrong division"

    @pytest.mark.parametrize("lock", [Lock.CODE, Lock.ALL])
    def test_nothing_above_a_sent_or_synced_code_is_renamed(self, lock: Lock) -> None:
        make_hold(make_cost_code("01-100-1"), lock)

        with pytest.raises(Refused, match="01-100-1 is"):
            change("01", code="02")
        assert change("01", description="Only the words").version == 2
        assert codes_in_order() == ["01", "01-100", "01-100-1"]


class TestDeactivating:
    def test_it_can_be_taken_back(self, segment: Segment) -> None:
        code = make_cost_code("01-100")

        assert segment.set_active([code.pk], False, make_user("dora")).changed == 1
        assert not item("01-100").is_active
        assert last_event() == ("code.deactivated", "01-100", "", "")
        assert segment.set_active([code.pk], False, None).changed == 0
        assert segment.set_active([code.pk], True, None).changed == 1
        assert item("01-100").version == 1
        assert last_event()[0] == "code.reactivated"

    def test_a_sent_code_stays_active_until_it_is_recalled_and_a_synced_one_need_not(self, segment: Segment) -> None:
        sent, synced = make_cost_code("01-100"), make_cost_code("01-200")
        make_hold(sent, Lock.ALL)
        make_hold(synced, Lock.CODE)

        outcome = segment.set_active([sent.pk, synced.pk], False, None)

        assert outcome.changed == 1
        assert [(str(kept), why.split(".")[0]) for kept, why in outcome.refused] == [
            ("01-100", "01-100 is sent to Practice ERP (Ready to Export)")
        ]
        assert item("01-100").is_active
        assert not item("01-200").is_active

    def test_another_companys_code_is_not_touched(self, segment: Segment) -> None:
        theirs = make_cost_code("01", segment=make_segment(make_company("Other Builders", "other-builders")))

        assert segment.set_active([theirs.pk], False, None).changed == 0
        assert segment.delete_items([theirs.pk], None).changed == 0


class TestDeleting:
    def test_a_code_that_was_never_sent_goes(self, segment: Segment) -> None:
        code = make_cost_code("01-100", "Supervision")

        assert segment.delete_items([code.pk], make_user("dora")).changed == 1
        assert codes_in_order() == ["01"]
        assert last_event() == ("code.deleted", "01-100", "Supervision", "")

    def test_a_code_that_was_ever_sent_stays(self, segment: Segment) -> None:
        code = make_cost_code("01-100")
        make_hold(code, Lock.NONE, Status.REJECTED)

        outcome = segment.delete_items([code.pk], None)

        assert outcome.changed == 0
        assert outcome.refused[0][1] == (
            "01-100 was sent to Practice ERP and belongs to its history. Deactivate it instead."
        )

    def test_a_division_goes_only_with_all_that_lies_below_it(self, segment: Segment) -> None:
        make_cost_code("01-100-1")
        make_cost_code("02-100")
        kept = make_hold(make_cost_code("03-100"), Lock.NONE, Status.REJECTED).item
        ids = [item(code).pk for code in ("01", "01-100", "01-100-1", "02", "03")]

        outcome = segment.delete_items([*ids, kept.pk], None)

        assert codes_in_order() == ["02", "02-100", "03", "03-100"]
        assert outcome.changed == 3
        assert {str(kept) for kept, _ in outcome.refused} == {"02", "03", "03-100"}


def test_items_that_are_added_at_once_are_found_by_their_guid(segment: Segment) -> None:
    segment.add_codes([NewCode(("01",), "Concrete")], "-", None)

    assert SegmentItem.objects.get(guid=item("01").guid) == item("01"), "as Django writes it"


def test_codes_sort_alike_on_every_database(segment: Segment) -> None:
    in_order = ["1", "1-5", "01", "01-2", "01-10", "01 A", "01 A-1", "2", "B", "B-1", "É"]
    for code in reversed(in_order):
        make_cost_code(code, segment=segment)

    assert codes_in_order() == in_order


def test_the_search_finds_text_in_code_and_description_whatever_the_case(segment: Segment) -> None:
    make_cost_code("01-100", "Décor & Straße", segment)
    make_cost_code("02-100", "100% pure_paint", segment)

    def found(text: str) -> list[str]:
        return [i.full_code for i in segment.items.matching(text)]

    assert found("DÉCOR") == ["01-100"]
    assert found("strasse") == ["01-100"]
    assert found("1-1") == ["01-100"]
    assert found("% PURE_") == ["02-100"]
    assert found("p_re") == []
    assert len(found("  ")) == 4


def test_companies_keep_their_own_segments() -> None:
    assert Company.objects.count() == 0
    make_cost_code("01", segment=Segment.of(make_company()))

    assert not Segment.of(make_company("Other Builders", "other-builders")).items.exists()
