"""How many calls to ERPs one company has under way: one whose ERPs hang must leave workers to all others."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Case, Count, Exists, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan

from erp_integrations.models import Connection, Question


def room(*, for_question: bool = False) -> LessThan:
    """Whether the company of a row may make one more call now, by the database's clock: for the WHERE of the claim.

    Exports leave one call to the questions that wait, since a person does. Of several workers that claim at once each
    must have locked the company's row before, in the same transaction, else they count too few.
    """
    mine = {"company": OuterRef("company")}
    under_way = _count(Connection.objects.pushed().held().filter(**mine)) + _count(
        Question.objects.under_way().filter(**mine)
    )
    if not for_question:
        under_way += Case(When(Exists(Question.objects.waiting().filter(**mine)), then=1), default=0)
    return LessThan(under_way, Value(settings.EXPORT_COMPANY_CALLS))


def _count(rows: QuerySet[Connection] | QuerySet[Question]) -> Coalesce:
    counted = rows.order_by().values("company").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, IntegerField()), 0)
