"""Is the process up; can it reach database and broker."""

from __future__ import annotations

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerError

from config.celery import app


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """503 without the database. A dead broker only delays work (the sweep finds it), so it is told, not fatal."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("The database cannot be reached.", content_type="text/plain", status=503)
    return HttpResponse(f"database ok, broker {_broker()}", content_type="text/plain")


def _broker() -> str:
    if not settings.REDIS_URL:
        return "in this process"
    try:
        with app.connection_for_write(connect_timeout=1) as broker:
            broker.ensure_connection(max_retries=0, timeout=1)
    except (BrokerError, OSError):
        return "unreachable"
    return "ok"


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
