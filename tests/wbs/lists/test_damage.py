"""What spreadsheets make of codes, in the languages that Excel writes months in; and what "Clean" mends."""

from __future__ import annotations

import pytest

from tests.wbs.lists.lists import checked, good, problems, read
from wbs.lists.damage import MONTHS, damage_of

pytestmark = pytest.mark.once


@pytest.mark.parametrize("language", MONTHS)
def test_every_month_of_a_language_is_known_in_each_way_that_it_is_written(language: str) -> None:
    for month in MONTHS[language].split():
        for code in (f"10-{month}", f"10. {month.title()}", f"1 {month} 26", f"{month}-10", f"{month.upper()}. 2026"):
            assert damage_of(code, "-") == "a date", code


@pytest.mark.parametrize("code", ["02-SEW", "10-JAX", "MAR", "02-SEP-A", "03-110", "A-10", "01E5", "1E5", "2-100-10"])
def test_codes_that_only_sound_like_it_are_none(code: str) -> None:
    assert damage_of(code, "-") == ""


def test_each_is_a_problem_until_somebody_says_that_these_are_codes() -> None:
    text = "code,description\n02-SEP,Septic\n1.2.2026,Loose\n1.5E+03,Round\n01-100,fine\n"

    assert list(problems(checked(text))) == [2, 3, 4]
    assert read(text).dates == 3
    taken = checked(text, takes_dates=True)
    assert taken.problems == []
    assert ("1.2.2026", "Loose") in good(taken)


def test_no_advice_to_format_a_column_is_given_for_a_text() -> None:
    assert "Format" not in problems(checked("code,description\n02-SEP,x\n"))[2]


class TestClean:
    TEXT = (
        'code,description\n01–100,Dash\n\'01-200,Quote\n01-300.,Dot\n01-400,"Two\nlines"\n01-500,plain\n'
        '"=""01-600""",Formula\n'
    )

    def test_without_it_what_cannot_be_stored_is_told_with_what_it_would_become(self) -> None:
        found = problems(checked(self.TEXT))

        assert "which joins the tiers. “Clean” makes “01-100” of it." in found[2]
        assert "“Clean” makes “Two lines” of it." in found[5]
        assert "“Clean” makes “01-600” of it." in found[7]
        assert list(found) == [2, 5, 7]

    def test_with_it_all_of_a_kind_are_mended(self) -> None:
        plan = checked(self.TEXT, cleans=True)

        assert [code for code, _ in good(plan)] == [f"01|{number}00" for number in range(1, 7)]
        assert plan.problems == []

    def test_each_kind_has_an_example_of_before_and_after(self) -> None:
        assert read(self.TEXT).cleaned == {
            "Hyphens of another kind": [1, "01–100", "01-100"],
            "An apostrophe in front": [1, "'01-200", "01-200"],
            "A dot at the end": [1, "01-300.", "01-300"],
            "Line breaks and tabs": [1, "Two\nlines", "Two lines"],
            "A formula around the text": [1, '="01-600"', "01-600"],
        }
