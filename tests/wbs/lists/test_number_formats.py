from __future__ import annotations

import pytest

from wbs.lists.cells import DATE, NUMBER, UNSHOWN
from wbs.lists.number_formats import BUILT_IN, cell, held, shown, text_shown

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        # General
        *((1100.0, "General", "1100"), (1.1, "General", "1.1"), (0.1 + 0.2, "General", "0.3"), (-5, "", "-5")),
        *((1 / 3, "General", "0.333333333"), (12345678901, "General", "12345678901"), (5, "@", "5")),
        *((0.00012345, "General", "0.00012345"), (1e-7, "General", "0.0000001"), (7, 'General" days"', "7 days")),
        # zeros and literals
        *((1310, "00-000", "01-310"), (1310, r"00\-000", "01-310"), (10203, "00-00-00", "01-02-03")),
        *((310, '"01-"000', "01-310"), (7, r"\M000", "M007"), (7, '"M"000', "M007"), (5, '0" days"', "5 days")),
        *((123456, "00-00", "1234-56"), (0, "000", "000"), (3, "00*d", "03"), (8, '0"{}"', "8{}")),
        *(
            (31100, r"00\ 00\ 00", "03 11 00"),
            (1, '000"-"000', "000-001"),
            (12.6, "00", "13"),
            (1e17, "0", "1" + "0" * 17),
        ),
        # decimals
        *((1.1, "0.00", "1.10"), (2.675, "0.00", "2.68"), (1.005, "0.00", "1.01"), (0.5, ".00", ".50")),
        *((0.5, "#.##", ".5"), (5, "0.##", "5."), (5.5, "0.0#", "5.5"), (1.25, "0.0??", "1.25 ")),
        # places that may stay empty, and groups of three
        *((5, "0#", "05"), (5, "?0", " 5"), (0, "#", ""), (1234567, "#,##0", "1,234,567"), (999, "#,##0", "999")),
        *(
            (1234.5, "#,##0.00", "1,234.50"),
            (7, "0,000", "0,007"),
            (1_500_000, "0.0,,", "1.5"),
            (0.125, "0.0%", "12.5%"),
        ),
        # sections
        *((3, "00;-00;00", "03"), (-3, "00;-00;00", "-03"), (0, "00;-00;00", "00"), (0, '0;-0;"none"', "none")),
        *(
            (-5, "#,##0_);(#,##0)", "(5)"),
            (5, "#,##0_);(#,##0)", "5"),
            (3, "00_)", "03"),
            (-3, "00", "-03"),
            (5, ";;;", ""),
        ),
        *((5, "0;@", "5"), (-5, "0;@", "-5"), (-0.2, "0", "0")),
        # colours, conditions, languages
        *((5, "[Red]00", "05"), (5, "[Color 12]00", "05"), (5, "[<100]00;000", "05"), (500, "[<100]00;000", "500")),
        *((5, "[=5]00;[>7]000;0", "05"), (8, "[=5]00;[>7]000;0", "008"), (6, "[=5]00;[>7]000;0", "6")),
        *((12, "[$€-407] #,##0.00", "€ 12.00"), (12, "[$-409]00", "12")),
    ],
)
def test_what_a_spreadsheet_shows(value: float, code: str, text: str) -> None:
    assert shown(value, code) == (NUMBER, text)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        *((46091, "d-mmm", "10-Mar"), (46091, "d-mmm-yy", "10-Mar-26"), (46091, "[$-409]mmm-yy;@", "Mar-26")),
        *((46091, "m/d/yyyy", "3/10/2026"), (46091, r"yyyy\-mm\-dd;@", "2026-03-10"), (46091, "dddd", "Tuesday")),
        *((46091.75, "h:mm AM/PM", "6:00 PM"), (46091.75, "hh:mm:ss", "18:00:00"), (1.25, "[h]:mm", "30:00")),
        *(
            (46091.5, "m/d/yyyy h:mm", "3/10/2026 12:00"),
            (0.5, "mm:ss", "00:00"),
            (46091, '[$-409]d" of "mmm', "10 of Mar"),
        ),
        *((46091, "[$-407]d. mmm", "2026-03-10"), (46091, "[$-F800]dddd", "2026-03-10"), (0.5, "mm:ss.0", "12:00:00")),
    ],
)
def test_what_a_date_shows(value: float, code: str, text: str) -> None:
    assert shown(value, code) == (DATE, text)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        *((33030, "0.00E+00", "3.30E+04"), (0.00012, "0.0E-0", "1.2E-4"), (33030, "##0.0E+0", "?")),
        *((123456789012, "General", "1.23457E+11"), (1e-12, "General", "1E-12")),
        *((0.5, "# ?/?", "?"), (7, "M000", "?"), (7, "00/00", "?"), (7, "[DBNum1]0", "?"), (7, r"General\ d", "?")),
        *((-5, "[<100]00;000", "?"), (5, "0" * 300, "?"), (-1, "d-mmm", "########"), (3e9, "d-mmm", "########")),
    ],
)
def test_what_cannot_be_shown_for_sure_is_told(value: float, code: str, text: str) -> None:
    assert shown(value, code) == (UNSHOWN, text)


def test_a_cell_tells_what_the_file_holds_too() -> None:
    assert cell(1310.0, "00-000") == [NUMBER, "01-310", "1310"]
    assert cell(1.1, "0.00") == [NUMBER, "1.10", "1.1"]
    assert cell(33030, "0.00E+00") == [UNSHOWN, "3.30E+04", "33030"]
    assert cell(46091, "d-mmm") == [DATE, "10-Mar", "2026-03-10"]
    assert cell(46091.75, "d-mmm") == [DATE, "10-Mar", "2026-03-10 18:00:00"]
    assert cell(46091 - 1462, "d-mmm", is_1904=True) == [DATE, "10-Mar", "2026-03-10"]
    assert cell(1, "d-mmm") == [DATE, "1-Jan", "1900-01-01"]
    assert cell(1, '"' + "x" * 100 + '"0') == [UNSHOWN, "?", "1"]
    assert held(1e20) == "1e+20"


def test_a_text_may_be_shown_with_more_around_it() -> None:
    assert text_shown("100", '"01-"@') == "01-100"
    assert text_shown("100", '0;0;0;"01-"@') == "01-100"
    assert text_shown("100", "@") == text_shown("100", "0") == "100"


def test_the_formats_that_need_no_words() -> None:
    assert {id: shown(1234.5, BUILT_IN[id])[1] for id in (1, 2, 3, 4, 9, 37, 39, 49)} == {
        1: "1235",
        2: "1234.50",
        3: "1,235",
        4: "1,234.50",
        9: "123450%",
        37: "1,235",
        39: "1,234.50",
        49: "1234.5",
    }
    assert shown(46091, BUILT_IN[16]) == (DATE, "10-Mar")
    assert shown(33030, BUILT_IN[11]) == (UNSHOWN, "3.30E+04")
