from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.cost_codes import LIST
from tests.servers.programs import ROOT
from tests.wbs.lists import lists
from tests.wbs.lists.lists import checked, divisions, good
from wbs.lists.checking import Known

pytestmark = pytest.mark.once

OWN_LIST = ROOT / "wbs" / "sample" / "cost-codes.csv"


def problems(text: str, delimiter: str = "-", known: dict[str, Known] | None = None) -> dict[int, str]:
    return lists.problems(checked(f"code,description\n{text}", delimiter, known))


class TestChecking:
    def test_the_first_row_of_a_duplicate_is_good_and_later_ones_name_it(self) -> None:
        text = "code,description\nA-1,First\na-1,Second\nA-1,Third\n"

        assert good(checked(text)) == [("A|1", "First")]
        assert [(p.row, p.sentence) for p in checked(text).problems] == [
            (3, "Row 2 has the same code, A-1."),
            (4, "Row 2 has the same code."),
        ]

    def test_a_row_that_stays_out_takes_no_code_away_from_a_later_one(self) -> None:
        assert good(checked("code,description\n01,\n01,Good\n")) == [("01", "Good")]

    def test_codes_of_the_list_are_told_whatever_their_case(self) -> None:
        known = {"a-1": Known("a-1", description="First")}

        assert problems("A-1,Again\n", known=known) == {
            2: "a-1 is in the list already. It stays as it is. Description: “First” → “Again”."
        }

    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            (",No code", "The code is blank, and no codes stand below this text."),
            ("  ,No code", "The code is blank, and no codes stand below this text."),
            ("01-100,", "The description is blank."),
            ("01-100", "The description is blank."),
            ("1-2-3-4-5-6,x", "It has 6 tiers; 5 are possible."),
            ("01--100,x", "A tier is empty: “-” stands at an end, or twice in a row."),
            ("01-,x", "A tier is empty: “-” stands at an end, or twice in a row."),
            ("-100,x", "A tier is empty: “-” stands at an end, or twice in a row."),
            ('"01-1\n2",x', "The code contains a line break. Take it out. “Clean” makes “01-1 2” of it."),
            (
                "01,x\u200by",
                "The description contains an invisible character (U+200B). Take it out. “Clean” makes “xy” of it.",
            ),
            (f"{'x' * 101},x", "A code may have 100 characters; this one has 101. Shorten it."),
            (f"01,{'x' * 4096}", "A description may have 4,095 characters; this one has 4,096. Shorten it."),
            (f"{'-'.join(['x' * 99] * 3)},x", "The full code may have 255 characters; this one has 299. Shorten it."),
        ],
    )
    def test_what_breaks_a_rule_is_told_with_its_row(self, row: str, sentence: str) -> None:
        assert problems(f"99,fine\n{row}\n") == {3: sentence}

    @pytest.mark.parametrize(
        "code",
        [
            *("10-Jan", "1-Feb-26", "Mar-10", "3 Apr 2026", "1/2/2026", "01/02/26", "1.2.2026", "2026-02-01 00:00:00"),
            *("1.00E+05", "1E+05", "1,5E-7"),
        ],
    )
    def test_what_a_spreadsheet_made_of_a_code_is_told(self, code: str) -> None:
        assert "A spreadsheet made" in problems(f'"{code}",x\n')[2]

    @pytest.mark.parametrize("cell", ["#REF!", "#N/A", "#NAME?", "########", "#DIV/0!"])
    def test_a_broken_cell_is_told_in_either_column(self, cell: str) -> None:
        assert problems(f"{cell},x\n01,{cell}\n") == {
            2: f"The code was broken by a spreadsheet: {cell}. Write it again.",
            3: f"The description was broken by a spreadsheet: {cell}. Write it again.",
        }

    @pytest.mark.parametrize(
        ("code", "delimiter"),
        [
            *(("01-100", "-"), ("10-1", "-"), ("01E-100", "-"), ("DEC-100-1", "-"), ("2026-01-10", "-"), ("1E5", "-")),
            *(("1/2/2026", "/"), ("1.2.2026", "."), ("#1", "-"), ("A&B/C\\D", "-"), ("01:100", ":"), ("01 100", " ")),
        ],
    )
    def test_codes_that_only_look_a_little_damaged_are_good(self, code: str, delimiter: str) -> None:
        assert problems(f"{code},x\n", delimiter) == {}

    def test_blanks_at_the_ends_are_trimmed_and_told(self) -> None:
        result = checked("code,description\n 01 - 100 , Doors \n02,fine\n03,\u00a0Tiles\n")

        assert good(result)[0] == ("01|100", "Doors")
        assert [(note.row, note.sentence) for note in result.notes] == [
            (2, "Blanks at the ends were trimmed."),
            (4, "Blanks at the ends were trimmed."),
        ]


