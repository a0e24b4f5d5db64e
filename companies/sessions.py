"""Who asks: the session and the user of each request, read by statements that the database has prepared."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import BigIntegerField, CharField, QuerySet
from django.db.models.functions import Now

from core.statements import Given, Rows


@Rows
def _sessions() -> QuerySet[Session]:
    return Session.objects.filter(session_key=Given("key", CharField()), expire_date__gt=Now())


@Rows
def _users() -> QuerySet[User]:
    return User.objects.filter(pk=Given("id", BigIntegerField()))


class SessionStore(db.SessionStore):
    """Django's sessions in the database."""

    def load(self) -> dict[str, Any]:
        """The values of the session; empty, and without a key, when it is none or has expired."""
        session = _sessions.first(key=self.session_key)
        if session is None:
            self._session_key = None
            return {}
        return self.decode(session.session_data)


class Backend(ModelBackend):
    """Django's users and passwords."""

    def get_user(self, user_id: int) -> User | None:
        user = _users.first(id=user_id)
        return user if user and self.user_can_authenticate(user) else None
