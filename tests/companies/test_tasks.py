from __future__ import annotations

from datetime import UTC, datetime

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from companies.tasks import clear_sessions
from config.celery import app

pytestmark = pytest.mark.django_db


def test_only_sessions_that_ran_out_are_deleted() -> None:
    kept, gone = SessionStore(), SessionStore()
    for session in (kept, gone):
        session.create()
    Session.objects.filter(pk=gone.session_key).update(expire_date=datetime(2020, 1, 1, tzinfo=UTC))

    clear_sessions()

    assert set(Session.objects.values_list("pk", flat=True)) == {kept.session_key}


def test_beat_asks_for_it_every_hour_by_the_clock() -> None:
    """Not so long after its own start: a beat that is started anew each half hour would never come to it."""
    entry = settings.CELERY_BEAT_SCHEDULE["clear_sessions"]

    assert isinstance(entry["schedule"], crontab)
    assert len(entry["schedule"].hour) == 24
    assert entry["task"] in app.tasks
