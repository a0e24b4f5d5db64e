"""Making people, for the commands: there is no page on which strangers sign up."""

from __future__ import annotations

import getpass
import secrets

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, OutputWrapper


def make_user(username: str, email: str, ask_password: bool, out: OutputWrapper) -> User:
    """A user with a password that is asked for, or made and written to `out` once. CommandError if it cannot be."""
    user = User(username=username, email=email)
    password = _ask_password(user) if ask_password else secrets.token_urlsafe(15)
    user.set_password(password)
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    user.save()
    if not ask_password:
        out.write(f"Password of {username}, shown this once: {password}")
    return user


def _ask_password(user: User) -> str:
    password = getpass.getpass(f"Password for {user.username}: ")
    if getpass.getpass("Again: ") != password:
        raise CommandError("The two passwords differ.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return password
