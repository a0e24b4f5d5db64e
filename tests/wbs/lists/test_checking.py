from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.cost_codes import LIST
from tests.servers.programs import ROOT
from wbs.lists.checking import Check, Known, check
from wbs.lists.csv_files import read_csv

pytestmark = pytest.mark.once

OWN_LIST = ROOT / "wbs" / "sample" / "cost-codes.csv"


def checked(text: str, delimiter: str = "-", known: dict[str, Known] | None = None, creates: bool = True) -> Check:
    return check(read_csv(text.encode()), delimiter, known or {}, creates_divisions=creates)


def problems(text: str, delimiter: str = "-", known: dict[str, Known] | None = None) -> dict[int, str]:
    result = checked(f"code,description\n{text}", delimiter, known)
    return {problem.row: problem.sentence for problem in result.problems}


def good(result: Check) -> list[tuple[str, str]]:
    return [("|".join(new.tiers), new.description) for new in result.good]


class TestChecking:
    def test_the_first_row_of_a_duplicate_is_good_and_later_ones_name_it(self) -> None:
        text = "code,description\nA-1,First\na-1,Second\nA-1,Third\n"

        assert good(checked(text)) == [("A|1", "First")]
        assert [(p.row, p.sentence) for p in checked(text).problems] == [
            (3, "Row 2 has the same code."),
            (4, "Row 2 has the same code."),
        ]

    def test_a_row_that_stays_out_takes_no_code_away_from_a_later_one(self) -> None:
        assert good(checked("code,description\n01,\n01,Good\n")) == [("01", "Good")]

    def test_codes_of_the_list_are_told_whatever_their_case(self) -> None:
        known = {"a-1": Known("a-1")}

        assert problems("A-1,Again\n", known=known) == {2: "a-1 is in the list already."}

    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            (",No code", "The code is blank."),
            ("  ,No code", "The code is blank."),
            ("01-100,", "The description is blank."),
            ("01-100", "The description is blank."),
            ("1-2-3-4-5-6,x", "It has 6 tiers; 5 are possible."),
            ("01--100,x", "A tier is empty: “-” stands at an end, or twice in a row."),
            ("01-,x", "A tier is empty: “-” stands at an end, or twice in a row."),
            ("-100,x", "A tier is empty: “-” stands at an end, or twice in a row."),
            ('"01-1\n2",x', "The code contains a line break. Take it out."),
            ("01-1\x07,x", "The code contains an invisible character (U+0007). Take it out."),
            ("01,x\u200by", "The description contains an invisible character (U+200B). Take it out."),
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
            2: f"The code was broken by a spreadsheet: {cell}.",
            3: f"The description was broken by a spreadsheet: {cell}.",
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
        assert result.notes == ["Blanks at the ends were trimmed. Rows: 2, 4."]

    def test_a_list_without_the_delimiter_is_wondered_about(self) -> None:
        assert "Is another delimiter meant?" in checked("code,description\n01-100,x\n", ".").notes[0]
        assert checked("code,description\n01-100,x\n", "").notes == []


class TestDivisions:
    def test_missing_ones_are_made_once_above_all_that_needs_them(self) -> None:
        result = checked("code,description\n01-1-1,x\n01-1-2,y\n02-1,z\n03,Here\n03-1,x\n")

        made = [("|".join(new.tiers), new.description) for new in result.divisions]
        assert sorted(made) == [("01", "Division 01"), ("01|1", "Division 01-1"), ("02", "Division 02")]

    def test_a_row_below_may_come_before_the_row_of_its_division(self) -> None:
        result = checked("code,description\n01-1,x\n01,The division\n")

        assert result.divisions == []
        assert len(result.good) == 2

    def test_their_descriptions_can_be_given(self) -> None:
        sheet = read_csv(b"code,description\n01-1,x\n")

        result = check(sheet, "-", {}, division_names={"01": " General "})

        assert result.divisions[0].description == "General"

    def test_without_them_the_rows_stay_out_and_so_does_what_lies_below(self) -> None:
        result = checked("code,description\n01-1,x\n01-1-1,y\n02,z\n02-1,w\n", creates=False)

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
        divisions = {code.split("-")[0] for code in times if "-" in code}

        result = check(read_csv(path.read_bytes()), "-", {})

        assert len(result.good) == len(times)
        assert len(result.problems) == len(rows) - len(times)
        assert {new.tiers[0].lower() for new in result.divisions} == divisions - times.keys()
        for problem in result.problems:
            first = next(i for i, row in enumerate(rows) if row["code"].lower() == problem.code.lower())
            assert problem.sentence == f"Row {first + 2} has the same code."
        assert len(result.problems) > 0

    def test_the_own_list_is_like_real_ones(self) -> None:
        result = check(read_csv(OWN_LIST.read_bytes()), "-", {})
        text = OWN_LIST.read_text(encoding="utf-8")

        assert (len(result.good), len(result.divisions), len(result.problems)) == (397, 11, 5)
        assert all(character in text for character in "&/\\\"'éÉ")
