"""The product's addresses, and the least that Django can do to save a row: what auto-save is measured against."""

from __future__ import annotations

from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import path

from config import urls
from exports.models import ASSIGNABLE, CodeExport


def save(request: HttpRequest, pk: int) -> HttpResponse:
    """The UPDATE of auto-save, in a transaction of its own, and nothing around it."""
    version = int(request.POST["version"])
    CodeExport.objects.filter(pk=pk, version=version, status__in=ASSIGNABLE).update(
        income_account=request.POST["income"],
        expense_account=request.POST["expense"],
        version=version + 1,
        changed_at=Now(),
    )
    return HttpResponse("Saved")


urlpatterns = [path("bare/<int:pk>/", save), *urls.urlpatterns]
