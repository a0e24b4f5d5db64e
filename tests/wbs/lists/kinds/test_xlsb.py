from __future__ import annotations

import struct

import pytest

from tests.wbs import binary_books as of
from tests.wbs.lists.grid_files import FIRST, refusal
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once


class TestXlsb:
    def test_all_kinds_of_cells(self) -> None:
        one = struct.pack("<d", 1310)
        rows = (
            of.new_heading()
            + of.new_row(3)
            + of.new_cell(7, 1, struct.pack("<I", 1))
            + of.new_cell(5, 2, one, style=1)
            + of.new_cell(2, 3, struct.pack("<I", 1310 << 2 | 2), style=1)
            + of.new_cell(2, 4, struct.pack("<I", 110 << 2 | 3))
            + of.new_cell(2, 5, struct.pack("<i", -5 << 2 | 2))
            + of.new_cell(4, 6, b"\1")
            + of.new_cell(3, 7, bytes([42]))
            + of.new_cell(62, 9, b"\0" + of.new_text("rich"))
            + of.new_row(4)
            + of.new_cell(8, 1, of.new_text("14-100"))
            + of.new_cell(9, 2, struct.pack("<d", 46091), style=2)
            + of.new_cell(9, 3, one, style=1)
            + of.new_cell(10, 4, b"\0")
            + of.new_cell(11, 5, bytes([23]))
            + of.new_cell(1, 6, b"")
        )
        strings = of.new_record(19, b"\0" + of.new_text("x")) + of.new_record(19, b"\0" + of.new_text("Tür"))

        assert read_grid(of.xlsb(rows, strings, of.new_styles("00-000", "d-mmm"))).rows == [
            FIRST,
            [
                *(3, "Tür", ["number", "01-310", "1310"], ["number", "01-310", "1310"], ["number", "1.1", "1.1"]),
                *(["number", "-5", "-5"], "TRUE", ["error", "#N/A", "#N/A"], "", "rich"),
            ],
            [
                *(4, ["formula", "14-100", "14-100"], ["date", "10-Mar", "2026-03-10"], ["formula", "01-310", "1310"]),
                *(["formula", "FALSE", "FALSE"], ["error", "#REF!", "#REF!"]),
            ],
        ]

    def test_short_cells_stand_in_the_next_column(self) -> None:
        rows = (
            of.new_row(1)
            + of.new_cell(6, 2, of.new_text("a"))
            + of.new_short_cell(6, of.new_text("b"))
            + of.new_short_cell(1, b"")
            + of.new_short_cell(2, struct.pack("<I", 7 << 2 | 2), style=1)
            + of.new_short_cell(5, struct.pack("<d", 1.5))
        )

        assert read_grid(of.xlsb(rows, styles=of.new_styles("00"))).rows == [
            [1, "", "a", "b", "", ["number", "07", "7"], ["number", "1.5", "1.5"]]
        ]

    def test_merged_ranges_and_dates_from_1904(self) -> None:
        rows = of.new_heading() + of.new_row(2) + of.new_cell(2, 1, struct.pack("<I", 44629 << 2 | 2), style=1)
        merged = of.new_record(176, struct.pack("<4I", 0, 0, 0, 1)) + of.new_record(176, struct.pack("<4I", 0, 3, 1, 1))

        grid = read_grid(
            of.xlsb(rows, styles=of.new_styles("d-mmm"), after=merged, properties=of.new_record(153, b"\1\0\0\0"))
        )

        assert grid.rows == [[1, ["merged", "code", ""], "description"], [2, ["date", "10-Mar", "2026-03-10"]]]

    def test_a_damaged_one_is_refused(self) -> None:
        row = of.new_row(1)
        for rows in (
            row + b"\x07",
            row + of.new_cell(7, 1, bytes(4)),
            row + of.new_cell(5, 1, b"\0"),
            row + b"\x06\x7f",
        ):
            assert "damaged" in refusal(of.xlsb(rows)), rows
