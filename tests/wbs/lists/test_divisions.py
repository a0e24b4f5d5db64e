"""What a list calls its divisions, and which of its rows are one."""

from __future__ import annotations

import pytest

from tests.wbs.lists.lists import checked, divisions, good, problems
from wbs.lists.checking import Known

pytestmark = pytest.mark.once


def listed(*rows: str) -> str:
    return "code,description\n" + "".join(f"{row}\n" for row in rows)


class TestGroupRows:
    def test_a_row_of_zeros_is_the_division_of_the_codes_below_it(self) -> None:
        plan = checked(listed("01-0000,General", "01-0010,Bond", "02-0010,Sitework"))

        assert good(plan) == [("01", "General"), ("01|0010", "Bond"), ("02|0010", "Sitework")]
        assert plan.group_rows == [2]

    def test_or_a_code_besides_if_somebody_says_so(self) -> None:
        plan = checked(listed("01-0000,General", "01-0010,Bond"), keeps_group_rows=True)

        assert good(plan) == [("01|0000", "General"), ("01|0010", "Bond")]
        assert divisions(plan) == {"01": "General"}

    def test_not_when_nothing_else_lies_below_but_then_it_has_the_best_name_for_what_is_above(self) -> None:
        plan = checked(listed("03-11-00,Forming", "03-20-10,Bars"))

        assert ("03|11|00", "Forming") in good(plan)
        assert divisions(plan) == {"03": "Division 03", "03|11": "Forming", "03|20": "Division 03-20"}

    def test_not_when_the_division_has_a_row_of_its_own(self) -> None:
        plan = checked(listed("01,General Conditions", "01-000,General", "01-100,Bond"))

        assert good(plan) == [("01", "General Conditions"), ("01|000", "General"), ("01|100", "Bond")]

    def test_not_for_a_single_zero(self) -> None:
        assert ("01|0", "Nought") in good(checked(listed("01-0,Nought", "01-1,One")))

    def test_nor_for_one_that_is_a_code_of_the_list_already(self) -> None:
        known = {"01": Known("01", description="General"), "01-000": Known("01-000", description="Old")}

        plan = checked(listed("01-000,Old", "01-100,New"), known=known)

        assert good(plan) == [("01|100", "New")]
        assert [row for row, *_ in plan.unchanged] == [2]

    def test_twice_is_the_same_code(self) -> None:
        plan = checked(listed("03 00 00,Concrete", "03 00,Again", "03 11 13,Forms"), " ")

        assert problems(plan) == {3: "Row 2 has the same code."}


class TestTextsAboveCodes:
    def test_each_names_the_division_of_the_codes_up_to_the_next(self) -> None:
        plan = checked(listed(",Openings", "08-310,Doors", "08-410,Storefronts", ",Finishes", "09-210,Plaster"))

        assert divisions(plan) == {"08": "Openings", "09": "Finishes"}
        assert plan.problems == []

    def test_two_on_top_of_each_other_name_two_tiers(self) -> None:
        plan = checked(listed(",Structure", ",Foundations", "03-10-05,Footings", ",Slabs", "03-20-01,On grade"))

        assert divisions(plan) == {"03": "Structure", "03|10": "Foundations", "03|20": "Slabs"}

    def test_one_that_is_repeated_after_a_page_break_names_nothing_new(self) -> None:
        plan = checked(listed(",Openings", "08-310,Doors", ",Openings (continued)", "08-410,Storefronts"))

        assert divisions(plan) == {"08": "Openings"}
        assert plan.problems == []

    def test_one_above_several_divisions_names_none_and_that_is_said(self) -> None:
        plan = checked(listed(",PART A", "31-100,Clearing", "32-100,Asphalt"))

        assert divisions(plan) == {"31": "Division 31", "32": "Division 32"}
        assert [(note.row, note.sentence) for note in plan.notes] == [
            (2, "It is no code and names no division: passed over.")
        ]

    def test_the_rest_of_a_text_between_codes_of_one_division_names_nothing(self) -> None:
        plan = checked(listed("01-100,Superintendent with", ",truck and phone", "01-110,Engineer"))

        assert divisions(plan) == {"01": "Division 01"}
        assert [note.row for note in plan.notes] == [3]

    def test_each_that_names_a_division_is_told(self) -> None:
        [note] = checked(listed(",Openings", "08-310,Doors")).notes

        assert (note.row, note.code, note.sentence) == (2, "Openings", "It names the division 08.")

    @pytest.mark.parametrize("row", [",Subtotal Sitework", "Total: 6 codes,", "Grand Total,Division 01", "Summe,"])
    def test_a_total_is_no_heading_and_no_code(self, row: str) -> None:
        plan = checked(listed("02-100,Survey", row, "03-100,Forms"))

        assert "is a total" in problems(plan)[3]
        assert divisions(plan) == {"02": "Division 02", "03": "Division 03"}

    def test_one_with_a_number_may_stand_in_the_column_of_codes(self) -> None:
        plan = checked(listed("Division 3: Concrete,", "03-100,Forms"))

        assert divisions(plan) == {"03": "Division 3: Concrete"}

    def test_a_title_above_a_text_is_passed_over(self) -> None:
        plan = checked(listed(",Standard list", ",Openings", "08-310,Doors"))

        assert divisions(plan) == {"08": "Openings"}

    def test_a_text_in_the_column_of_codes_is_one_too(self) -> None:
        plan = checked(listed("GENERAL REQUIREMENTS,", "01-100,Bond"))

        assert divisions(plan) == {"01": "GENERAL REQUIREMENTS"}

    def test_one_with_nothing_below_is_a_problem(self) -> None:
        assert list(problems(checked(listed("08-310,Doors", ",Last words")))) == [3]

    def test_in_a_flat_list_each_is(self) -> None:
        assert list(problems(checked(listed(",Openings", "310,Doors"), ""))) == [2]


class TestColumnOfNames:
    TEXT = "Code,Description,Division\n03-110,Formwork,Concrete\n03-200,Rebar,\n05-120,Steel,Metals\n"

    def test_it_names_the_divisions_of_codes_that_are_whole(self) -> None:
        plan = checked(self.TEXT)

        assert divisions(plan) == {"03": "Concrete", "05": "Metals"}
        assert good(plan)[0] == ("03|110", "Formwork")

    def test_a_name_that_was_typed_comes_first(self) -> None:
        assert divisions(checked(self.TEXT, names={"05": "Steelwork"}))["05"] == "Steelwork"
