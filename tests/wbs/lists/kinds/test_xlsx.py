from __future__ import annotations

from datetime import date, datetime, time

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from tests.wbs import hostile
from tests.wbs.lists.grid_files import FIRST, HEADING, SHEET, by_hand, refusal, saved, xlsx
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once

STRICT = b"http://purl.oclc.org/ooxml/"
NOON = datetime(2026, 3, 10, 12)  # noqa: DTZ001 - a spreadsheet knows no time zone


class TestXlsx:
    def test_rows_bear_the_numbers_of_the_spreadsheet_and_no_empty_cells_at_their_ends(self) -> None:
        grid = read_grid(xlsx([], HEADING, [], ["01", None, "x", None], [None, "y"]))

        assert grid.rows == [[2, *HEADING], [4, "01", "", "x"], [5, "", "y"]]
        assert (grid.sheets, grid.sheet, grid.notes, grid.problems) == ([["Sheet", True]], 0, [], [])

    def test_numbers_are_what_they_show_and_what_they_are(self) -> None:
        codes = {"A1": "00-000", "B1": "0.00", "C1": "General", "D1": "0.00E+00", "E1": "@"}

        grid = read_grid(xlsx([1310, 1.1, 100.0, 33030, 7], formats=codes))

        assert grid.rows == [
            [
                1,
                ["number", "01-310", "1310"],
                ["number", "1.10", "1.1"],
                ["number", "100", "100"],
                ["unshown", "3.30E+04", "33030"],
                ["number", "7", "7"],
            ]
        ]

    def test_dates_truths_and_errors(self) -> None:
        content = xlsx([date(2026, 3, 10), NOON, time(1, 30), True, "#N/A"], formats={"A1": "d-mmm", "B1": "yyyy"})

        assert read_grid(content).rows == [
            [
                1,
                ["date", "10-Mar", "2026-03-10"],
                ["date", "2026", "2026-03-10 12:00:00"],
                ["date", "1:30:00", "01:30:00"],
                "TRUE",
                ["error", "#N/A", "#N/A"],
            ]
        ]

    def test_a_formula_gives_its_stored_value(self) -> None:
        rows = (
            '<row r="1"><c r="A1" t="str"><f>B1</f><v>14-100</v></c><c r="B1" s="1"><f>1+1</f><v>46091</v></c></row>'
            '<row r="2"><c r="A2"><f>1</f><v>7</v></c><c r="B2" t="e"><f>X</f><v>#REF!</v></c></row>'
            '<row r="3"><c r="A3"><f>1</f></c><c r="B3" t="str"><f>""</f><v></v></c><c r="C3"><f/><v></v></c></row>'
        )
        styles = hostile.styles(b'<xf numFmtId="16"/>')

        assert read_grid(by_hand(rows, styles=styles)).rows == [
            [1, ["formula", "14-100", "14-100"], ["date", "10-Mar", "2026-03-10"]],
            [2, ["formula", "7", "7"], ["error", "#REF!", "#REF!"]],
            [3, ["formula", "", ""], "", ["formula", "", ""]],
        ]

    def test_formulas_that_were_never_calculated_have_no_value(self) -> None:
        book = Workbook()
        book.active.append(["=1+1", "x"])
        book.active["A2"] = ArrayFormula("A2:A3", "=B4:B5")
        book.active["A3"], book.active["A3"].data_type = "=2", "s"

        assert read_grid(saved(book)).rows == [[1, ["formula", "", ""], "x"], [2, ["formula", "", ""]], [3, "=2"]]

    def test_merged_ranges_of_several_columns_are_told(self) -> None:
        book = Workbook()
        for row in (HEADING, ["Sitework"], ["32-110", "Paving"], ["tall"], []):
            book.active.append(row)
        book.active.merge_cells("A2:C2")
        book.active.merge_cells("A4:A5")

        assert read_grid(saved(book)).rows == [
            [1, *HEADING],
            [2, ["merged", "Sitework", ""]],
            [3, "32-110", "Paving"],
            [4, "tall"],
        ]

    def test_escapes_are_decoded_wherever_they_stand(self) -> None:
        rows = (
            '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>a_x000D_b</t></is></c>'
            '<c r="C1" t="str"><f>1</f><v>_x0041_</v></c></row>'
        )

        grid = read_grid(by_hand(rows, "<si><t>_x005F_x0041_ &amp; _x000A_ _xD83D__xDE00_ _xDE00_</t></si>"))

        assert grid.rows == [[1, "_x0041_ & \n \U0001f600 \ufffd", "a\rb", ["formula", "A", "A"]]]

    def test_strict_workbooks_write_dates_as_such(self) -> None:
        rows = (
            '<row r="1"><c r="A1" s="1" t="d"><v>2026-03-10T00:00:00</v></c><c r="B1" t="d"><v>2026-03-10</v></c></row>'
        )

        assert read_grid(by_hand(rows, styles=hostile.styles(b'<xf numFmtId="16"/>'))).rows == [
            [1, ["date", "10-Mar", "2026-03-10"], ["date", "2026-03-10", "2026-03-10"]]
        ]

    def test_strict_workbooks_have_other_names_for_the_same(self) -> None:
        changed = {
            name: part.replace(
                b"http://schemas.openxmlformats.org/officeDocument/2006", STRICT + b"officeDocument"
            ).replace(b"http://schemas.openxmlformats.org/spreadsheetml/2006/main", STRICT + b"spreadsheetml/main")
            for name, part in {
                "_rels/.rels": hostile.relations().split(b"<Relationship ")[0]
                + b'<Relationship Id="rId1" Target="xl/workbook.xml" '
                b'Type="%sofficeDocument/relationships/officeDocument"/>'
                b"</Relationships>" % STRICT,
                "xl/workbook.xml": hostile.contents(),
                "xl/_rels/workbook.xml.rels": hostile.relations(),
                "xl/sharedStrings.xml": hostile.strings(),
                SHEET: hostile.sheet(),
            }.items()
        }

        assert read_grid(hostile.package(changed)).rows == [FIRST, [2, "01", "Text"]]

    def test_dates_are_counted_from_1904_where_the_workbook_says_so(self) -> None:
        styles = hostile.styles(b'<xf numFmtId="16"/>')
        parts = {
            SHEET: hostile.sheet(b'<row r="1"><c r="A1" s="1"><v>44629</v></c></row>'),
            "xl/styles.xml": styles,
            "xl/workbook.xml": hostile.contents(b'<workbookPr date1904="1"/>'),
        }

        assert read_grid(hostile.package(parts)).rows == [[1, ["date", "10-Mar", "2026-03-10"]]]

    def test_texts_are_read_as_other_programs_write_them(self) -> None:
        """Prefixed names, pieces of text with formats, what is to be read aloud, and cells that do not say where."""
        texts = (
            b"<x:si><x:t>code</x:t></x:si><x:si><x:r><x:t>descr</x:t></x:r><x:r><x:rPr/><x:t>iption</x:t></x:r></x:si>"
            b"<x:si><x:t>T\xc3\xbcr</x:t><x:rPh><x:t>aloud</x:t></x:rPh></x:si>"
        )
        rows = (
            b'<x:row><x:c t="s"><x:v>0</x:v></x:c><x:c t="s"><x:v>1</x:v></x:c></x:row>'
            b'<x:row><x:c t="inlineStr"><x:is><x:t>0</x:t><x:r><x:t>1</x:t></x:r></x:is></x:c>'
            b'<x:c t="s"><x:v>2</x:v></x:c></x:row>'
            b'<x:row r="5"><x:c r="B5" t="s"><x:v>2</x:v></x:c><x:c r="A5" t="str"><x:v>02</x:v></x:c></x:row>'
            b'<x:row r="4"><x:c t="str"><x:v>out of order</x:v></x:c></x:row>'
        )
        sheet = b'<x:worksheet xmlns:x="y"><x:sheetData>' + rows + b"</x:sheetData></x:worksheet>"
        parts = {"xl/sharedStrings.xml": b'<x:sst xmlns:x="y">' + texts + b"</x:sst>", SHEET: sheet}

        assert read_grid(hostile.package(parts)).rows == [FIRST, [2, "01", "Tür"], [5, "02", "Tür"]]

    def test_columns_far_away_are_told_and_not_read(self) -> None:
        rows = (
            '<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>'
            '<row r="1048576"><c r="B1048576"><v>2</v></c></row>'
        )

        grid = read_grid(by_hand(rows))

        assert grid.rows == [[1, ["number", "1", "1"]], [1048576, "", ["number", "2", "2"]]]
        assert grid.notes == ["Only the first 100 columns were read."]

    def test_a_damaged_one_is_refused(self) -> None:
        for content in (b"PK\x03\x04", b"PK\x03\x04" + bytes(100), hostile.package()[:-30], hostile.package()[:600]):
            assert "damaged" in refusal(content)
        for rows in (
            '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
            '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
            '<row r="1"><c r="A1"><v>x</v></c></row>',
            '<row r="1"><c r="A1"><v>nan</v></c></row>',
            '<row r="1"><c r="A1" s="x"><v>1</v></c></row>',
            '<row r="1"><c r="A1" t="str"><v>&nothing;</v></c></row>',
            '<row r="1"><c r="A1" t="str"><v>&#0;</v></c></row>',
            '<row r="1"><c r="A1"></row>',
        ):
            assert "damaged" in refusal(by_hand(rows)), rows
