from __future__ import annotations

import pytest

from wbs.lists.csv_files import read_csv
from wbs.lists.rows import MAX_BYTES, MAX_ROWS, Sheet, UnreadableFile

pytestmark = pytest.mark.once


def cells(sheet: Sheet) -> list[tuple[str, str]]:
    return [(row.code, row.description) for row in sheet.rows]


class TestReading:
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_the_separator_is_found_and_columns_may_stand_in_any_order(self, separator: str, end: str) -> None:
        text = end.join(
            [separator.join(["Description ", "Note", "CODE"]), separator.join(['"Doors; 3, big"', "", "01"])]
        )

        sheet = read_csv(text.encode())

        assert [(row.number, row.code, row.description) for row in sheet.rows] == [(2, "01", "Doors; 3, big")]
        assert "Columns that were not used: note." in sheet.notes

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    def test_utf8_is_read_with_and_without_bom(self, encoding: str) -> None:
        sheet = read_csv("code,description\n01,Décor – “fine”\n".encode(encoding))

        assert sheet.rows[0].description == "Décor – “fine”"
        assert sheet.notes == []

    def test_windows_1252_is_read_and_told(self) -> None:
        sheet = read_csv("code,description\n01,Décor – “fine”\n".encode("cp1252"))

        assert sheet.rows[0].description == "Décor – “fine”"
        assert "Windows-1252" in sheet.notes[0]

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty."),
            (b"\n \n", "The file is empty."),
            (b"01-100,Supervision\n", "The first row must name the columns: code,description."),
            (b"code;name\n01;x\n", "The first row must name the columns: code,description."),
            ("code,description\n01,x".encode("utf-16"), "UTF-16"),
            (b"code,description\n01,\x81\xff\n", "neither UTF-8 nor Windows-1252"),
            (b'code,description,"x\n01,x,y\n', "A quotation mark is missing in the first row."),
            (b"code,description\n" + b"x" * MAX_BYTES, "larger than 5 MB"),
            (b"code,description\n" + b"1,x\n" * (MAX_ROWS + 1), "more than 20,000 rows"),
        ],
    )
    def test_a_file_that_cannot_be_read_is_refused_with_a_reason(self, content: bytes, sentence: str) -> None:
        with pytest.raises(UnreadableFile) as refusal:
            read_csv(content)
        assert sentence in str(refusal.value)

    def test_quotes_commas_and_line_ends_inside_quotes_are_part_of_the_cell(self) -> None:
        sheet = read_csv(b'code,description\n01,"Block, 8"" high"\n02,Tile 6" wide\n')

        assert cells(sheet) == [("01", 'Block, 8" high'), ("02", 'Tile 6" wide')]

    def test_a_wrong_quotation_mark_costs_its_row_and_no_other(self) -> None:
        text = 'code,description\n01,fine\n02,"Block 8" high"\n03,fine too\n04,"never closed\n05,lost\n'

        sheet = read_csv(text.encode())

        assert cells(sheet) == [("01", "fine"), ("03", "fine too")]
        assert [problem.row for problem in sheet.problems] == [3, 5]
        assert "written twice" in sheet.problems[0].sentence
        assert "never closed" in sheet.problems[1].sentence

    def test_rows_are_numbered_as_a_spreadsheet_does_and_blank_ones_are_passed_over(self) -> None:
        sheet = read_csv(b"\ncode,description\n\n,,\n01,x\n")

        assert [(row.number, row.code) for row in sheet.rows] == [(5, "01")]

    def test_a_sheet_survives_being_stored(self) -> None:
        sheet = read_csv('code,description,status\n01,A,Inactive\n02,"B"x\n'.encode("cp1252"))

        assert Sheet.from_data(sheet.as_data()) == sheet
