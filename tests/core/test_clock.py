"""Moments are compared by the database alone; on SQLite, which compares them as text, all of them have one form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from companies.models import Mail, Member
from core.bulk import update_each
from core.clock import in_seconds
from tests import clock
from tests.factories import make_dora

TIMES = 200  # within one millisecond some of them


@pytest.fixture
def mail(db: None) -> Mail:
    dora: Member = make_dora()
    return Mail.objects.create(company=dora.company, recipient=dora.user, subject="Hello", body="")


def by_update(mail: Mail, moment: Any) -> None:
    Mail.objects.filter(pk=mail.pk).update(due_at=moment)


def by_save(mail: Mail, moment: datetime) -> None:
    mail.due_at = moment
    mail.save(update_fields=["due_at"])


def by_json(mail: Mail, moment: datetime) -> None:
    update_each(Mail, [{"id": mail.pk, "due_at": moment}])


@pytest.mark.parametrize("moment", [Now, lambda: in_seconds(0), lambda: in_seconds(-0.0004)])
def test_what_is_due_now_is_due_at_once(mail: Mail, moment: Callable[[], Any]) -> None:
    for _ in range(TIMES):
        by_update(mail, moment())
        assert Mail.objects.filter(due_at__lte=Now()).exists()


@pytest.mark.parametrize("store", [by_update, by_save, by_json])
def test_the_databases_own_moment_is_due_at_once_however_it_is_stored(
    mail: Mail, store: Callable[[Mail, datetime], None]
) -> None:
    for _ in range(TIMES):
        store(mail, clock.now())
        assert Mail.objects.filter(due_at__lte=Now()).exists()


def test_what_was_stored_before_a_moment_was_read_is_not_after_it(mail: Mail) -> None:
    for _ in range(TIMES):
        by_update(mail, Now())
        assert not Mail.objects.filter(due_at__gt=clock.now()).exists()


def test_what_is_to_come_is_not_due(mail: Mail) -> None:
    by_update(mail, in_seconds(60))

    assert not Mail.objects.filter(due_at__lte=Now()).exists()
    assert Mail.objects.filter(due_at__lte=in_seconds(61), due_at__gt=in_seconds(-60)).exists()


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1000, 120_000, 999_999])
@pytest.mark.parametrize("store", [by_update, by_save, by_json])
def test_a_stored_moment_is_equal_to_itself(
    mail: Mail, store: Callable[[Mail, datetime], None], microsecond: int
) -> None:
    moment = datetime(2026, 11, 29, 18, 0, 0, microsecond, tzinfo=UTC)

    store(mail, moment)

    same = Mail.objects.filter(due_at=moment)
    assert same.count() == 1
    assert same.filter(due_at__lte=moment, due_at__gte=moment).exists()
    assert not Mail.objects.filter(due_at__lt=moment).exists()
    assert not Mail.objects.filter(due_at__gt=moment).exists()


def test_all_stored_moments_read_alike(mail: Mail) -> None:
    if connection.vendor != "sqlite":  # PostgreSQL compares them as moments
        return
    forms = set()
    for moment in (Now(), in_seconds(0), in_seconds(-5.25), datetime(2026, 11, 29, 18, 0, tzinfo=UTC), clock.now()):
        by_update(mail, moment)
        with connection.cursor() as cursor:
            cursor.execute("SELECT LENGTH(due_at), LENGTH(made_at) FROM companies_mail")
            forms.add(cursor.fetchone())

    assert forms == {(len("2026-11-29 18:00:00.000"),) * 2}
