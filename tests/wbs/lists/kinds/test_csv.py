from __future__ import annotations

from typing import Any

import pytest

from tests.wbs.lists.grid_files import FIRST, HEADING, refusal
from wbs.lists.bounds import MAX_BYTES
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once


class TestCsv:
    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_the_separator_is_found_below_title_lines(self, separator: str, end: str) -> None:
        lines = [
            "Our codes, 2026",
            "",
            *(separator.join(row) for row in (HEADING, ["01", '"a;b,c|d\te"'], ["02", '"x, y"'])),
        ]

        assert read_grid(end.join(lines).encode()).rows[-3:] == [
            [3, *HEADING],
            [4, "01", "a;b,c|d\te"],
            [5, "02", "x, y"],
        ]

    @pytest.mark.parametrize(
        ("content", "rows"),
        [
            (b"sep=;\r\na;b,c\r\n1;2\r\n", [[2, "a", "b,c"], [3, "1", "2"]]),
            (b'"sep=^"\na^b\n', [[2, "a", "b"]]),
            ("sep=\t\na\tb\n".encode("utf-16"), [[2, "a", "b"]]),
            (b"separate\n01\n", [[1, "separate"], [2, "01"]]),
        ],
    )
    def test_a_line_may_say_the_separator_and_is_no_row(self, content: bytes, rows: list[Any]) -> None:
        assert read_grid(content).rows == rows

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252"])
    def test_encodings_that_people_have(self, encoding: str) -> None:
        text = "code\tdescription\r\n01\tDécor – “fine”\r\n"
        content = (b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding)

        grid = read_grid(content)

        assert grid.rows == [FIRST, [2, "01", "Décor – “fine”"]]
        assert any("Windows-1252" in note for note in grid.notes) == (encoding == "cp1252")

    def test_a_file_of_one_column(self) -> None:
        assert read_grid(b"code\n01\n02\n").rows == [[1, "code"], [2, "01"], [3, "02"]]

    def test_cells_stay_as_they_are_but_for_our_own_apostrophe(self) -> None:
        content = b"""code,description\n'-01,'tis\n="01-800", 1.10 ,,\n1,2,3,4,,\n"a\nb",c\n,,\n \n"""

        assert read_grid(content).rows == [
            FIRST,
            [2, ["guarded", "-01", "'-01"], "'tis"],
            [3, '="01-800"', " 1.10 "],
            [4, "1", "2", "3", "4"],
            [5, "a\nb", "c"],
        ]

    def test_a_wrong_quotation_mark_costs_its_row_and_no_other(self) -> None:
        grid = read_grid(b'code,description\n01,fine\n02,"Block 8" high"\n03,fine too\n04,"never closed\n05,lost\n')

        assert grid.rows == [FIRST, [2, "01", "fine"], [4, "03", "fine too"]]
        assert [problem[:2] for problem in grid.problems] == [[3, '02,"Block 8" high"'], [5, '04,"never closed']]
        assert "written twice" in grid.problems[0][2]
        assert "never closed" in grid.problems[1][2]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty."),
            (b"\n \n", "The file is empty."),
            (b",,\n", "The file is empty."),
            (b"code,description\n01,\x81\xff\n", "neither UTF-8 nor Windows-1252"),
            (b"code\0,description\n", "not text"),
            (b"\xff\xfea", "damaged"),
            (b"<html><table>", "web page"),
            (b"\xef\xbb\xbf<?xml version='1.0'?>", "web page"),
            (b"x" * (MAX_BYTES + 1), "larger than 10 MB"),
            (b"1,x\n" * 100_002, "more than 100,000 rows"),
        ],
    )
    def test_what_cannot_be_read_is_refused_with_a_reason(self, content: bytes, sentence: str) -> None:
        assert sentence in refusal(content)
