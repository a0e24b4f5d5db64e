from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from companies.models import AuditEvent, Level, Member
from tests.factories import PASSWORD, make_alice, make_bob, make_company, make_dora, make_member, make_user

pytestmark = pytest.mark.django_db

MEMBERS = "/companies/sample-builders/admin/members/"
NONE, READ_ONLY, STANDARD, ADMIN = (int(level) for level in Level)


def sign_in(client: Client, username: str = "alice", password: str = PASSWORD, next: str = ""):
    return client.post("/login/", {"username": username, "password": password, "next": next})


class TestSignIn:
    def test_it_asks_for_username_and_password(self, client: Client) -> None:
        html = client.get("/login/").content.decode()

        assert '<label for="id_username">Username</label>' in html
        assert '<label for="id_password">Password</label>' in html
        assert '<button type="submit" class="btn-primary">Sign in</button>' in html

    def test_the_right_password_signs_in(self, client: Client) -> None:
        make_user("alice")

        response = sign_in(client)

        assert (response.status_code, response["Location"]) == (302, "/")
        assert client.session["_auth_user_id"]

    @pytest.mark.parametrize(("username", "password"), [("alice", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD)])
    def test_anything_else_gets_one_sentence_and_keeps_the_name(
        self, client: Client, username: str, password: str
    ) -> None:
        make_user("alice")
        gone = make_user("gone")
        gone.is_active = False
        gone.save()

        html = sign_in(client, username, password).content.decode()

        assert "This username and password do not fit together." in html
        assert f'value="{username}"' in html
        assert password not in html
        assert "_auth_user_id" not in client.session

    @pytest.mark.parametrize("values", [{}, {"username": "alice"}, {"username": "a\x00", "password": "x"}])
    def test_what_is_missing_is_told_beside_the_field(self, client: Client, values: dict[str, str]) -> None:
        response = client.post("/login/", values)

        assert response.status_code == 200
        assert 'aria-describedby="id_' in response.content.decode()

    def test_the_session_rotates(self, client: Client) -> None:
        make_user("alice")
        client.get("/login/")
        session = client.session
        session["before"] = 1
        session.save()
        key = session.session_key
        client.cookies["sessionid"] = key

        sign_in(client)

        assert client.session.session_key != key
        assert not Session.objects.filter(pk=key).exists()

    def test_it_goes_on_to_where_the_person_wanted(self, client: Client) -> None:
        make_user("alice")

        assert f'name="next" value="{MEMBERS}"' in client.get(f"/login/?next={MEMBERS}").content.decode()
        assert sign_in(client, next=MEMBERS)["Location"] == MEMBERS

    @pytest.mark.parametrize(
        "elsewhere",
        ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/login/?next=/login/"],
    )
    def test_it_goes_nowhere_else(self, client: Client, elsewhere: str) -> None:
        make_user("alice")

        assert sign_in(client, next=elsewhere)["Location"] == "/"
        assert client.get("/login/", {"next": elsewhere})["Location"] == "/"

    def test_who_is_signed_in_goes_straight_on(self, client: Client) -> None:
        client.force_login(make_user("alice"))

        assert client.get(f"/login/?next={MEMBERS}")["Location"] == MEMBERS

    def test_signing_out_ends_the_session_and_needs_a_post(self, client: Client) -> None:
        client.force_login(make_user("alice"))

        assert client.get("/logout/").status_code == 405
        assert client.session["_auth_user_id"]
        assert client.post("/logout/")["Location"] == "/login/"
        assert "_auth_user_id" not in client.session


