from __future__ import annotations

import pytest

from tests.wbs import binary_books as of
from tests.wbs import hostile
from tests.wbs.lists.grid_files import FIRST, SHEET, refusal
from wbs.lists.bounds import MAX_BYTES
from wbs.lists.packages import ENTRY, MAX_UNPACKED
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once


class TestPackages:
    """What is wrong with what was packed, whatever it holds."""

    def test_one_whose_directory_points_beyond_any_file(self) -> None:
        """Offsets of 64 bits, of which a seek takes 63."""
        content = bytearray(hostile.package())
        entry = content.rindex(ENTRY)  # of the sheet
        content[entry + 42 : entry + 46] = b"\xff" * 4  # the offset stands in the extra field
        content[entry + 30 : entry + 32] = (12).to_bytes(2, "little")
        name_ends = entry + 46 + int.from_bytes(content[entry + 28 : entry + 30], "little")
        content[name_ends:name_ends] = b"\x01\0\x08\0" + (2**64 - 1).to_bytes(8, "little")
        end = content.index(b"PK\x05\x06")
        length = int.from_bytes(content[end + 12 : end + 16], "little") + 12
        content[end + 12 : end + 16] = length.to_bytes(4, "little")

        assert "damaged" in refusal(bytes(content))

    @pytest.mark.parametrize("name", ["[Content_Types].xml", "docProps/app.xml"])
    def test_a_part_that_nobody_needs_may_be_anything(self, name: str) -> None:
        assert read_grid(hostile.package({name: b"\xff<"})).rows[0] == FIRST

    def test_one_with_a_document_type_or_in_letters_of_its_own(self) -> None:
        for before in (b'<!DOCTYPE x [<!ENTITY e "b">]>', b'<?xml version="1.0" encoding="cp037"?>'):
            assert "damaged" in refusal(hostile.package({SHEET: before + hostile.sheet()}))

    @pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252"])
    def test_parts_in_other_encodings_go_to_the_parser(self, encoding: str) -> None:
        rows = '<row r="1"><c r="A1" t="inlineStr"><is><t>Tür</t></is></c></row>'
        sheet = f'<?xml version="1.0" encoding="{encoding}"?>' + hostile.sheet(rows.encode()).decode()

        assert read_grid(hostile.package({SHEET: sheet.encode(encoding)})).rows == [[1, "Tür"]]

    def test_one_that_is_no_workbook(self) -> None:
        for content in (of.packed({"word/document.xml": b"<x/>"}), hostile.package({"xl/workbook.xml": b"<nothing/>"})):
            assert "no workbook" in refusal(content)

    def test_one_that_is_too_large_packed_or_unpacked(self) -> None:
        assert "larger than 10 MB" in refusal(b"PK\x03\x04" + bytes(MAX_BYTES))
        bomb = hostile.package({"docProps/app.xml": bytes(MAX_UNPACKED)})
        assert len(bomb) < 100_000
        assert "too large when unpacked" in refusal(bomb)
