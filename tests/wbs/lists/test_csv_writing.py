from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wbs.lists.lists import checked
from wbs.codes import clean, code_problem, description_problem, fold
from wbs.lists.csv_files import write_csv
from wbs.lists.csv_guard import guard, is_guarded

pytestmark = pytest.mark.once


def texts(*categories: str) -> st.SearchStrategy[str]:
    """Texts without characters of these categories, with all that spreadsheets and CSV stumble over."""
    stumbling = st.sampled_from("=+-@'\"',;\t 0123456789&/\\|éß＝")
    any_other = st.characters(exclude_categories=("Cs", *categories))
    return st.text(st.one_of(stumbling, any_other), min_size=1, max_size=30).map(clean)


TEXT = texts()
VISIBLE = texts("Cc", "Cf")  # the list refuses control and format characters
CODE = VISIBLE.filter(lambda text: not code_problem(text, "") and not text.startswith("#"))
HEADING = ["code", "description", "status"]
DESCRIPTION = VISIBLE.filter(lambda text: not description_problem(text) and not text.startswith("#"))


@given(st.dictionaries(CODE.map(fold), st.tuples(CODE, DESCRIPTION, st.booleans()), max_size=20))
def test_what_is_written_is_read_back_unchanged(items: dict[str, tuple[str, str, bool]]) -> None:
    distinct = {fold(code): (code, text, is_active) for code, text, is_active in items.values()}
    rows = list(distinct.values())

    texts = [(code, text, "Active" if is_active else "Inactive") for code, text, is_active in rows]

    result = checked(write_csv(HEADING, texts), "", takes_dates=True)

    damaged = {problem.row for problem in result.problems if "spreadsheet" in problem.sentence}
    assert len(damaged) == len(result.problems)
    expected = [row for number, row in enumerate(rows, start=2) if number not in damaged]
    found = sorted(result.new, key=lambda new: new.row)
    assert [(new.tiers[0], new.description, new.is_active) for new in found] == expected


@given(TEXT)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert guard(text)[:1] not in set("=+-@＝＋－＠\t\r")


@given(TEXT)
def test_the_guard_can_be_taken_away_again_exactly(text: str) -> None:
    assert is_guarded(guard(text)) == (guard(text) != text)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-01", "'-01"),
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("'-01", "''-01"),
        ("'tis", "'tis"),
        ("01-100", "01-100"),
    ],
)
def test_cells_that_a_spreadsheet_would_run_get_one_apostrophe(text: str, written: str) -> None:
    assert guard(text) == written


def test_the_file_is_plain_csv_with_a_bom() -> None:
    content = write_csv(["code", "description"], [("01", "General"), ("01-100", 'Block, 8"')])

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig") == 'code,description\r\n01,General\r\n01-100,"Block, 8"""\r\n'


def test_no_cell_of_any_column_is_a_formula() -> None:
    content = write_csv([*HEADING, "=Books"], [["-01", "@x", "Active", "=1+1"], ["01", "+", "", "'-4000 Sales"]])

    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [
        [*HEADING, "'=Books"],
        ["'-01", "'@x", "Active", "'=1+1"],
        ["01", "'+", "", "''-4000 Sales"],
    ]
