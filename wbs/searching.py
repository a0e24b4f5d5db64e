"""What somebody types into a search field, as a condition over rows that have a code and a description."""

from __future__ import annotations

from django.db.models import Q

from wbs.codes import code_key, fold


def contains(code_field: str, text: str) -> Q:
    """Rows whose code, by the field of its key, or description contains the text; every row where there is none.

    A code is found by what reads like it and, for those whose key is older (migration 0012), as it is spelled.
    """
    spelled, found = fold(text), Q()
    if spelled:
        found |= Q(description_key__contains=spelled)
    for key in {spelled, code_key(text)} - {""}:
        found |= Q(**{f"{code_field}__contains": key})
    return found