class TestHome:
    def test_a_stranger_signs_in_first(self, client: Client) -> None:
        assert client.get("/")["Location"] == "/login/?next=/"

    def test_with_one_company_it_goes_straight_to_the_cost_codes(self, client: Client) -> None:
        client.force_login(make_alice().user)

        response = client.get("/")

        assert response["Location"] == "/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"

    def test_without_rights_on_the_admin_tool_it_goes_to_the_erp(self, client: Client) -> None:
        client.force_login(make_member("alice", erp=Level.STANDARD).user)

        assert client.get("/")["Location"] == "/companies/sample-builders/erp-integrations/"

    def test_several_companies_are_listed_and_only_those(self, client: Client) -> None:
        client.force_login(make_alice().user)
        make_alice(make_company("Other Builders", "other-builders"))
        make_company("Foreign Builders", "foreign-builders")

        html = client.get("/").content.decode()

        assert 'href="/companies/sample-builders/admin/work-breakdown-structure/cost-codes/">Sample Builders' in html
        assert 'href="/companies/other-builders/admin/work-breakdown-structure/cost-codes/">Other Builders' in html
        assert "Foreign Builders" not in html

    def test_a_member_without_rights_is_told_whom_to_ask(self, client: Client) -> None:
        client.force_login(make_member("eve").user)

        response = client.get("/")

        assert response.status_code == 200
        assert "Sample Builders: you have no rights here yet. Ask an Admin of this company" in response.content.decode()

    def test_a_person_without_a_company_is_told_whom_to_ask(self, client: Client) -> None:
        client.force_login(make_user("eve"))

        assert "Ask an Admin of your company to add the username eve under Members." in client.get("/").content.decode()


@pytest.fixture
def dora(client: Client) -> Member:
    """Signed in; holds every right, the flag included."""
    dora = make_dora()
    client.force_login(dora.user)
    return dora


def values(member: Member, **changed: int) -> dict[str, int | str]:
    shown = {"admin_level": member.admin_level, "erp_level": member.erp_level, "version": member.version}
    flag = {"can_push_to_accounting": "on"} if member.can_push_to_accounting else {}
    return {**shown, **flag, **changed}


def change(client: Client, member: Member, **changed: int):
    return client.post(f"{MEMBERS}{member.pk}/change/", values(member, **changed))


def said(client: Client) -> str:
    return client.get(MEMBERS).content.decode()


