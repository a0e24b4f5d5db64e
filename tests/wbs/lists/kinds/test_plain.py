from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wbs import binary_books as of
from tests.wbs import hostile
from tests.wbs.lists.grid_files import HEADING, by_hand, xlsx
from wbs.lists.reading import read_grid

pytestmark = pytest.mark.once

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=12)
CELL = st.one_of(TEXT, st.integers(-(10**12), 10**12), st.floats(-1e6, 1e6, allow_nan=False), st.none())


class TestPlainPortions:
    """What is plain is read at a glance; it must come to the same as what the parser tells."""

    @given(st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=8), st.booleans())
    def test_xlsx(self, rows: list[list[Any]], is_inline: bool) -> None:
        strings: list[str] = []
        plain = "".join(self._xlsx_row(at, row, strings, is_inline) for at, row in enumerate(rows, 1))
        texts = "".join(f'<si><t xml:space="preserve">{of.escape(text)}</t></si>' for text in strings)
        styles = hostile.styles(
            b'<xf numFmtId="164"/>', b'<numFmts><numFmt numFmtId="164" formatCode="00-000"/></numFmts>'
        )
        filled = [row for row in rows if any(cell not in (None, "") for cell in row)]
        if not filled:
            return

        one = read_grid(by_hand(plain, texts, styles))
        other = read_grid(by_hand(plain + "<!-- -->", texts + "<!-- -->", styles))
        third = read_grid(by_hand(plain.replace("<row ", "<row\n"), texts.replace("<si>", "<si >"), styles))

        assert one == other == third
        assert len(one.rows) == len(filled)

    def _xlsx_row(self, number: int, row: list[Any], strings: list[str], is_inline: bool) -> str:
        cells = []
        for letter, value in zip("ABCDE", row, strict=False):
            if value is None:
                cells.append(f'<c r="{letter}{number}" s="1"/>')
            elif not isinstance(value, str):
                cells.append(f'<c r="{letter}{number}" s="1"><v>{value!r}</v></c>')
            elif is_inline:
                cells.append(f'<c r="{letter}{number}" t="inlineStr"><is><t>{of.escape(value)}</t></is></c>')
            else:
                strings.append(value)
                cells.append(f'<c r="{letter}{number}" t="s"><v>{len(strings) - 1}</v></c>')
        return f'<row r="{number}" spans="1:5">{"".join(cells)}</row>'

    @given(st.lists(st.lists(st.one_of(TEXT, st.integers(0, 10**6)), min_size=1, max_size=5), min_size=1, max_size=8))
    def test_ods(self, rows: list[list[Any]]) -> None:
        written = [
            of.table_row(*(cell if isinstance(cell, str) else of.number_cell(cell, f"{cell:05}") for cell in row))
            for row in rows
            if not any(isinstance(cell, str) and cell.startswith("<table:") for cell in row)
        ]
        plain = of.table_row("title") + b"".join(written)

        one = read_grid(of.ods(of.table(plain)))
        other = read_grid(of.ods(of.table(plain + b"<!-- -->")))
        third = read_grid(of.ods(of.table(plain.replace(b"<table:table-row>", b"<table:table-row >"))))

        assert one == other == third

    def test_portions_are_cut_between_rows_wherever_chunks_end(self) -> None:
        rows = [[f"{at:02}-{at:03}", "A & B " * (at % 50), at] for at in range(1, 5_000)]

        grid = read_grid(xlsx(HEADING, *rows))

        assert [[row[1], row[2], row[3][1]] for row in grid.rows[1:] if len(row) == 4] == [
            [code, text, str(number)] for code, text, number in rows
        ]
