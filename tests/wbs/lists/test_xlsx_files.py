from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula

from tests.wbs import hostile
from tests.wbs.hostile import package
from tests.wbs.lists.test_csv_writing import CODE, DESCRIPTION
from wbs.codes import fold
from wbs.lists import xlsx_files
from wbs.lists.checking import check
from wbs.lists.packages import ENTRY
from wbs.lists.rows import MAX_BYTES, Sheet, UnreadableFile
from wbs.lists.xlsx_files import read_list, read_xlsx, write_template, write_xlsx

pytestmark = pytest.mark.once

NOON = datetime(2026, 1, 10, 12)  # noqa: DTZ001 - a spreadsheet knows no time zone
HEADING = ["code", "description"]


def saved(book: Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def workbook(*rows: Iterable[Any], formats: dict[str, str] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    for cell, number_format in (formats or {}).items():
        book.active[cell].number_format = number_format
    return saved(book)


def repacked(content: bytes, part: str, change: Any) -> bytes:
    """The workbook with one of its parts changed by hand."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return changed.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def cells(sheet: Sheet) -> list[tuple[int, str, str]]:
    return [(row.number, row.code, row.description) for row in sheet.rows]


def problems(*rows: Iterable[Any], delimiter: str = "-") -> dict[int, str]:
    result = check(read_xlsx(workbook(HEADING, *rows)), delimiter, {})
    return {problem.row: problem.sentence for problem in result.problems}


class TestReading:
    def test_columns_stand_in_any_order_and_rows_are_numbered_as_the_spreadsheet_does(self) -> None:
        content = workbook(
            [], ["Description ", "Note", "CODE"], ["Doors", "x", "01-100"], [], ["Décor", None, "01-200"]
        )

        sheet = read_xlsx(content)

        assert cells(sheet) == [(3, "01-100", "Doors"), (5, "01-200", "Décor")]
        assert sheet.notes == ["Columns that were not used: note."]

    def test_the_status_is_read(self) -> None:
        sheet = read_xlsx(workbook([*HEADING, "status"], ["01", "x", "Inactive"], ["02", "y"]))

        assert [row.status for row in sheet.rows] == ["Inactive", ""]

    def test_numbers_become_the_codes_that_are_seen_and_are_told(self) -> None:
        content = workbook(HEADING, [1.1, "a"], [100.0, "b"], [7, "c"], ["01", 2000], formats={"A4": "000"})

        sheet = read_xlsx(content)

        assert cells(sheet) == [(2, "1.1", "a"), (3, "100", "b"), (4, "007", "c"), (5, "01", "2000")]
        assert len(sheet.notes) == 1
        assert sheet.notes[0].endswith("Rows: 2, 3, 4.")

    @pytest.mark.parametrize("damaged", [date(2026, 1, 10), NOON, time(1, 30)])
    def test_dates_in_either_column_are_told_with_their_row(self, damaged: object) -> None:
        assert problems(["01", "fine"], [damaged, "x"], ["02", damaged]) == {
            3: "A spreadsheet made a date of this code. Format the column as text and write it again.",
            4: "A spreadsheet made a date of this description. Format the column as text and write it again.",
        }

    def test_a_rounded_number_is_told(self) -> None:
        assert "A spreadsheet made a rounded number of this code." in problems([1e20, "x"])[2]

    def test_formulas_are_refused_whatever_their_kind_and_texts_that_look_like_one_are_not(self) -> None:
        book = Workbook()
        book.active.append(HEADING)
        book.active.append(["=1+1", "x"])
        book.active.append(["01", '=HYPERLINK("https://example.test")'])
        book.active["A4"], book.active["B4"] = ArrayFormula("A4:A5", "=B4:B5"), "x"
        book.active["A5"], book.active["B5"] = "=2", "x"
        book.active["A5"].data_type = "s"

        sheet = read_xlsx(saved(book))

        assert cells(sheet) == [(5, "=2", "x")]
        assert [(problem.row, problem.sentence) for problem in sheet.problems] == [
            (2, "The code is a formula. Copy it and paste its value in its place."),
            (3, "The description is a formula. Copy it and paste its value in its place."),
            (4, "The code is a formula. Copy it and paste its value in its place."),
        ]

    def test_broken_cells_are_told(self) -> None:
        assert problems(["#REF!", "x"], ["01", "#N/A"]) == {
            2: "The code was broken by a spreadsheet: #REF!.",
            3: "The description was broken by a spreadsheet: #N/A.",
        }

    def test_the_first_visible_sheet_counts_and_is_named(self) -> None:
        book = Workbook()
        book.active.sheet_state = "hidden"
        for title, code in (("Codes", "01"), ("More", "02")):
            sheet = book.create_sheet(title)
            sheet.append(HEADING)
            sheet.append([code, "x"])

        read = read_xlsx(saved(book))

        assert cells(read) == [(2, "01", "x")]
        assert read.notes == ["Only the sheet “Codes” was read."]

    @pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
    def test_drop_down_lists_do_no_harm(self) -> None:
        book = Workbook()
        book.active.append(HEADING)
        book.active.append(["01", "x"])
        book.active.add_data_validation(DataValidation(type="list", formula1='"a,b"', sqref="B2"))

        assert cells(read_xlsx(saved(book))) == [(2, "01", "x")]

    def test_texts_are_read_as_other_programs_write_them(self) -> None:
        """Prefixed names, pieces of text with formats, what is to be read aloud, and cells that do not say where."""
        texts = (
            b"<x:si><x:t>code</x:t></x:si><x:si><x:r><x:t>descr</x:t></x:r><x:r><x:rPr/><x:t>iption</x:t></x:r></x:si>"
            b"<x:si><x:t>T\xc3\xbcr</x:t><x:rPh><x:t>aloud</x:t></x:rPh></x:si><x:si><x:t>_x005F_x41_</x:t></x:si>"
        )
        rows = (
            b'<x:row><x:c t="s"><x:v>0</x:v></x:c><x:c t="s"><x:v>1</x:v></x:c></x:row>'
            b'<x:row><x:c t="inlineStr"><x:is><x:t>0</x:t><x:r><x:t>1</x:t></x:r></x:is></x:c>'
            b'<x:c t="s"><x:v>2</x:v></x:c></x:row>'
            b'<x:row r="5"><x:c r="B5" t="s"><x:v>3</x:v></x:c><x:c r="A5" t="str"><x:v>02</x:v></x:c></x:row>'
            b'<x:row r="4"><x:c t="str"><x:v>out of order</x:v></x:c></x:row>'
            b'<x:row r="6"><x:c t="b"><x:v>1</x:v></x:c><x:c t="e"><x:v>#REF!</x:v></x:c></x:row>'
        )
        sheet = b'<x:worksheet xmlns:x="y"><x:sheetData>' + rows + b"</x:sheetData></x:worksheet>"
        parts = {"xl/sharedStrings.xml": b'<x:sst xmlns:x="y">' + texts + b"</x:sst>", SHEET: sheet}

        assert cells(read_xlsx(package(parts))) == [
            (2, "01", "Tür"),
            (5, "02", "_x41_"),
            (6, "TRUE", "#REF!"),
        ]

    @pytest.mark.parametrize(
        ("number_format", "is_date"),
        [
            ("dd/mm/yyyy", True),
            ("[h]:mm", True),
            ('[$-409]d" of "mmm', True),
            ("General", False),
            ('0" days"', False),
            (r"0\d", False),
            ("[Red]0;[Magenta]0", False),
        ],
    )
    def test_a_date_is_told_by_the_format_of_its_number(self, number_format: str, is_date: bool) -> None:
        sheet = read_xlsx(workbook(HEADING, [45_000, "x"], formats={"A2": number_format}))

        assert [problem.code for problem in sheet.problems] == ["2023-03-15 00:00:00"] * is_date
        assert [row.code for row in sheet.rows] == ["45000"] * (not is_date)

    def test_any_known_format_is_told_by_its_content(self) -> None:
        assert cells(read_list(workbook(HEADING, ["01", "x"]))) == [(2, "01", "x")]
        assert cells(read_list(b"code,description\n01,x\n")) == [(2, "01", "x")]
        with pytest.raises(UnreadableFile, match="has a password"):
            read_list(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500))


class TestWhatIsRefused:
    def refusal(self, content: bytes) -> str:
        with pytest.raises(UnreadableFile) as refusal:
            read_xlsx(content)
        return str(refusal.value)

    def test_an_empty_or_headless_one(self) -> None:
        assert self.refusal(workbook()) == "The file is empty."
        assert "The first row must name the columns" in self.refusal(workbook(["01-100", "Doors"]))

    def test_one_that_is_broken(self) -> None:
        whole = workbook(HEADING, ["01", "x"])

        for content in (
            whole[:-200],
            whole[:40] + b"\xff" * 40 + whole[80:],
            b"PK\x03\x04" + bytes(100),
            repacked(whole, SHEET, lambda xml: xml[:-30]),
            repacked(whole, "xl/workbook.xml", lambda xml: b"<nothing/>"),
            repacked(whole, SHEET, lambda xml: xml.replace(b'r="A2"', b'r="no cell"')),
        ):
            assert "damaged" in self.refusal(content)

    @pytest.mark.parametrize(
        ("sound", "senseless"),
        [
            (b"<v>0</v>", b"<v>7</v>"),  # a text that is not there
            (b'<row r="2">', b'<row r="inf">'),
            (b'<row r="2">', b'<row r="1e999">'),
            (b'<row r="2">', b'<row r="nan">'),
            (b't="s"><v>0</v>', b's="99999999999999999999"><v>1e999</v>'),
        ],
    )
    def test_one_whose_numbers_point_nowhere(self, sound: bytes, senseless: bytes) -> None:
        assert sound in hostile.sheet()
        content = hostile.package({"xl/worksheets/sheet1.xml": hostile.sheet().replace(sound, senseless)})

        assert "damaged" in self.refusal(content)

    def test_one_whose_directory_points_beyond_any_file(self) -> None:
        """Offsets of 64 bits, of which a seek takes 63."""
        content = bytearray(hostile.package())
        entry = content.index(ENTRY)
        content[entry + 42 : entry + 46] = b"\xff" * 4  # the offset stands in the extra field
        content[entry + 30 : entry + 32] = (12).to_bytes(2, "little")
        name_ends = entry + 46 + int.from_bytes(content[entry + 28 : entry + 30], "little")
        content[name_ends:name_ends] = b"\x01\0\x08\0" + (2**64 - 1).to_bytes(8, "little")
        end = content.index(b"PK\x05\x06")
        length = int.from_bytes(content[end + 12 : end + 16], "little") + 12
        content[end + 12 : end + 16] = length.to_bytes(4, "little")

        assert "damaged" in self.refusal(bytes(content))

    def test_one_with_entities(self) -> None:
        whole = workbook(HEADING, ["01", "x"])

        assert "damaged" in self.refusal(repacked(whole, SHEET, lambda xml: b'<!DOCTYPE x [<!ENTITY e "b">]>' + xml))

    def test_one_that_is_too_large_packed_or_unpacked(self) -> None:
        whole = workbook(HEADING, ["01", "x"])

        assert "larger than 5 MB" in self.refusal(b"PK\x03\x04" + bytes(MAX_BYTES))
        bomb = repacked(whole, "docProps/app.xml", lambda xml: bytes(xlsx_files.MAX_UNPACKED))
        assert len(bomb) < 100_000
        assert "too large when unpacked" in self.refusal(bomb)
        many = repacked(whole, SHEET, lambda xml: xml.replace(b"</sheetData>", b"<c/>" * xlsx_files.MAX_TAGS))
        assert len(many) < 100_000
        assert "too large when unpacked" in self.refusal(many)

    def test_one_with_more_rows_or_text_than_can_be_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One long text can be named by ever so many cells, so what is packed does not tell how much that is."""
        rows = [[f"{n}", "x" * 100] for n in range(10)]
        assert len(read_xlsx(workbook(HEADING, *rows)).rows) == 10

        monkeypatch.setattr(xlsx_files, "MAX_TEXT", 1000)
        assert "too much text" in self.refusal(workbook(HEADING, *rows))
        monkeypatch.setattr(xlsx_files, "MAX_ROWS", 9)
        assert "more than 9 rows" in self.refusal(workbook(HEADING, *([n, "x"] for n in range(10))))

    def test_rows_and_columns_far_away_take_no_time(self) -> None:
        far = b'<row r="1048576"><c r="ZZZ1048576"><v>1</v></c></row></sheetData>'
        content = repacked(workbook(HEADING, ["01", "x"]), SHEET, lambda xml: xml.replace(b"</sheetData>", far))
        content = repacked(content, SHEET, lambda xml: xml.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"'))

        assert cells(read_xlsx(content)) == [(2, "01", "x")]


class TestWriting:
    @given(st.dictionaries(CODE.map(fold), st.tuples(CODE, DESCRIPTION, st.booleans()), max_size=10))
    def test_what_is_written_is_read_back_unchanged(self, items: dict[str, tuple[str, str, bool]]) -> None:
        rows = list({fold(code): (code, text, is_active) for code, text, is_active in items.values()}.values())

        sheet = read_xlsx(write_xlsx(rows, "Cost Codes"))

        has_inactive = not all(is_active for _, _, is_active in rows)
        statuses = {True: "Active" * has_inactive, False: "Inactive"}
        assert [(row.code, row.description, row.status) for row in sheet.rows] == [
            (code, text, statuses[is_active]) for code, text, is_active in rows
        ]
        assert sheet.notes == sheet.problems == []

    def test_every_cell_is_text_and_none_a_formula(self) -> None:
        book = load_workbook(io.BytesIO(write_xlsx([("1-10", "=1+1", True), ("=2", "@x", True)], "Cost: Codes?")))

        assert book.sheetnames == ["Cost  Codes "]
        for row in book.active.iter_rows():
            assert {(cell.number_format, cell.data_type) for cell in row} == {("@", "s")}

    def test_what_is_typed_into_the_template_stays_text(self) -> None:
        book = load_workbook(io.BytesIO(write_template("Cost Codes")))

        assert [[cell.value for cell in row] for row in book.active.iter_rows()] == [HEADING]
        assert book.active.column_dimensions["A"].number_format == "@"
        assert read_xlsx(write_template("Cost Codes")).rows == []