class TestMembers:
    def test_it_shows_who_may_do_what(self, client: Client, dora: Member) -> None:
        bob = make_bob()

        html = client.get(MEMBERS).content.decode()

        assert "<h1>Members</h1>" in html
        assert f'<label class="sr-only" for="member-{bob.pk}-admin_level">Admin tool for bob</label>' in html
        assert html.count('<option value="1" selected>Read Only</option>') == 2

    def test_rights_change_with_one_audit_event(self, client: Client, dora: Member) -> None:
        bob = make_bob()

        response = change(client, bob, admin_level=ADMIN, erp_level=NONE)

        bob.refresh_from_db()
        assert (response.status_code, response["Location"]) == (302, MEMBERS)
        assert (bob.admin_level, bob.erp_level, bob.version) == (ADMIN, NONE, 2)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.label, event.subject_id) == (
            "member.changed",
            dora.user,
            "bob",
            bob.pk,
        )
        assert event.old == "Admin tool: Read Only, ERP Integrations: Read Only, Can Push to Accounting: no"
        assert event.new == "Admin tool: Admin, ERP Integrations: None, Can Push to Accounting: no"
        assert "The rights of bob are changed." in said(client)

    def test_a_change_to_newer_rights_is_refused_and_shows_them(self, client: Client, dora: Member) -> None:
        bob = make_bob()
        change(client, bob, erp_level=STANDARD)

        response = change(client, bob, admin_level=ADMIN)

        html = response.content.decode()
        assert response.status_code == 409
        assert "Someone else changed the rights of bob since you opened this page." in html
        assert '<option value="2" selected>Standard</option>' in html
        bob.refresh_from_db()
        assert (bob.admin_level, bob.erp_level) == (READ_ONLY, STANDARD)
        assert AuditEvent.objects.count() == 1

    @pytest.mark.parametrize("level", ["4", "-1", "x", ""])
    def test_a_level_that_is_none_is_refused(self, client: Client, dora: Member, level: str) -> None:
        response = client.post(f"{MEMBERS}{dora.pk}/change/", {**values(dora), "erp_level": level})

        assert response.status_code == 422
        assert 'class="errorlist"' in response.content.decode()

    def test_a_version_that_fits_no_column_is_refused(self, client: Client, dora: Member) -> None:
        assert change(client, make_bob(), version=10**30).status_code == 409

    def test_the_last_admin_stays(self, client: Client, dora: Member) -> None:
        make_bob()

        response = change(client, dora, admin_level=STANDARD, erp_level=READ_ONLY)

        html = response.content.decode()
        assert response.status_code == 422
        assert "dora is the last Admin of the Admin tool here. Make someone else Admin first." in html
        assert '<option value="2" selected>Standard</option>' in html, "what was chosen is kept"
        assert Member.objects.get(user=dora.user).admin_level == ADMIN
        assert not AuditEvent.objects.exists()

    def test_an_admin_who_cannot_sign_in_is_no_other_admin(self, client: Client, dora: Member) -> None:
        gone = make_member("gone", admin=Level.ADMIN)
        gone.user.is_active = False
        gone.user.save()

        assert change(client, dora, admin_level=NONE).status_code == 422

    def test_the_last_admin_may_change_their_other_rights(self, client: Client, dora: Member) -> None:
        assert change(client, dora, erp_level=NONE).status_code == 302

    def test_an_admin_may_step_down_when_there_is_another(self, client: Client, dora: Member) -> None:
        make_member("frank", admin=Level.ADMIN)

        assert change(client, dora, admin_level=READ_ONLY)["Location"] == "/"

    def test_who_holds_the_flag_gives_and_takes_it(self, client: Client, dora: Member) -> None:
        bob = make_bob()

        change(client, bob, can_push_to_accounting=1)
        bob.refresh_from_db()
        assert bob.can_push_to_accounting

        client.post(
            f"{MEMBERS}{bob.pk}/change/", {"admin_level": READ_ONLY, "erp_level": READ_ONLY, "version": bob.version}
        )
        bob.refresh_from_db()
        assert not bob.can_push_to_accounting

    def test_who_does_not_hold_the_flag_has_no_control_for_it(self, client: Client) -> None:
        client.force_login(make_member("frank", admin=Level.ADMIN).user)
        alice = make_alice()

        html = client.get(MEMBERS).content.decode()
        response = client.post(f"{MEMBERS}{alice.pk}/change/", {"admin_level": 1, "erp_level": 1, "version": 1})

        assert 'name="can_push_to_accounting"' not in html
        assert response.status_code == 302
        alice.refresh_from_db()
        assert (alice.erp_level, alice.can_push_to_accounting) == (READ_ONLY, True), "only the levels changed"

    @pytest.mark.parametrize("value", ["on", "false", ""])
    def test_who_does_not_hold_the_flag_is_refused_to_send_it(self, client: Client, value: str) -> None:
        frank = make_member("frank", admin=Level.ADMIN)
        client.force_login(frank.user)
        data = {**values(frank), "can_push_to_accounting": value}

        assert client.post(f"{MEMBERS}{frank.pk}/change/", data).status_code == 403
        assert client.post(f"{MEMBERS}add/", {**data, "username": make_user("bob")}).status_code == 403
        assert not Member.objects.filter(can_push_to_accounting=True).exists()

    def test_a_member_is_added_with_an_audit_event(self, client: Client, dora: Member) -> None:
        bob = make_user("bob")

        client.post(f"{MEMBERS}add/", {"username": "bob", "admin_level": READ_ONLY, "erp_level": STANDARD})

        member = Member.objects.get(user=bob)
        assert (member.admin_level, member.erp_level, member.can_push_to_accounting) == (READ_ONLY, STANDARD, False)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.label, event.old) == ("member.added", dora.user, "bob", "")
        assert event.new == "Admin tool: Read Only, ERP Integrations: Standard, Can Push to Accounting: no"
        assert "bob is a member now." in said(client)

    @pytest.mark.parametrize(
        ("username", "sentence"),
        [
            ("nobody", "There is no user nobody."),
            ("dora", "dora is a member already."),
            ("", "This field is required."),
        ],
    )
    def test_who_cannot_be_added_is_told_beside_the_field(
        self, client: Client, dora: Member, username: str, sentence: str
    ) -> None:
        response = client.post(f"{MEMBERS}add/", {"username": username, "admin_level": ADMIN, "erp_level": STANDARD})

        html = response.content.decode()
        assert response.status_code == 422
        assert f'id="id_username_error">{sentence}' in html
        assert f'value="{username}"' in html or not username
        assert Member.objects.count() == 1
        assert not AuditEvent.objects.exists()

    def test_a_member_is_removed_with_an_audit_event(self, client: Client, dora: Member) -> None:
        bob = make_bob()

        client.post(f"{MEMBERS}{bob.pk}/remove/", values(bob))

        assert not Member.objects.filter(pk=bob.pk).exists()
        event = AuditEvent.objects.get()
        assert (event.action, event.label, event.new) == ("member.removed", "bob", "")
        assert event.old == "Admin tool: Read Only, ERP Integrations: Read Only, Can Push to Accounting: no"
        assert "bob is no longer a member." in said(client)

    def test_a_member_whose_rights_changed_meanwhile_is_not_removed(self, client: Client, dora: Member) -> None:
        bob = make_bob()
        change(client, bob, admin_level=ADMIN)

        response = client.post(f"{MEMBERS}{bob.pk}/remove/", values(bob))

        assert response.status_code == 409
        assert Member.objects.filter(pk=bob.pk).exists()
        assert AuditEvent.objects.get().action == "member.changed"

    def test_the_last_admin_is_not_removed(self, client: Client, dora: Member) -> None:
        response = client.post(f"{MEMBERS}{dora.pk}/remove/", values(dora))

        assert response.status_code == 422
        assert "dora is the last Admin" in response.content.decode()
        assert Member.objects.filter(pk=dora.pk).exists()

    def test_a_member_of_another_company_is_not_here(self, client: Client, dora: Member) -> None:
        foreign = make_bob(make_company("Other Builders", "other-builders"))

        assert change(client, foreign, admin_level=ADMIN).status_code == 404
        assert client.post(f"{MEMBERS}{foreign.pk}/remove/", values(foreign)).status_code == 404
        foreign.refresh_from_db()
        assert foreign.version == 1