class TestDivisions:
    def test_missing_ones_are_made_once_above_all_that_needs_them(self) -> None:
        result = checked("code,description\n01-1-1,x\n01-1-2,y\n02-1,z\n03,Here\n03-1,x\n")

        assert divisions(result) == {"01": "Division 01", "01|1": "Division 01-1", "02": "Division 02"}

    def test_a_row_below_may_come_before_the_row_of_its_division(self) -> None:
        result = checked("code,description\n01-1,x\n01,The division\n")

        assert divisions(result) == {}
        assert result.good == 2

    def test_their_descriptions_can_be_given(self) -> None:
        result = checked("code,description\n01-1,x\n", names={"01": " General "})

        assert divisions(result) == {"01": "General"}

    def test_without_them_the_rows_stay_out_and_so_does_what_lies_below(self) -> None:
        result = checked("code,description\n01-1,x\n01-1-1,y\n02,z\n02-1,w\n", creates_divisions=False)

        assert good(result) == [("02", "z"), ("02|1", "w")]
        assert [p.sentence for p in result.problems] == [
            "Its division 01 is not in the list. Add it, or tick “Create missing divisions”.",
            "Its division 01-1 is not in the list. Add it, or tick “Create missing divisions”.",
        ]

    def test_a_code_under_a_closed_one_stays_out_and_so_does_what_lies_below(self) -> None:
        known = {"01": Known("01"), "01-1": Known("01-1", "01-1 is sent.")}

        result = checked("code,description\n01-1-1,x\n01-1-1-1,y\n01-2,fine\n", known=known)

        assert good(result) == [("01|2", "fine")]
        assert [(p.row, p.sentence) for p in result.problems] == [(2, "01-1 is sent."), (3, "01-1 is sent.")]

    def test_the_fingerprint_tells_whether_an_import_would_do_the_same(self) -> None:
        text = "code,description\n01-1,x\n02-1,y\n"

        assert checked(text).fingerprint == checked(text).fingerprint
        assert checked(text).fingerprint != checked(text, known={"02": Known("02")}).fingerprint
        assert checked(text).fingerprint != checked(text, known={"02-1": Known("02-1")}).fingerprint


class TestARealList:
    """The repository's own list, or another in its place: counted here by other means than the code under test."""

    @pytest.fixture
    def path(self) -> Path:
        return LIST

    def test_every_distinct_code_is_good_and_every_other_row_names_the_first(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        times = Counter(row["code"].strip().lower() for row in rows)
        above = {code.split("-")[0] for code in times if "-" in code}

        result = checked(path.read_bytes(), keeps_group_rows=True)

        assert result.good == len(times)
        assert len(result.problems) == len(rows) - len(times)
        assert set(map(str.lower, divisions(result))) == above - times.keys()
        for problem in result.problems:
            first = next(i for i, row in enumerate(rows) if row["code"].lower() == problem.code.lower())
            assert problem.sentence == f"Row {first + 2} has the same code."
        assert len(result.problems) > 0

    def test_the_own_list_is_like_real_ones(self) -> None:
        result = checked(OWN_LIST.read_bytes())
        text = OWN_LIST.read_text(encoding="utf-8")

        assert (result.good, len(divisions(result)), len(result.problems)) == (397, 11, 5)
        assert all(character in text for character in "&/\\\"'éÉ")
