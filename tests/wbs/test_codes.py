from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbs.codes import clean, code_problem, description_problem, fold, full_code_problem, order_key

pytestmark = pytest.mark.once


def test_blanks_at_the_ends_go_and_accents_are_composed() -> None:
    assert clean("\u00a0 Cafe\u0301 \n") == "Café"


def test_codes_that_differ_by_case_or_spelling_of_an_accent_fold_alike() -> None:
    assert fold("01-Straße") == fold("01-STRASSE")
    assert fold("e\u0301") == fold("É")


def test_a_division_comes_directly_before_what_lies_below_it() -> None:
    in_order = ["1", "1-5", "01", "01-2", "01-10", "01-10-1", "01 A", "01 A-1", "1.5", "2", "10", "A", "a-1", "B"]

    assert sorted(set(in_order), key=lambda code: order_key(tuple(code.split("-")))) == in_order


def test_tiers_sort_by_number_before_letter_case() -> None:
    assert order_key(("a2",)) < order_key(("A10",))


@given(st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=1, max_size=40), max_size=5))
def test_what_lies_below_sorts_after_its_division_and_before_the_next(tiers: list[str]) -> None:
    above, below = order_key(tuple(tiers)), order_key((*tiers, "x"))

    assert above <= below
    if tiers:
        assert below < order_key((*tiers[:-1], f"{tiers[-1]}0")) or "0" in tiers[-1] or tiers[-1][-1:].isdigit()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("", "Write a code."),
        ("01-100", "A code may not contain “-”, which joins the tiers. Choose its division under Parent."),
        ("1\u200b0", "The code contains an invisible character (U+200B). Take it out."),
        ("1\x000", "The code contains an invisible character (U+0000). Take it out."),
        ("1\t0", "The code contains a tab. Take it out."),
        ("1\n0", "The code contains a line break. Take it out."),
        ("\u202e01", "The code contains an invisible character (U+202E). Take it out."),
        ("x" * 101, "A code may have 100 characters; this one has 101. Shorten it."),
    ],
)
def test_a_bad_code_is_told_in_words(code: str, sentence: str) -> None:
    assert code_problem(code, "-") == sentence


@pytest.mark.parametrize("code", ["100", "A&E", "a/b", "c\\d", '6"', "É", "=1", "x" * 100])
def test_codes_may_hold_what_real_lists_hold(code: str) -> None:
    assert code_problem(code, "-") == ""


def test_a_flat_code_may_contain_anything_that_joins_tiers_elsewhere() -> None:
    assert code_problem("01-100", "") == ""


def test_a_full_code_is_measured_as_it_is_stored() -> None:
    assert full_code_problem("x" * 255) == ""
    assert "256" in full_code_problem("x" * 256)
    assert full_code_problem("ß" * 151)  # folded, each is "ss"


def test_a_description_is_needed_and_limited() -> None:
    assert description_problem("") == "Write a description."
    assert description_problem("x" * 4095) == ""
    assert "4,096" in description_problem("x" * 4096)