class TestFourEyes:
    def test_an_admin_turns_it_on_and_off_with_an_audit_event_each(self, client: Client, dora: Member) -> None:
        answers = [client.post(f"{MEMBERS}four-eyes/", {"four_eyes": "on"} if on else {}) for on in (True, True, False)]

        assert [answer["Location"] for answer in answers] == [MEMBERS] * 3
        events = AuditEvent.objects.order_by("pk").values_list("action", "label", "old", "new", "actor__username")
        assert list(events) == [
            ("company.changed", "Four Eyes", "off", "on", "dora"),
            ("company.changed", "Four Eyes", "on", "off", "dora"),
        ]
        dora.company.refresh_from_db()
        assert not dora.company.four_eyes

    def test_the_page_shows_how_it_is(self, client: Client, dora: Member) -> None:
        control = '<input type="checkbox" id="four-eyes" name="four_eyes"'
        assert f"{control}  aria" in client.get(MEMBERS).content.decode()

        client.post(f"{MEMBERS}four-eyes/", {"four_eyes": "on"})

        assert "Saved. Whoever sent a code may no longer accept it." in said(client)
        assert f"{control} checked" in client.get(MEMBERS).content.decode()

    def test_others_see_neither_page_nor_control(self, client: Client, dora: Member) -> None:
        client.force_login(make_alice().user)

        assert client.post(f"{MEMBERS}four-eyes/", {"four_eyes": "on"}).status_code == 403
        dora.company.refresh_from_db()
        assert not dora.company.four_eyes
