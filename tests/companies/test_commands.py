from __future__ import annotations

import getpass
import re
from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from companies.models import AuditEvent, Company, Level, Member
from tests.factories import make_bob, make_user

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def answer(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    given = iter(answers)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(given))


class TestMakeCompany:
    def test_it_makes_a_company_and_an_admin_with_every_right(self) -> None:
        run("make_company", "Sample Builders", "--time-zone", "America/Chicago", "--admin", "dora", "--four-eyes")

        company = Company.objects.get(slug="sample-builders")
        dora = company.members.get(user__username="dora")
        assert (company.name, company.time_zone, company.four_eyes) == ("Sample Builders", "America/Chicago", True)
        assert (dora.admin_level, dora.erp_level, dora.can_push_to_accounting) == (Level.ADMIN, Level.ADMIN, True)

    def test_the_password_of_a_new_admin_is_shown_once_and_works(self) -> None:
        out = run("make_company", "Sample Builders", "--admin", "dora", "--email", "dora@example.test")

        password = re.search(r"Password of dora, shown this once: (\S+)", out)
        assert password
        user = authenticate(None, username="dora", password=password[1])
        assert user
        assert user.email == "dora@example.test"

    def test_a_password_may_be_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        answer(monkeypatch, "brick upon brick", "brick upon brick")

        out = run("make_company", "Sample Builders", "--admin", "dora", "--ask-password")

        assert authenticate(None, username="dora", password="brick upon brick")
        assert "brick" not in out

    @pytest.mark.parametrize(
        ("answers", "sentence"),
        [(("brick upon brick", "brick"), "differ"), (("short", "short"), "at least 10 characters")],
    )
    def test_a_bad_password_makes_nothing(
        self, monkeypatch: pytest.MonkeyPatch, answers: tuple[str, str], sentence: str
    ) -> None:
        answer(monkeypatch, *answers)

        with pytest.raises(CommandError, match=sentence):
            run("make_company", "Sample Builders", "--admin", "dora", "--ask-password")
        assert not Company.objects.exists()
        assert not User.objects.exists()

    def test_an_admin_who_is_there_keeps_the_password(self) -> None:
        dora = make_user("dora")

        out = run("make_company", "Sample Builders", "--slug", "sb", "--admin", "dora")

        assert "Password" not in out
        assert Member.objects.get().user == dora
        assert dora.password == User.objects.get().password

    def test_it_is_in_the_audit_trail(self) -> None:
        run("make_company", "Sample Builders", "--admin", "dora")

        assert [(event.action, event.actor, event.label, event.new) for event in AuditEvent.objects.order_by("id")] == [
            ("company.made", None, "Sample Builders", "UTC, four eyes: no"),
            (
                "member.added",
                None,
                "dora",
                "Admin tool: Admin, ERP Integrations: Admin, Can Push to Accounting: yes",
            ),
        ]

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["Sample Builders", "--time-zone", "Chicago"], "Chicago is not a time zone"),
            (["Sample Builders", "--slug", "a b"], "slug: Enter a valid"),
            (["建設"], "slug: This field cannot be blank"),
            (["Taken"], "slug: Company with this Slug already exists"),
            (["Sample Builders", "--admin", "a b"], "Enter a valid username"),
        ],
    )
    def test_what_cannot_be_is_told_and_makes_nothing(self, words: list[str], sentence: str) -> None:
        Company.objects.create(name="Taken", slug="taken")

        with pytest.raises(CommandError, match=sentence):
            run("make_company", "--admin", "dora", *words)
        assert Company.objects.count() == 1
        assert not User.objects.exists()


class TestMakeUser:
    def test_it_makes_someone_who_can_sign_in(self) -> None:
        out = run("make_user", "bob", "--email", "bob@example.test")

        assert authenticate(None, username="bob", password=out.split(": ")[1].strip())
        assert not Member.objects.exists()

    def test_a_name_is_taken_once(self) -> None:
        make_user("bob")

        with pytest.raises(CommandError, match="already exists"):
            run("make_user", "bob")


class TestGrantPushToAccounting:
    def test_it_gives_the_flag_with_an_audit_event(self) -> None:
        bob = make_bob()

        out = run("grant_push_to_accounting", "sample-builders", "bob")

        bob.refresh_from_db()
        assert bob.can_push_to_accounting
        assert "Can Push to Accounting: yes" in out
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.label) == ("member.changed", None, "bob")
        assert event.old.endswith("Can Push to Accounting: no")
        assert event.new.endswith("Can Push to Accounting: yes")

    def test_it_takes_it_again(self) -> None:
        bob = make_bob()
        run("grant_push_to_accounting", "sample-builders", "bob")

        run("grant_push_to_accounting", "sample-builders", "bob", "--revoke")

        bob.refresh_from_db()
        assert not bob.can_push_to_accounting
        assert AuditEvent.objects.count() == 2

    def test_what_is_so_already_is_no_event(self) -> None:
        make_bob()

        assert "Nothing to do." in run("grant_push_to_accounting", "sample-builders", "bob", "--revoke")
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("words", [("sample-builders", "nobody"), ("other-builders", "bob")])
    def test_it_knows_members_only(self, words: tuple[str, str]) -> None:
        make_bob()

        with pytest.raises(CommandError, match=f"{words[1]} is no member of a company {words[0]}"):
            run("grant_push_to_accounting", *words)
