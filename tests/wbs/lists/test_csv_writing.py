from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbs.codes import clean, code_problem, description_problem, fold
from wbs.lists.checking import check
from wbs.lists.csv_files import guard, read_csv, unguard, write_csv

pytestmark = pytest.mark.once


def texts(*categories: str) -> st.SearchStrategy[str]:
    """Texts without characters of these categories, with all that spreadsheets and CSV stumble over."""
    stumbling = st.sampled_from("=+-@'\"',;\t 0123456789&/\\|éß＝")
    any_other = st.characters(exclude_categories=("Cs", *categories))
    return st.text(st.one_of(stumbling, any_other), min_size=1, max_size=30).map(clean)


TEXT = texts()
VISIBLE = texts("Cc", "Cf")  # the list refuses control and format characters
CODE = VISIBLE.filter(lambda text: not code_problem(text, "") and not text.startswith("#"))
DESCRIPTION = VISIBLE.filter(lambda text: not description_problem(text) and not text.startswith("#"))


@given(st.dictionaries(CODE.map(fold), st.tuples(CODE, DESCRIPTION, st.booleans()), max_size=20))
def test_what_is_written_is_read_back_unchanged(items: dict[str, tuple[str, str, bool]]) -> None:
    distinct = {fold(code): (code, text, is_active) for code, text, is_active in items.values()}
    rows = list(distinct.values())

    result = check(read_csv(write_csv(rows)), "", {})

    damaged = {problem.row for problem in result.problems if "spreadsheet" in problem.sentence}
    assert len(damaged) == len(result.problems)
    expected = [row for number, row in enumerate(rows, start=2) if number not in damaged]
    assert [(new.tiers[0], new.description, new.is_active) for new in result.good] == expected


@given(TEXT)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert guard(text)[:1] not in set("=+-@＝＋－＠\t\r")


@given(TEXT)
def test_the_guard_is_taken_away_again_exactly(text: str) -> None:
    assert unguard(guard(text)) == text


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
    content = write_csv([("01", "General", True), ("01-100", 'Block, 8"', True)])

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig") == 'code,description\r\n01,General\r\n01-100,"Block, 8"""\r\n'


def test_the_status_is_written_only_when_something_is_inactive() -> None:
    content = write_csv([("01", "General", True), ("02", "Old", False)])

    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [["code", "description", "status"], ["01", "General", "Active"], ["02", "Old", "Inactive"]]
