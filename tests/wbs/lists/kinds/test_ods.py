from __future__ import annotations

import pytest

from tests.wbs import binary_books as of
from tests.wbs.lists.grid_files import FIRST, HEADING, refusal
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once


class TestOds:
    def test_all_kinds_of_cells(self) -> None:
        cell = "<table:table-cell {}><text:p>{}</text:p></table:table-cell>".format
        rows = of.table_row(*HEADING) + of.table_row(
            of.number_cell(1100, "01-100"),
            cell('office:value-type="percentage" office:value="0.5"', "50%"),
            cell('office:value-type="date" office:date-value="2026-03-10"', "10. Mär"),
            cell('office:value-type="time" office:time-value="PT25H00M00S"', "25:00"),
            cell('office:value-type="boolean" office:boolean-value="true"', "WAHR"),
            of.number_cell(33030, "3.30E+04"),
            of.number_cell(5, "###"),
            '<table:table-cell office:value-type="float" office:value="7"/>',
            cell('office:value-type="string" calcext:value-type="error"', "#REF!"),
        )
        formulas = of.table_row(
            cell('table:formula="of:=1" office:value-type="float" office:value="7"', "007"),
            cell('table:formula="of:=1" office:value-type="string"', "14-100"),
            cell('table:formula="of:=1" office:value-type="date" office:date-value="2026-03-10"', "10-Mar"),
            '<table:table-cell table:formula="of:=1"/>',
            '<table:table-cell table:formula="of:=&quot;&quot;" office:value-type="string"/>',
            cell('table:formula="of:=1" office:value-type="string"', "Err:502"),
        )

        assert read_grid(of.ods(of.table(rows + formulas))).rows == [
            FIRST,
            [
                *(2, ["number", "01-100", "1100"], ["number", "50%", "0.5"], ["date", "10. Mär", "2026-03-10"]),
                *(["date", "25:00", "25:00:00"], "TRUE", ["unshown", "3.30E+04", "33030"], ["unshown", "###", "5"]),
                *(["number", "7", "7"], ["error", "#REF!", "#REF!"]),
            ],
            [
                *(3, ["formula", "007", "7"], ["formula", "14-100", "14-100"], ["date", "10-Mar", "2026-03-10"]),
                *(["formula", "", ""], "", ["error", "Err:502", "Err:502"]),
            ],
        ]

    def test_repeated_and_covered_cells_and_what_is_drawn_above_them(self) -> None:
        rows = (
            of.table_row("<table:table-cell/>", repeated=3)
            + of.table_row(
                '<table:table-cell table:number-columns-spanned="2"><text:p>Site</text:p></table:table-cell>',
                "<table:covered-table-cell/>",
                '<table:table-cell table:number-columns-repeated="2"><text:p>x</text:p></table:table-cell>',
                repeated=2,
            )
            + of.table_row(
                "<table:table-cell><office:annotation><text:p>note</text:p></office:annotation><text:p>a<text:s/>"
                '<text:s text:c="2"/><text:span>b</text:span>\n c</text:p><text:p>d<text:tab/>e</text:p>'
                "</table:table-cell>",
                '<table:table-cell table:number-columns-repeated="16383"/>',
            )
            + of.table_row("<table:table-cell/>", repeated=1_048_000)
        )

        grid = read_grid(of.ods(of.table(rows)))

        assert grid.rows == [
            [4, ["merged", "Site", ""], "", "x", "x"],
            [5, "Site", "", "x", "x"],
            [6, "a   b c\nd\te"],
        ]
        assert grid.notes == []

    def test_one_with_a_password_is_refused_with_what_to_do(self) -> None:
        parts = {"content.xml": b"secret", "META-INF/manifest.xml": b"<manifest:encryption-data/>"}

        assert "has a password" in refusal(of.packed(parts))
