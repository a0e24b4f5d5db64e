"""What offices call their columns, and what they mean by it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from wbs.lists.grids import cells, shown

CODE, DESCRIPTION, STATUS = "code", "description", "status"
INCOME, EXPENSE, DIVISION = "income", "expense", "division"
TIERS = ("tier1", "tier2", "tier3", "tier4", "tier5")
LABELS = {  # of the drop-downs
    CODE: "Code",
    DESCRIPTION: "Description",
    STATUS: "Status",
    INCOME: "Income Account",
    EXPENSE: "Expense Account",
    DIVISION: "Division",
    **{tier: f"Tier {number}" for number, tier in enumerate(TIERS, 1)},
}

# Likelier ones first; compared without case, blanks and signs.
WORDS = {
    CODE: """
        costcode costcodes code wbscode costcodenumber costcodeno codenumber codeno codenr itemcode phasecode costcodeid
        csicode csinumber masterformat masterformatcode jobcostcode budgetcode kostencode codigo código codice kode
        number no nr num nummer numero número numéro itemnumber itemno positionsnummer pos wbs phase activity costitem
        item id
    """,
    DESCRIPTION: """
        description costcodedescription costcodename costcodetitle codedescription codename itemdescription itemname
        name title label desc longdescription shortdescription designation bezeichnung beschreibung benennung text
        désignation libellé intitulé descripción descripcion descrição descricao descrizione omschrijving naam
        benämning beskrivelse
    """,
    STATUS: """
        status active isactive activeflag state enabled inuse aktiv actif activo ativo attivo actief statut estado stato
        inactive isinactive archived isarchived disabled retired obsolete inaktiv
    """,
    INCOME: """
        incomeaccount income revenueaccount revenue salesaccount glincome incomegl glincomeaccount incomeglaccount
        glaccountincome generalledgeraccountincome incomeaccountnumber
    """,
    EXPENSE: """
        expenseaccount expense costaccount cogsaccount cogs purchaseaccount glexpense expensegl glexpenseaccount
        expenseglaccount glaccountexpense generalledgeraccountexpense generalledgeraccountexpenseoptional
        expenseaccountoptional expenseaccountnumber
    """,
    DIVISION: """
        division div divisionno divisionnumber divisioncode csidivision divisionname divisiondescription divisiontitle
    """,
}
MEANING_OF = {word: (meaning, rank) for meaning, words in WORDS.items() for rank, word in enumerate(words.split())}
# Headings under which Yes is No.
OPPOSITE = {"inactive", "isinactive", "archived", "isarchived", "disabled", "retired", "obsolete", "inaktiv"}
TIER = re.compile(
    r"(?:costcode|code|wbs)?(?:tier|level|lvl|segment|ebene|stufe|niveau|nivel|nível|livello)([1-5])(?:code)?"
)
IN_PARENTHESES = re.compile(r"(.+?)\s*\(([^()]+)\)\s*")
LIKE_ANOTHER = 200  # rank of a heading that only sounds like one of these


def plain(heading: str) -> str:
    """A heading as it is compared."""
    return re.sub(r"[\W_]+", "", heading.casefold())


def meaning_of(heading: str) -> tuple[str, int] | None:
    """What a heading means, and how unlikely that is; None: nothing that we know."""
    word = plain(heading)
    if found := MEANING_OF.get(word):
        return found
    if tier := TIER.fullmatch(word):
        return TIERS[int(tier[1]) - 1], 0
    if named := IN_PARENTHESES.fullmatch(heading.strip()):  # Income Account (Books of the North), Active (Y/N)
        found = meaning_of(named[1])
        if found and found[0] in (INCOME, EXPENSE, STATUS):
            return found[0], found[1] + LIKE_ANOTHER
    if word.endswith(("description", "bezeichnung")):
        return DESCRIPTION, LIKE_ANOTHER
    return (CODE, LIKE_ANOTHER) if "costcode" in word else None


def connection_of(heading: str) -> str:
    """The connection that the heading of an account column names; empty when it names none."""
    if plain(heading) in MEANING_OF:
        return ""
    named = IN_PARENTHESES.fullmatch(heading.strip())
    return named[2].strip() if named else ""


def is_heading_again(code: str, description: str) -> bool:
    """Whether a row says in both columns what a heading says there."""
    if any(map(str.isdigit, code)):
        return False
    first, second = meaning_of(code), meaning_of(description)
    return first is not None and second is not None and (first[0], second[0]) == (CODE, DESCRIPTION)


def matched(row: Sequence[Any]) -> dict[str, int]:
    """What a row says as a heading: the likeliest column for each meaning."""
    found: dict[str, tuple[int, int]] = {}
    for at, cell in enumerate(cells(row)):
        if meant := meaning_of(shown(cell)):
            meaning, rank = meant
            found[meaning] = min(found.get(meaning, (rank, at)), (rank, at))
    return {meaning: at for meaning, (_, at) in found.items()}
