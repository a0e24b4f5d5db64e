from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from companies.people import make_user


class Command(BaseCommand):
    help = "Make a person who can sign in. An Admin of a company then adds them under Members."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument("--ask-password", action="store_true", help="ask for a password instead of making one")

    def handle(self, *args: Any, username: str, email: str, ask_password: bool, **options: Any) -> None:
        make_user(username, email, ask_password, self.stdout)
