from __future__ import annotations

import struct

import pytest

from tests.wbs import binary_books as of
from tests.wbs.lists.grid_files import refusal
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once


class TestXls:
    def test_all_kinds_of_cells(self) -> None:
        packed = struct.pack("<HI", 1, 1310 << 2 | 2) + struct.pack("<HI", 0, 110 << 2 | 3)
        cells = (
            of.label(1, 1, "code")
            + of.label(1, 2, "Tür ½ –")
            + of.cell(0xFD, 2, 1, struct.pack("<I", 1))
            + of.cell(0x203, 2, 2, struct.pack("<d", 1310), style=1)
            + of.cell(0x27E, 2, 3, struct.pack("<I", 1310 << 2 | 2), style=1)
            + of.record(0xBD, struct.pack("<HH", 1, 3) + packed + struct.pack("<H", 4))
            + of.cell(0x205, 2, 6, b"\1\0")
            + of.cell(0x205, 2, 7, bytes([42, 1]))
            + of.cell(0x06, 3, 1, b"\0\0\0\0\0\0\xff\xff" + bytes(8))
            + of.record(0x207, of.text("14-100"))
            + of.cell(0x06, 3, 2, struct.pack("<d", 46091) + bytes(8), style=2)
            + of.cell(0x06, 3, 3, b"\1\0\1\0\0\0\xff\xff" + bytes(8))
            + of.cell(0x06, 3, 4, b"\2\0\x17\0\0\0\xff\xff" + bytes(8))
            + of.cell(0x06, 3, 5, b"\3\0\0\0\0\0\xff\xff" + bytes(8))
            + of.cell(0x06, 3, 6, struct.pack("<d", 1310) + bytes(8), style=1)
        )
        before = of.styles("00-000", "d-mmm") + of.shared("x", "Sanitäre – Armaturen")

        assert read_grid(of.xls(cells, before)).rows == [
            [1, "code", "Tür ½ –"],
            [
                *(2, "Sanitäre – Armaturen", ["number", "01-310", "1310"], ["number", "01-310", "1310"]),
                *(["number", "01-310", "1310"], ["number", "1.1", "1.1"], "TRUE", ["error", "#N/A", "#N/A"]),
            ],
            [
                *(3, ["formula", "14-100", "14-100"], ["date", "10-Mar", "2026-03-10"], ["formula", "TRUE", "TRUE"]),
                *(["error", "#REF!", "#REF!"], "", ["formula", "01-310", "1310"]),
            ],
        ]

    @pytest.mark.parametrize("cut", range(1, 30))
    def test_texts_are_joined_that_are_cut_into_several_records(self, cut: int) -> None:
        """Where signs are cut, a byte tells how wide the next ones are; elsewhere it does not."""
        narrow, wide = of.text("narrow"), of.text("–wide–")
        rich = struct.pack("<HBH", 3, 8, 1) + b"abc" + bytes(4)
        whole = struct.pack("<II", 3, 3) + narrow + wide + rich
        at = 8 + cut
        signs = [(8 + 3, 8 + 9, 1, 0), (8 + 9 + 3, 8 + 9 + 15, 2, 1), (8 + 24 + 5, 8 + 24 + 8, 1, 0)]
        again = b""
        for begin, end, width, flag in signs:
            if begin <= at < end:
                at -= (at - begin) % width
                again = bytes([flag])
        heads = [(8, 11), (17, 20), (32, 37)]
        if any(begin < at < end for begin, end in heads):
            return  # no spreadsheet cuts there
        before = of.record(0xFC, whole[:at]) + of.record(0x3C, again + whole[at:])
        cells = b"".join(of.cell(0xFD, 1, column, struct.pack("<I", column - 1)) for column in (1, 2, 3))

        assert read_grid(of.xls(cells, before)).rows == [[1, "narrow", "–wide–", "abc"]]

    def test_cells_in_any_order_merged_ranges_and_dates_from_1904(self) -> None:
        cells = (
            of.label(5, 2, "b")
            + of.cell(0x203, 2, 1, struct.pack("<d", 44629), style=1)
            + of.label(5, 1, "a")
            + of.record(0xE5, struct.pack("<H4H", 1, 4, 4, 0, 2))
        )

        grid = read_grid(of.xls(cells, of.record(0x22, b"\1\0") + of.styles("d-mmm")))

        assert grid.rows == [[2, ["date", "10-Mar", "2026-03-10"]], [5, ["merged", "a", ""], "b"]]

    def test_one_of_excel_95_has_texts_in_its_own_letters(self) -> None:
        old = of.stream(of.cell(0x204, 1, 1, b"\x04\0T\xfcr\x96") + of.cell(0x204, 1, 2, b"\x01\0x"))
        old = old.replace(struct.pack("<HH", 0x600, 5), struct.pack("<HH", 0x500, 5), 1)
        old = old.replace(of.text("Codes", 1), b"\x05Codes\0", 1)

        grid = read_grid(of.compound(old, "Book"))

        assert grid.rows == [[1, "Tür–", "x"]]
        assert grid.sheets == [["Codes", True]]

    def test_one_with_a_password_or_older_or_no_workbook_is_refused_with_what_to_do(self) -> None:
        assert "has a password" in refusal(of.xls(b"", of.record(0x2F, bytes(4))))
        assert "has a password" in refusal(of.compound(b"", "EncryptedPackage"))
        assert "no workbook" in refusal(of.compound(b"", "WordDocument"))
        assert "older than Excel 95" in refusal(b"\x09\x04\x06\x00" + bytes(100))

    def test_a_damaged_one_is_refused(self) -> None:
        whole = of.xls(of.label(1, 1, "code"))

        for content in (whole[:512], whole[:100], whole[:3000], b"\xd0\xcf\x11\xe0" + bytes(2000)):
            assert "damaged" in refusal(content)
        assert "damaged" in refusal(of.xls(of.cell(0xFD, 1, 1, bytes(4))))
