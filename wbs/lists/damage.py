"""What spreadsheets make of codes: dates, rounded numbers, broken cells, true and false.

What a spreadsheet wrote for a date is known by the names of months, in the languages that Excel writes them in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MONTHS = {
    "English": "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august "
    "september october november december",
    "German": "jan feb mrz mär apr mai jun jul aug sep sept okt nov dez januar februar märz juni juli oktober dezember",
    "French": "janv févr fév mars avr mai juin juil août sept oct nov déc janvier février avril juillet septembre "
    "octobre novembre décembre",
    "Spanish": "ene feb mar abr may jun jul ago sep sept oct nov dic enero febrero marzo abril mayo junio julio agosto "
    "septiembre octubre noviembre diciembre",
    "Portuguese": "jan fev mar abr mai jun jul ago set out nov dez janeiro fevereiro março maio junho julho setembro "
    "outubro novembro dezembro",
    "Italian": "gen feb mar apr mag giu lug ago set ott nov dic gennaio febbraio aprile maggio giugno luglio settembre "
    "ottobre dicembre",
    "Dutch": "jan feb mrt apr mei jun jul aug sep sept okt nov dec januari februari maart juni juli augustus",
    "Swedish, Danish and Norwegian": "jan feb mar apr maj mai jun jul aug sep okt nov dec des",
    "Polish": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "Turkish": "oca şub mar nis may haz tem ağu eyl eki kas ara",
}
_MONTH = (
    "(?:" + "|".join(sorted({word for words in MONTHS.values() for word in words.split()}, key=len, reverse=True)) + ")"
)


@dataclass(frozen=True)
class Damage:
    """What a spreadsheet makes of a code that it takes for a number or a date."""

    pattern: re.Pattern[str]
    became: str
    unless_joined_with: str = ""  # with this delimiter it may well be a code of three tiers


DAMAGES = (
    Damage(
        re.compile(rf"\d{{1,2}}(?:\.?[- /]\s?|\.){_MONTH}\.?(?:[- /.]\s?\d{{2,4}})?", re.IGNORECASE), "a date"
    ),  # 10-Jan
    Damage(re.compile(rf"{_MONTH}\.?[- /]\s?\d{{2,4}}", re.IGNORECASE), "a date"),  # Jan-10
    Damage(re.compile(r"\d{1,2}/\d{1,2}/(?:19|20)?\d{2}"), "a date", "/"),  # 1/2/2026
    Damage(re.compile(r"\d{1,2}\.\d{1,2}\.(?:19|20)\d{2}"), "a date", "."),  # 1.2.2026
    Damage(re.compile(r"(?:19|20)\d{2}-\d{2}-\d{2}"), "a date", "-"),  # 2026-02-01
    Damage(re.compile(r"(?:19|20)\d{2}-\d{2}-\d{2}[ T]00:00(?::00)?"), "a date"),
    Damage(re.compile(r"\d+(?:[.,]\d+)?E\+\d+|\d+[.,]\d+E-\d+"), "a rounded number"),  # 1.00E+05
)
_MAY_BE = re.compile(r"[^\W\d_]|[/.]|\d{4}-\d\d-\d\d")  # letters, or the signs of a date
BROKEN_CELL = re.compile(r"#(?:REF!|N/A|NAME\?|VALUE!|DIV/0!|NULL!|NUM!|SPILL!|CALC!|#+)", re.IGNORECASE)
TRUTHS = {
    "true",
    "false",
    "wahr",
    "falsch",
    "vrai",
    "faux",
    "verdadero",
    "falso",
    "verdadeiro",
    "vero",
    "waar",
    "onwaar",
}


TOTAL = re.compile(
    r"(?:grand |sub[- ]?|zwischen|gesamt|sous[- ])?(?:totals?|totale?|summe|somme|totaal)(?:[\s:].*)?",
    re.IGNORECASE | re.DOTALL,
)
DIVISION_WORD = re.compile(r"(?:division|div\.|section|abschnitt|bereich|chapter|titel)\s", re.IGNORECASE)


def is_total(text: str) -> bool:
    """Whether a row sums up others: "Total: 6 codes", "Subtotal Sitework"."""
    return TOTAL.fullmatch(text) is not None


def damage_of(code: str, delimiter: str) -> str:
    """What a spreadsheet may have made of the code, "a date" or "a rounded number"; empty for a plain one."""
    if not _MAY_BE.search(code):
        return ""
    for damage in DAMAGES:
        if damage.pattern.fullmatch(code) and not (delimiter and delimiter == damage.unless_joined_with):
            return damage.became
    return ""


def no_code(code: str) -> str:
    """Why a text can be no code, whoever accepts it, as a sentence; empty when it can."""
    if BROKEN_CELL.fullmatch(code):
        return f"The code was broken by a spreadsheet: {code}. Write it again."
    if code.casefold() in TRUTHS:
        return f"“{code}” is what a spreadsheet writes for true or false, and no code. Write the code again, as text."
    return ""
