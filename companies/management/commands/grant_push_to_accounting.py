from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from companies.members import MemberChanged, change_rights
from companies.models import Member


class Command(BaseCommand):
    help = 'Give a member the flag "Can Push to Accounting", for a company in which nobody is left who could.'

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("company", help="its slug, as in the address")
        parser.add_argument("username")
        parser.add_argument("--revoke", action="store_true", help="take it instead")

    def handle(self, *args: Any, company: str, username: str, revoke: bool, **options: Any) -> None:
        members = Member.objects.select_related("company", "user")
        member = members.filter(company__slug=company, user__username=username).first()
        if member is None:
            raise CommandError(f"{username} is no member of a company {company}.")
        if member.can_push_to_accounting is not revoke:
            self.stdout.write(f"Nothing to do. {member.rights}.")
            return
        try:
            change_rights(member, None, can_push_to_accounting=not revoke)
        except MemberChanged:
            raise CommandError("Someone changed this member at the same moment. Try again.") from None
        self.stdout.write(f"{username} in {member.company}: {member.rights}.")
