"""Changing who may do what: every change is one conditional step, in one transaction with its audit event."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from companies.audit import record
from companies.models import Company, Level, Member


class LastAdmin(Exception):
    """Without this member nobody could change the company's members any more."""


class MemberChanged(Exception):
    """Someone else changed or removed this member since it was read."""


@transaction.atomic
def add_member(company: Company, user: User, actor: User | None, **rights: Any) -> Member | None:
    """None when the user belongs to the company already; nothing changes then."""
    member, is_new = company.members.get_or_create(user=user, defaults=rights)
    if not is_new:
        return None
    record(company, actor, "member.added", member, label=user.username, new=member.rights)
    return member


@transaction.atomic
def change_rights(member: Member, actor: User | None, **rights: Any) -> None:
    """Give `member`, as it was read, these rights. Raises LastAdmin or MemberChanged; then nothing changed."""
    if rights.get("admin_level", Level.ADMIN) < Level.ADMIN:
        _leave_an_admin(member)
    old = member.rights
    if not _unchanged(member).update(version=F("version") + 1, **rights):
        raise MemberChanged
    member.refresh_from_db(fields=["version", *rights])
    record(member.company, actor, "member.changed", member, label=member.user.username, old=old, new=member.rights)


@transaction.atomic
def remove_member(member: Member, actor: User | None) -> None:
    """Raises LastAdmin or MemberChanged; then nothing changed."""
    _leave_an_admin(member)
    record(member.company, actor, "member.removed", member, label=member.user.username, old=member.rights)
    if not _unchanged(member).delete()[0]:
        raise MemberChanged


@transaction.atomic
def set_four_eyes(company: Company, actor: User | None, wanted: bool) -> bool:
    """Whether whoever sent a code may accept it too. False: it was so already; nothing changes then."""
    if not Company.objects.filter(pk=company.pk, four_eyes=not wanted).update(four_eyes=wanted):
        return False
    old, new = ("off", "on") if wanted else ("on", "off")
    record(company, actor, "company.changed", company, label="Four Eyes", old=old, new=new)
    return True


def _unchanged(member: Member) -> Any:
    return Member.objects.filter(pk=member.pk, version=member.version)


def _leave_an_admin(member: Member) -> None:
    lock(member.company)
    if not has_other_admin(member):
        raise LastAdmin


def lock(company: Company) -> None:
    """Two Admins who demote each other at once would both still see the other one. SQLite is locked by BEGIN."""
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)


def has_other_admin(member: Member) -> bool:
    admins = member.company.members.filter(admin_level=Level.ADMIN, user__is_active=True)
    return admins.exclude(pk=member.pk).exists()
