from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from companies import mail
from companies.models import Mail, Member
from core.clock import in_seconds
from tests import clock
from tests.factories import make_dora
from tests.servers.smtp import MailServer


@pytest.fixture
def dora(db: None) -> Member:
    return make_dora()


def write(member: Member, subject: str = "Hello", body: str = "A line.\n", **values: Any) -> Mail:
    mail.write(member.company, member.user, subject, body, **values)
    return Mail.objects.latest("pk")


def let_time_pass() -> None:
    Mail.objects.exclude(due_at=None).update(due_at=in_seconds(-1))


def test_a_mail_is_sent_once(dora: Member, mail_server: MailServer) -> None:
    row = write(dora, "01-100 rejected", "Öffnung, naïve\n")

    mail.send_due()
    mail.send_due()

    [sent] = mail_server.mails()
    row.refresh_from_db()
    assert (sent["To"], sent["Subject"]) == ("dora@example.test", "01-100 rejected")
    assert sent.get_content().strip() == "Öffnung, naïve"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert (row.due_at, row.tries, row.problem) == (None, 1, "")
    assert row.sent_at


def test_a_subject_is_one_line(dora: Member, mail_server: MailServer) -> None:
    write(dora, "One\r\nBcc: charlie@example.test")

    mail.send_due()

    [sent] = mail_server.mails()
    assert sent["Subject"] == "One Bcc: charlie@example.test"
    assert sent["Bcc"] is None


def test_a_dead_server_is_tried_again_at_a_stored_time(dora: Member, mail_server: MailServer) -> None:
    rows = [write(dora, "One"), write(dora, "Two")]
    mail_server.kill()
    before = clock.now()

    mail.send_due()

    [one, two] = Mail.objects.order_by("pk")
    assert (one.tries, two.tries) == (1, 0), "the server is asked once, not once per mail"
    assert one.problem.startswith("ConnectionRefusedError")
    assert min(one.due_at, two.due_at) >= before + timedelta(seconds=mail.FIRST_WAIT_S)
    mail_server.restart()
    mail.send_due()
    assert mail_server.mails() == []
    let_time_pass()
    mail.send_due()
    assert [sent["Subject"] for sent in mail_server.mails()] == ["One", "Two"]
    assert [sent["Message-ID"].strip("<>").split("@")[0] for sent in mail_server.mails()] == [r.guid.hex for r in rows]


def test_waits_grow_and_come_to_an_end(dora: Member, mail_server: MailServer) -> None:
    row = write(dora)
    mail_server.kill()
    for tries, wait_s in ((0, 30), (1, 60), (20, 3600)):
        Mail.objects.update(tries=tries, due_at=Now())
        before = clock.now()
        mail.send_due()
        row.refresh_from_db()
        assert before <= row.due_at - timedelta(seconds=wait_s) <= clock.now()

    Mail.objects.update(tries=mail.MAX_TRIES - 1, due_at=Now())
    mail.send_due()
    row.refresh_from_db()
    assert (row.due_at, row.sent_at, row.problem != "") == (None, None, True)


@pytest.mark.parametrize(("address", "is_final"), [("nobody@example.test", True), ("later@example.test", False)])
def test_a_refused_recipient_holds_up_nobody(
    dora: Member, mail_server: MailServer, address: str, is_final: bool
) -> None:
    refused = write(dora, "Refused")
    dora.user.email = address
    dora.user.save()
    other = make_dora_of("other-builders")
    write(other, "Other")

    mail.send_due()

    refused.refresh_from_db()
    assert [sent["Subject"] for sent in mail_server.mails()] == ["Other"]
    assert (refused.due_at is None, refused.sent_at) == (is_final, None)
    assert re.search("45|55", refused.problem)


def make_dora_of(slug: str) -> Member:
    from tests.factories import make_company, make_member

    return make_member("frank", make_company(slug, slug))


@pytest.mark.parametrize("why", ["no address", "left", "may not sign in"])
def test_nobody_is_written_to_who_should_not_be(dora: Member, mail_server: MailServer, why: str) -> None:
    row = write(dora)
    if why == "left":
        dora.delete()
    else:
        dora.user.email = "" if why == "no address" else dora.user.email
        dora.user.is_active = why != "may not sign in"
        dora.user.save()

    mail.send_due()

    row.refresh_from_db()
    assert mail_server.mails() == []
    assert (row.due_at, row.sent_at) == (None, None)


def test_what_is_withdrawn_is_not_sent_and_what_was_sent_stays_on_record(dora: Member, mail_server: MailServer) -> None:
    write(dora, "Sent", batch_id=1)
    mail.send_due()
    write(dora, "Waits", batch_id=1)
    write(dora, "Of another click", batch_id=2)

    mail.withdraw(dora.company_id, 1)
    mail.send_due()

    assert [sent["Subject"] for sent in mail_server.mails()] == ["Sent", "Of another click"]
    assert Mail.objects.count() == 2


@pytest.mark.pg_only
@pytest.mark.django_db(transaction=True)
def test_several_workers_send_each_mail_once(mail_server: MailServer) -> None:
    dora = make_dora()
    for number in range(20):
        write(dora, f"Mail {number}")

    def work() -> None:
        mail.send_due()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sent["Subject"] for sent in mail_server.mails()) == sorted(f"Mail {n}" for n in range(20))


def test_a_claim_of_a_dead_process_is_void_after_a_while(dora: Member, mail_server: MailServer) -> None:
    row = write(dora)
    assert mail._claim() == row, "and then it died"

    mail.send_due()
    assert mail_server.mails() == []
    let_time_pass()
    mail.send_due()

    assert len(mail_server.mails()) == 1
