"""Wake-up calls: they may run twice, late or never."""

from __future__ import annotations

from importlib import import_module

from celery import shared_task
from django.conf import settings


@shared_task
def clear_sessions() -> None:
    """Delete the sessions that ran out; Django leaves them in their table for ever."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
