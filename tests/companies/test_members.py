from __future__ import annotations

import threading

import pytest
from django.db import connection

from companies import members
from companies.members import LastAdmin, MemberChanged, add_member, change_rights, remove_member
from companies.models import AuditEvent, Level, Member
from tests.factories import make_bob, make_member
from tests.meeting import Meeting


@pytest.mark.django_db
def test_adding_someone_twice_changes_nothing() -> None:
    bob = make_bob()

    assert add_member(bob.company, bob.user, None, admin_level=Level.ADMIN) is None
    assert Member.objects.get().admin_level == Level.READ_ONLY
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_a_removed_member_has_no_rights_to_change() -> None:
    make_member("dora", admin=Level.ADMIN)
    bob = make_bob()
    remove_member(Member.objects.get(pk=bob.pk), None)

    with pytest.raises(MemberChanged):
        change_rights(bob, None, erp_level=Level.ADMIN)
    with pytest.raises(MemberChanged):
        remove_member(bob, None)
    assert [event.action for event in AuditEvent.objects.all()] == ["member.removed"]


@pytest.mark.pg_only  # SQLite admits one writer at a time from BEGIN on
@pytest.mark.django_db(transaction=True)
class TestTwoAdminsDemoteEachOther:
    @pytest.fixture(autouse=True)
    def _look_at_the_same_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both have looked for another Admin before either goes on; who is held back by the lock is not waited for."""
        meeting = Meeting()
        has_other_admin = members.has_other_admin

        def look(member: Member) -> bool:
            found = has_other_admin(member)
            meeting.wait()
            return found

        monkeypatch.setattr(members, "has_other_admin", look)

    def demote_each_other(self) -> list[str]:
        pair = [make_member(name, admin=Level.ADMIN) for name in ("dora", "frank")]
        answers: list[str] = []

        def demote(member: Member) -> None:
            try:
                change_rights(member, None, admin_level=Level.NONE)
                answers.append("done")
            except LastAdmin:
                answers.append("last admin")
            connection.close()

        threads = [threading.Thread(target=demote, args=[member]) for member in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    def test_one_of_them_stays(self) -> None:
        assert self.demote_each_other() == ["done", "last admin"]
        assert Member.objects.filter(admin_level=Level.ADMIN).count() == 1

    def test_control_without_the_lock_nobody_stays(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(members, "lock", lambda company: None)

        assert self.demote_each_other() == ["done", "done"]
        assert not Member.objects.filter(admin_level=Level.ADMIN).exists()
