"""The words that people write for a status."""

from __future__ import annotations

WORDS = {
    True: "active yes true 1 y x open enabled ja wahr aktiv oui vrai actif sí si verdadero activo sim ativo sì vero "
    "attivo actief waar",
    False: "inactive archived retired no false 0 n closed disabled obsolete nein falsch inaktiv archiviert non faux "
    "inactif archivé falso inactivo archivado não nao inativo arquivado inattivo archiviato nee inactief onwaar",
}
MEANS = {word: is_active for is_active, words in WORDS.items() for word in words.split()}


def is_active_of(word: str, *, is_opposite: bool = False) -> bool | None:
    """Whether a word says Active; None for one that says nothing. Under "Archived", Yes is Inactive."""
    found = MEANS.get(word.casefold())
    if found is None or not is_opposite or word.casefold() in ("active", "inactive", "archived", "retired"):
        return found
    return not found
