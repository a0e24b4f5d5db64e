from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbs.codes import (
    MAX_FULL_CODE_KEY,
    clean,
    cleaned_code,
    cleaned_text,
    code_key,
    code_problem,
    description_problem,
    fold,
    full_code_problem,
    order_key,
)

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
        ("1\u28000", "The code contains an invisible character (U+2800). Take it out."),
        ("\ufe0f", "The code contains an invisible character (U+FE0F). Take it out."),
        ("x" * 101, "A code may have 100 characters; this one has 101. Shorten it."),
    ],
)
def test_a_bad_code_is_told_in_words(code: str, sentence: str) -> None:
    assert code_problem(code, "-") == sentence


@pytest.mark.parametrize("hyphen", "‐‑‒–—―−﹘﹣－")
def test_hyphens_of_any_kind_read_alike(hyphen: str) -> None:
    assert code_key(f"01{hyphen}100") == "01-100"
    assert cleaned_code(f"01{hyphen}100") == "01-100"
    assert cleaned_text(f"01{hyphen}100") == f"01{hyphen}100", "a dash belongs to a sentence"


@pytest.mark.parametrize(
    "blank", ["\t", "\r\n", *"\x85\xa0\u1680\u2000\u2007\u2009\u200a\u2028\u202f\u205f\u3000\u3164\u2800"]
)
def test_blanks_of_any_kind_read_alike(blank: str) -> None:
    assert code_key(f"01{blank} {blank}2É") == "01 2é"
    assert cleaned_code(f"{blank}01{blank} 2") == cleaned_text(f"{blank}01 {blank}2") == "01 2"


@pytest.mark.parametrize("unseen", "\xad\u200b\u200d\u202e\u2060\ufeff")
def test_what_nobody_sees_does_not_count(unseen: str) -> None:
    assert code_key(f"01{unseen}00") == cleaned_code(f"01{unseen}00") == cleaned_text(f"01{unseen}00") == "0100"


@pytest.mark.parametrize(("one", "other"), [("m²", "m2"), ("½", "1/2"), ("É", "E"), ("01", "1"), ("Ø1", "01")])
def test_what_can_be_told_apart_is_no_look_alike(one: str, other: str) -> None:
    assert code_key(one) != code_key(other)


def test_the_key_of_a_key_is_itself_and_no_longer_than_what_was_stored_for_every_sign() -> None:
    """Of the planes that have letters; others fold to themselves."""
    for number in (*range(0xD800), *range(0xE000, 0x12000), *range(0x1D000, 0x20000), *range(0xE0000, 0xE0200)):
        text = f"a{chr(number)}b"
        key = code_key(text)
        assert code_key(key) == code_key(fold(text)) == key, hex(number)
        assert len(key) <= len(fold(text)), hex(number)


@given(st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from("-./ :"))
def test_cleaning_twice_is_cleaning_once(text: str, delimiter: str) -> None:
    once = cleaned_code(text, delimiter)

    assert cleaned_code(once, delimiter) == once
    assert cleaned_text(cleaned_text(text)) == cleaned_text(text)
    assert "contains" not in description_problem(cleaned_text(text))


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ('="01-100"', "01-100"),
        ('="6"" pipe"', '6" pipe'),
        ("'01-100", "01-100"),
        ("’01", "01"),
        ("01-100.", "01-100"),
        ("01 -  100", "01-100"),
        ("01 –\n100", "01-100"),
        ("a  b", "a b"),
        ("...", "..."),
        ("'", "'"),
        ("\x07 01", "01"),
        ("A’1", "A’1"),
    ],
)
def test_a_code_is_cleaned(text: str, after: str) -> None:
    assert cleaned_code(text, "-") == after


def test_blanks_stay_where_they_join_the_tiers() -> None:
    assert cleaned_code("01 \xa0100.", " ") == "01 100"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("Concrete  walls - “1’”", "Concrete  walls - “1’”"),
        ("Concrete  \n walls  2", "Concrete walls  2"),
        ("Con\u200bcrete\x00", "Concrete"),
        ("❤\ufe0f", "❤\ufe0f"),
        ('\'="1".', '\'="1".'),
    ],
)
def test_a_description_is_cleaned_and_keeps_what_somebody_typed(text: str, after: str) -> None:
    assert cleaned_text(text) == after


@pytest.mark.parametrize("code", ["100", "A&E", "a/b", "c\\d", '6"', "É", "=1", "x" * 100])
def test_codes_may_hold_what_real_lists_hold(code: str) -> None:
    assert code_problem(code, "-") == ""


def test_a_flat_code_may_contain_anything_that_joins_tiers_elsewhere() -> None:
    assert code_problem("01-100", "") == ""


def test_a_full_code_is_measured_as_it_is_stored() -> None:
    assert full_code_problem("x" * 255) == ""
    assert "256" in full_code_problem("x" * 256)
    assert full_code_problem("ß" * (MAX_FULL_CODE_KEY // 2 + 1))  # folded, each is "ss"


def test_a_description_is_needed_and_limited() -> None:
    assert description_problem("") == "Write a description."
    assert description_problem("x" * 4095) == ""
    assert "4,096" in description_problem("x" * 4096)
