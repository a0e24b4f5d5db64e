"""How many calls to ERPs one company has under way: one whose ERPs hang must leave workers to all others."""

from __future__ import annotations

from django.conf import settings

from companies.models import Company
from erp_integrations.models import Connection, Question


def has_room(company_id: int, *, for_question: bool = False) -> bool:
    """Whether the company may make one more call now, by the database's clock.

    Exports leave one call to the questions that wait, since a person does. In a transaction: it locks the company's
    row, so that of several workers that ask at once none counts too few.
    """
    Company.objects.select_for_update(no_key=True).values_list("pk").get(pk=company_id)
    exports = Connection.objects.pushed().held().filter(company=company_id).count()
    mine = Question.objects.filter(company=company_id)
    questions = mine.under_way().count() + (not for_question and mine.waiting().exists())
    return exports + questions < settings.EXPORT_COMPANY_CALLS
