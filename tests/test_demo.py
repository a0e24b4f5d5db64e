from __future__ import annotations

import json
import re
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from companies.models import AuditEvent, Company, Level, Member
from config import demo
from erp_integrations.models import Connection, GLAccount
from exports.models import Cause, CodeExport, Status
from tests.factories import make_user
from wbs.models import Project, Segment, SegmentItem

pytestmark = [pytest.mark.django_db, pytest.mark.either]
LINE = re.compile(r"^Sign in: (\w+) / (\S+) \(.+\)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _var(settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def load() -> dict[str, str]:
    """Load the demo; the passwords that it printed."""
    out = StringIO()
    call_command("load_demo", stdout=out)
    return dict(LINE.findall(out.getvalue()))


def everything() -> list[int]:
    return [m.objects.count() for m in (AuditEvent, Member, Connection, GLAccount, SegmentItem, CodeExport, Project)]


def test_its_people_sign_in_with_what_is_printed() -> None:
    passwords = load()

    assert list(passwords) == ["admin", "approver", "viewer"]
    for username, password in passwords.items():
        assert authenticate(username=username, password=password)
        assert Client().login(username=username, password=password)


def test_its_people_have_the_rights_of_the_product() -> None:
    load()

    rights = {
        member.user.username: (member.admin_level, member.erp_level, member.can_push_to_accounting)
        for member in Member.objects.filter(company__slug="sample-builders")
    }
    assert rights == {
        "admin": (Level.ADMIN, Level.ADMIN, False),
        "approver": (Level.NONE, Level.STANDARD, True),
        "viewer": (Level.READ_ONLY, Level.READ_ONLY, False),
    }


def test_codes_wait_with_and_without_accounts_and_others_are_not_sent() -> None:
    load()

    connection = Connection.objects.get(company__slug="sample-builders", slug="practice-erp")
    ready = connection.code_exports.filter(status=Status.READY)
    assert ready.count() == connection.code_exports.count()
    assert ready.filter(income_account=None).count() >= 10
    assert ready.exclude(income_account=None).count() >= 10
    assert SegmentItem.objects.filter(exports=None, children=None).count() >= 100
    assert connection.gl_accounts.count() >= 60
    assert ready.filter(code="03-100").exists()


def test_each_word_that_makes_the_practice_erp_fail_can_be_tried() -> None:
    load()

    descriptions = " ".join(SegmentItem.objects.values_list("description", flat=True))
    assert {"[refuse]", "[exists]", "[uncertain]", "[busy]", "[slow]"} <= set(re.findall(r"\[\w+\]", descriptions))
    assert CodeExport.objects.filter(description__contains="[refuse]").exclude(income_account=None).exists()


def test_an_integrated_project_and_another_use_some_of_the_codes() -> None:
    load()

    projects = {project.number: project for project in Project.objects.with_connection()}
    assert projects["P-100"].connection == Connection.objects.get()
    assert projects["P-200"].connection is None
    assert all(project.items().count() >= 10 for project in projects.values())
    assert projects["P-100"].missing_items().exists()


def test_a_second_start_changes_nothing_and_prints_the_same() -> None:
    first = load()
    before = everything()

    assert load() == first
    assert everything() == before


def test_what_people_deleted_or_changed_stays_so() -> None:
    load()
    SegmentItem.objects.filter(full_code="33-100").delete()
    Project.objects.filter(number="P-200").delete()
    CodeExport.objects.filter(code="03-100").update(status=Status.REJECTED, cause=Cause.REJECTED)
    Connection.objects.update(name="Our ERP", options={"behaviour": "slow"})
    GLAccount.objects.filter(number="4000").update(is_active=False)
    User.objects.get(username="viewer").memberships.all().delete()
    before = everything()

    assert list(load()) == ["admin", "approver"]

    assert everything() == before
    assert Connection.objects.get().name == "Our ERP"
    assert not GLAccount.objects.get(number="4000").is_active


def test_an_emptied_list_is_not_filled_again() -> None:
    load()
    CodeExport.objects.all().delete()

    load()

    assert not CodeExport.objects.exists()


@pytest.mark.parametrize("step", ["connect", "sync_gl_accounts", "send_some", "add_projects"])
def test_a_start_that_was_killed_half_way_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def die(*args: object) -> None:
        raise KeyboardInterrupt

    place = {
        "connect": type(Connection.objects),
        "sync_gl_accounts": Connection,
        "send_some": demo,
        "add_projects": demo,
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(place, step, die)
        with pytest.raises(KeyboardInterrupt):
            load()

    assert len(load()) == 3
    assert CodeExport.objects.filter(income_account__number="4010").exists()
    assert Connection.objects.count() == Company.objects.count() == 1


def test_the_passwords_are_for_their_owner_alone(tmp_path: Path) -> None:
    passwords = load()

    file = tmp_path / "demo.json"
    assert json.loads(file.read_text()) == passwords
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["demo.json"]


def test_passwords_are_random() -> None:
    passwords = load()

    assert len(set(passwords.values())) == 3
    assert all(len(password) >= 12 for password in passwords.values())


def test_lost_passwords_are_made_anew(tmp_path: Path) -> None:
    first = load()
    (tmp_path / "demo.json").unlink()

    second = load()

    assert not set(first.values()) & set(second.values())
    assert authenticate(username="admin", password=second["admin"])


def test_a_new_database_takes_the_passwords_that_are_kept() -> None:
    first = load()
    User.objects.update(password="!never-set")

    assert load() == first
    assert authenticate(username="viewer", password=first["viewer"])


def test_it_never_takes_over_a_person_who_is_there() -> None:
    make_user("admin")

    with pytest.raises(CommandError, match="the username admin"):
        load()

    assert not Company.objects.exists()
    assert authenticate(username="admin", password="correct horse battery")


def test_its_list_is_the_sample_without_its_duplicates() -> None:
    load()

    segment = Segment.objects.get(company__slug="sample-builders", slug="cost-codes")
    assert segment.items.filter(full_code="03-180").count() == 1
    assert segment.items.count() >= 380
