from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils.text import slugify

from companies.audit import record
from companies.members import add_member
from companies.models import Company, Level
from companies.people import make_user


class Command(BaseCommand):
    help = "Make a company and its first admin, who holds every right in it. The user is made when there is none yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--slug", default="", help="the company's word in addresses; by default made from the name")
        parser.add_argument("--time-zone", default="UTC", help="such as America/Chicago")
        parser.add_argument("--four-eyes", action="store_true", help="whoever sent a code may not accept it")
        parser.add_argument("--admin", required=True, metavar="USERNAME")
        parser.add_argument("--email", default="", help="of the admin, when the user is made")
        parser.add_argument("--ask-password", action="store_true", help="ask for a password instead of making one")

    @transaction.atomic
    def handle(self, *args: Any, admin: str, email: str, ask_password: bool, **options: Any) -> None:
        company = self._make_company(**options)
        user = User.objects.filter(username=admin).first() or make_user(admin, email, ask_password, self.stdout)
        rights = {"admin_level": Level.ADMIN, "erp_level": Level.ADMIN, "can_push_to_accounting": True}
        add_member(company, user, None, **rights)
        self.stdout.write(f"{company} is at /companies/{company.slug}/, its first admin is {user}.")

    def _make_company(self, name: str, slug: str, time_zone: str, four_eyes: bool, **options: Any) -> Company:
        company = Company(name=name, slug=slug or slugify(name), time_zone=time_zone, four_eyes=four_eyes)
        try:
            company.full_clean()
        except ValidationError as error:
            sentences = (f"{field}: {' '.join(texts)}" for field, texts in error.message_dict.items())
            raise CommandError("\n".join(sentences)) from error
        company.save()
        record(company, None, "company.made", company, new=f"{time_zone}, four eyes: {'yes' if four_eyes else 'no'}")
        return company
