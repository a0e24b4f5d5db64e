from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openpyxl import Workbook

from tests.wbs import binary_books as of
from tests.wbs.lists.grid_files import FIRST, HEADING, refusal, saved, xlsx
from wbs.lists import bounds
from wbs.lists.bounds import UnreadableFile
from wbs.lists.kinds import books
from wbs.lists.reading import count_rows, read_grid

pytestmark = pytest.mark.once


def two_sheets(kind: str, state: str) -> bytes:
    """A cover, then a list; the cover may be hidden."""
    if kind == "xlsx":
        book = Workbook()
        book.active.title, book.active.sheet_state = "Cover", state
        book.active.append(["Only words"])
        book.create_sheet("List").append(HEADING)
        book["List"].append(["01", "x"])
        return saved(book)
    hidden = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    cover = of.table(of.table_row("Only words"), "Cover", "ta1" if state == "visible" else "ta2")
    return of.ods(cover, of.table(of.table_row(*HEADING) + of.table_row("01", "x"), "List"), before=hidden.encode())


class TestSheets:
    @pytest.mark.parametrize("kind", ["xlsx", "ods"])
    @pytest.mark.parametrize("state", ["visible", "hidden"])
    def test_the_first_visible_one_that_looks_like_a_list_is_proposed(self, kind: str, state: str) -> None:
        grid = read_grid(two_sheets(kind, state))

        assert grid.rows == [FIRST, [2, "01", "x"]]
        assert grid.sheets == [["Cover", state == "visible"], ["List", True]]
        assert grid.sheet == 1

    @pytest.mark.parametrize("kind", ["xlsx", "ods"])
    def test_any_can_be_chosen(self, kind: str) -> None:
        grid = read_grid(two_sheets(kind, "hidden"), 0)

        assert (grid.rows, grid.sheet) == ([[1, "Only words"]], 0)
        with pytest.raises(UnreadableFile, match="no such sheet"):
            read_grid(two_sheets(kind, "hidden"), 2)

    def test_hidden_ones_of_binary_workbooks_are_told(self) -> None:
        sheets = [("A", 1), ("B", 0), ("C", 2)]

        assert read_grid(of.xlsb(sheets=sheets)).sheets == [["A", False], ["B", True], ["C", False]]
        grid = read_grid(of.xls(of.label(1, 1, "x"), sheets=sheets))
        assert (grid.sheets, grid.sheet) == ([["A", False], ["B", True], ["C", False]], 1)

    def test_where_none_looks_like_a_list_the_first_with_anything_in_it_is_proposed(self) -> None:
        book = Workbook()
        book.create_sheet("Words").append(["Only words"])
        book.create_sheet("More").append(["More words"])

        assert read_grid(saved(book)).sheet == 1

    def test_an_empty_sheet_beside_others_is_an_empty_grid(self) -> None:
        book = Workbook()
        book.create_sheet("Words").append(["Only words"])

        assert read_grid(saved(book), 0).rows == []
        assert refusal(saved(Workbook())) == "The file is empty."


@pytest.mark.parametrize(
    "build",
    [
        lambda: xlsx(HEADING, *[["01", "x"]] * 99),
        lambda: of.xls(b"".join(of.record(0x208, bytes(16)) for _ in range(100))),
        lambda: of.ods(of.table(of.table_row(*HEADING) * 100)),
        lambda: b"code,description\n" * 100,
        lambda: "code,description\n".encode("utf-16") * 100,
    ],
)
def test_rows_are_counted_at_a_glance(build: Callable[[], bytes]) -> None:
    assert count_rows(build()) == 100


def test_rows_of_a_binary_workbook_are_guessed() -> None:
    row = of.new_cell(7, 1, bytes(4)) * 4

    assert 70 < count_rows(of.xlsb(b"".join(of.new_row(at) + row for at in range(1, 101)))) < 130


def test_it_tells_of_every_row_how_many_were_read_before_it() -> None:
    told: list[int] = []

    read_grid(xlsx(HEADING, *[["01", "x"]] * 3), tell=told.append)

    assert told == [0, 1, 2, 3]


def test_a_text_that_spans_no_cell_marks_nothing() -> None:
    rows: list[list[Any]] = [[1, "a", ["number", "1", "1"]], [3, "b"]]

    books.mark_merged(rows, {(1, 1), (1, 2), (1, 3), (2, 1), (3, 5)})

    assert rows == [[1, ["merged", "a", ""], ["number", "1", "1"]], [3, "b"]]
    assert bounds.MAX_ROWS == 100_000
