"""Loads the demo and tells how to sign in. `bin/run` calls it at every start."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from companies.models import Company
from config import demo


class Command(BaseCommand):
    help = "Load the demo company, unless it was loaded before, and print how to sign in."

    def handle(self, *args: Any, **options: Any) -> None:
        passwords = give_passwords(demo.load())
        for person in demo.PEOPLE:
            if password := passwords.get(person.username):
                self.stdout.write(f"Sign in: {person.username} / {password} ({person.may})")


def give_passwords(company: Company) -> dict[str, str]:
    """Passwords of the demo's people that are still there; made at the first start, and anew when the file is lost."""
    kept, told = read_passwords(), {}
    names = [person.username for person in demo.PEOPLE]
    for member in company.members.filter(user__username__in=names, user__is_active=True).select_related("user"):
        user = member.user
        told[user.username] = kept.get(user.username) or secrets.token_urlsafe(12)
        if user.username not in kept or not user.has_usable_password():
            user.set_password(told[user.username])
            user.save(update_fields=["password"])
    if told != kept:
        write_passwords(told)
    return told


def passwords_file() -> Path:
    return Path(settings.VAR_DIR) / "demo.json"


def read_passwords() -> dict[str, str]:
    try:
        return dict(json.loads(passwords_file().read_text()))
    except FileNotFoundError:
        return {}


def write_passwords(passwords: dict[str, str]) -> None:
    """Readable by their owner alone, and never half-written."""
    path = passwords_file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"demo-{os.getpid()}.json")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(passwords, file, indent=2)
    draft.replace(path)
