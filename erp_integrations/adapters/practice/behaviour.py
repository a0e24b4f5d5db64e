"""What the Practice ERP can be told to do: by an option of the connection, or by a word in a description."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import TextChoices

from erp_integrations.base import CodeData


class Behaviour(TextChoices):
    NORMAL = "normal", "Normal: strict, and quick"
    SLOW = "slow", "Slow: answers after two seconds"
    REFUSE_THIRD = "refuse_third", "Refuses every third code of a call"
    EXISTS = "exists", "Has every code already, made by someone else"
    UNCERTAIN = "uncertain", "Creates the codes, then is not sure"
    BUSY = "busy", "Too busy: takes nothing, asks to come back"
    DOWN = "down", "Down: cannot be reached"
    WRONG_CREDENTIALS = "wrong_credentials", "Does not accept the credentials"
    PARTIAL = "partial", "Creates the codes, answers for half of them"
    NO_ANSWER = "no_answer", "Creates the codes, then does not answer"
    BUG = "bug", "Fails in a way that nobody foresaw"
    REFUSE = "refuse", "Refuses every code"


WORDS = {
    "[refuse]": Behaviour.REFUSE,
    "[exists]": Behaviour.EXISTS,
    "[uncertain]": Behaviour.UNCERTAIN,
    "[busy]": Behaviour.BUSY,
    "[slow]": Behaviour.SLOW,
    "[bug]": Behaviour.BUG,
}


def behaviours(codes: Sequence[CodeData], default: Behaviour) -> dict[str, Behaviour]:
    """The behaviour towards each code, by reference: the word in its description wins over the option."""
    return {code.reference: _word_in(code) or _at(place, default) for place, code in enumerate(codes)}


def _word_in(code: CodeData) -> Behaviour | None:
    return next((behaviour for word, behaviour in WORDS.items() if word in code.description.casefold()), None)


def _at(place: int, default: Behaviour) -> Behaviour:
    if default is Behaviour.REFUSE_THIRD:
        return Behaviour.REFUSE if place % 3 == 2 else Behaviour.NORMAL
    return default
