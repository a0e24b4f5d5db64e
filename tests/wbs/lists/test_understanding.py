"""What is understood of a sheet: the row that names the columns, what they mean, patterns."""

from __future__ import annotations

import pytest

from tests.wbs.lists.lists import checked, divisions, good, problems, read
from wbs.lists.checking import Known
from wbs.lists.choices import Choices
from wbs.lists.headings import connection_of, meaning_of
from wbs.lists.layout import Layout, letters, looks_like_list
from wbs.lists.reading import read_grid
from wbs.lists.understanding import layout_of

pytestmark = pytest.mark.once


def layout(text: str, delimiter: str = "-", known: dict[str, Known] | None = None, **choices: object) -> Layout:
    return layout_of(read_grid(text.encode()), Choices(delimiter, **choices), known or {})  # type: ignore[arg-type]


class TestHeadings:
    @pytest.mark.parametrize(
        ("heading", "meaning"),
        [
            *(
                ("Cost Code", "code"),
                ("CODE NO.", "code"),
                ("costCode *", "code"),
                ("WBS-Code:", "code"),
                ("Nr.", "code"),
            ),
            *(("Cost Code\nDescription:", "description"), ("Item Name", "description"), ("Bezeichnung", "description")),
            *(("Active?", "status"), ("Archived", "status"), ("State", "status")),
            *(
                ("Income (Books of the North)", "income"),
                ("Revenue Account", "income"),
                ("GL Expense Account", "expense"),
            ),
            ("General Ledger Account - Expense (Optional)", "expense"),
            *(("Division Name", "division"), ("Cost Code Level 3", "tier3"), ("Tier 1", "tier1"), ("Ebene 2", "tier2")),
            *(("Unit", None), ("Ref", None), ("", None), ("Level 6", None), ("Notes (Books)", None)),
        ],
    )
    def test_a_heading_means_what_offices_mean_by_it(self, heading: str, meaning: str | None) -> None:
        found = meaning_of(heading)

        assert (found and found[0]) == meaning

    def test_an_account_column_may_name_its_connection(self) -> None:
        assert connection_of("Income Account (Books B)") == "Books B"
        assert connection_of("General Ledger Account - Expense (Optional)") == ""
        assert connection_of("Income") == ""

    def test_the_likelier_of_two_columns_is_taken(self) -> None:
        found = layout("Item,No,Cost Code,Description\n1,2,01-100,x\n")

        assert found.columns == {"code": 2, "description": 3}
        assert found.unused(()) == ["Item", "No"]

    def test_columns_are_called_as_spreadsheets_do(self) -> None:
        assert [letters(at) for at in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


class TestTheTable:
    def test_titles_and_blank_rows_above_are_passed_over(self) -> None:
        found = layout("Northgate Builders\n\nPrinted on 1 May\ncode,description\n01-100,x\n")

        assert found.heading == 4

    def test_headings_in_no_known_language_are_headings_and_columns_are_told_by_what_stands_in_them(self) -> None:
        found = layout("Kulupaikka,Selite\n01-100,Perustukset\n01-200,Runko\n")

        assert (found.heading, found.columns) == (1, {"code": 0, "description": 1})

    def test_a_list_without_headings_is_read_from_its_first_row_on(self) -> None:
        found = layout("01-100,Doors\n01-200,Windows\n")

        assert (found.heading, found.columns) == (0, {"code": 0, "description": 1})
        assert found.titles == ["Column A", "Column B"]
        assert good(checked("01-100,Doors\n01-200,Windows\n")) == [("01|100", "Doors"), ("01|200", "Windows")]

    def test_what_is_chosen_counts(self) -> None:
        text = "a,b,c\nx,01-100,Doors\n"

        found = layout(text, heading=1, columns={"code": 1, "description": 2})

        assert found.columns == {"code": 1, "description": 2}
        assert layout(text, heading=0).titles == ["Column A", "Column B", "Column C"]

    @pytest.mark.parametrize(
        ("text", "is_list"),
        [
            ("How to use this\nFill in the sheet\n", False),
            ("code,description\n", True),
            ("01-100,x\n01-200,y\n", True),
            ("Contact,Phone\nAnn,none\n", False),
        ],
    )
    def test_a_sheet_looks_like_a_list_or_not(self, text: str, is_list: bool) -> None:
        assert looks_like_list(read_grid(text.encode()).rows) is is_list


class TestSplitCodes:
    def test_tiers_that_repeat_a_whole_code_are_not_joined_to_it(self) -> None:
        text = "Level 1,Level 2,Cost Code,Description\n03,110,03-110,Formwork\n03,120,03-120,Rebar\n"

        assert good(checked(text)) == [("03|110", "Formwork"), ("03|120", "Rebar")]

    def test_tiers_and_a_code_that_is_a_part_are_joined(self) -> None:
        text = "Tier 1,Code,Description\nC,2.1,Walls\nC,2.2,Slabs\n"

        assert good(checked(text)) == [("C|2.1", "Walls"), ("C|2.2", "Slabs")]

    def test_a_blank_tier_above_one_that_is_not_is_a_problem(self) -> None:
        assert "Tier 2 is blank" in problems(checked("Tier 1,Tier 2,Tier 3,Description\n01,,05,x\n"))[2]

    def test_a_division_may_stand_alone_or_before_a_part_of_a_code_or_before_a_whole_one(self) -> None:
        text = "Division,Code,Description\n01,,General\n01,500,Fence\n01,01-600,Gate\n1,700,Sign\n"

        assert good(checked(text)) == [
            *(("01", "General"), ("01|500", "Fence"), ("01|600", "Gate")),
            ("1|700", "Sign"),
        ]

    def test_whole_codes_are_never_joined_with_a_kind_of_work(self) -> None:
        for name, kinds in (("Category", "LM"), ("Division", "LM"), ("Division", "12")):
            text = f"{name},Code,Description\n{kinds[0]},01-100,Super\n{kinds[1]},01-200,Concrete\n"

            assert good(checked(text)) == [("01|100", "Super"), ("01|200", "Concrete")]

    def test_names_that_go_across_divisions_name_none(self) -> None:
        text = "Division,Code,Description\nLabor,01-100,a\nMaterial,01-200,b\nLabor,02-100,c\nMaterial,02-200,d\n"

        assert divisions(checked(text)) == {"01": "Division 01", "02": "Division 02"}

    def test_a_division_that_stands_in_the_first_row_of_its_codes_alone_is_that_of_all(self) -> None:
        plan = checked("Division,Code,Description\n01,100,a\n,110,b\n02,100,c\n,110,d\n")

        assert [code for code, _ in good(plan)] == ["01|100", "01|110", "02|100", "02|110"]
        assert [note.row for note in plan.notes] == [3, 5]

    def test_a_division_with_code_and_name_is_taken_apart(self) -> None:
        plan = checked("Division,Code,Description\n01 - General,100,a\n02 Sitework,100,b\n")

        assert [code for code, _ in good(plan)] == ["01|100", "02|100"]
        assert divisions(plan) == {"01": "General", "02": "Sitework"}

    def test_levels_that_are_whole_each_are_not_joined(self) -> None:
        text = "Level 1,Level 2,Level 3,Description\n01,01-10,01-10-100,a\n01,01-10,,b\n"

        assert good(checked(text)) == [("01|10|100", "a"), ("01|10", "b")]

    def test_a_column_of_codes_that_is_called_division_is_that_of_codes(self) -> None:
        assert good(checked("Division,Title\n01-000,a\n01-100,b\n")) == [("01", "a"), ("01|100", "b")]

    def test_a_state_of_the_union_is_no_status(self) -> None:
        assert good(checked("Code,Description,State\n01-100,a,TX\n")) == [("01|100", "a")]

    def test_the_heading_on_another_page_is_no_code(self) -> None:
        plan = checked("Code,Description\n01-100,a\nCode,Description\n01-200,b\n")

        assert good(plan) == [("01|100", "a"), ("01|200", "b")]
        assert [note.row for note in plan.notes] == [3]

    def test_headings_with_numbers_are_headings(self) -> None:
        found = layout("Level 1,Level 1 Name,Level 2,Level 2 Name\n01,General,,\n01,General,100,Bond\n")

        assert (found.heading, found.columns["tier1"], found.columns["tier2"]) == (1, 0, 2)


class TestPatterns:
    TEXT = "code,description\n033000,Concrete\n034000,Precast\n"

    def test_codes_of_one_length_are_split_and_it_is_said_to_be_a_proposal(self) -> None:
        found = layout(self.TEXT)

        assert (found.pattern, found.is_pattern_proposed) == ("2-2-2", True)

    @pytest.mark.parametrize("choices", [{"pattern": ""}, {"delimiter": ""}])
    def test_not_when_somebody_says_otherwise(self, choices: dict[str, str]) -> None:
        assert layout(self.TEXT, **choices).pattern == ""

    def test_not_when_one_of_them_is_in_the_list_as_it_stands(self) -> None:
        assert layout(self.TEXT, known={"034000": Known("034000")}).pattern == ""

    @pytest.mark.parametrize("text", ["100,a\n200,b\n", "1000,a\n200,b\n", "A100,a\nA200,b\n", "1000,a\n"])
    def test_not_for_codes_that_only_look_a_little_like_it(self, text: str) -> None:
        assert layout(f"code,description\n{text}").pattern == ""

    def test_a_code_of_another_length_is_a_problem(self) -> None:
        found = checked(self.TEXT + "0350,Grout\n", pattern="2-2-2")

        assert "It has 4 characters; the pattern 2-2-2 wants 6." in problems(found)[4]


class TestRows:
    def test_more_cells_than_the_heading_are_a_problem_and_empty_ones_are_nothing(self) -> None:
        found = checked("code,description\n01-100,Doors, frames\n01-200,Windows,,\n")

        assert "“frames” is too many" in problems(found)[2]
        assert good(found) == [("01|200", "Windows")]

    @pytest.mark.parametrize(
        ("heading", "word", "is_active"),
        [
            *(("status", "Retired", False), ("status", "YES", True), ("status", "0", False), ("status", "", None)),
            *(("Active (Y/N)", "N", False), ("Actif", "Non", False), ("Active Flag", "0", False)),
            *(("archived", "yes", False), ("archived", "no", True), ("inactive", "Active", True)),
        ],
    )
    def test_a_status_is_understood_by_its_word_and_its_heading(
        self, heading: str, word: str, is_active: bool | None
    ) -> None:
        [entry] = read(f"code,description,{heading}\n01,x,{word}\n").entries

        assert entry.is_active is is_active

    def test_a_code_that_is_no_code_has_a_sentence(self) -> None:
        found = problems(checked("code,description\nTRUE,x\nwahr,x\n=1+1,x\n#N/A,x\n'=1+1,fine\n"))

        assert list(found) == [2, 3, 4, 5]
        assert "true or false" in found[2]
        assert "is a formula, and no code" in found[4]
