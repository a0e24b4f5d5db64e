from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db.models.functions import Now

from companies import mail
from companies.models import Company, Level, Mail
from core.clock import in_seconds
from exports import services, tasks
from exports.models import Batch, CodeExport, Status
from exports.services import notifications
from tests import factories
from tests.exports.referee import check_invariants
from tests.exports.scene import Scene
from tests.exports.scripted import Rule
from tests.exports.steps import queries
from tests.servers.smtp import MailServer

LIST = "http://localhost:8000/companies/sample-builders/admin/work-breakdown-structure/cost-codes/"


def reject(scene: Scene, *codes: str) -> Batch:
    """By alice, as dora sent them."""
    ids = tuple(CodeExport.objects.filter(code__in=codes).values_list("pk", flat=True))
    batch = services.reject_codes(scene.alice, scene.connection, scene.seen(ids=ids)).batch
    assert batch
    return batch


def two_minutes_pass() -> None:
    Batch.objects.update(at=in_seconds(-121))


def text(mail: EmailMessage) -> str:
    return mail.get_content().replace("\r\n", "\n")


# Rejections


def test_a_saved_reason_reaches_the_sender_at_once(scene: Scene, mail_server: MailServer) -> None:
    scene.ready("01-100", "01-200")
    batch = reject(scene, "01-100", "01-200")
    tasks.mail()
    assert mail_server.mails() == [], "the reason is waited for"

    services.set_reason(scene.alice, batch, "Use 01-200 & its <kin>")
    tasks.mail()
    tasks.mail()

    [sent] = mail_server.mails()
    item = CodeExport.objects.get(code="01-100").item_id
    assert sent["To"] == "dora@example.test"
    assert sent["Subject"] == "2 cost codes rejected: Sample Builders, Scripted ERP"
    assert "alice rejected 2 cost codes that you sent to Scripted ERP (Sample Builders)." in text(sent)
    assert "Reason: Use 01-200 & its <kin>\n" in text(sent)
    assert f"01-100  Description 01-100\n  {LIST}{item}/\n01-200" in text(sent)
    check_invariants(scene.connection, scene.books)


def test_without_a_reason_the_mail_leaves_after_two_minutes(scene: Scene, mail_server: MailServer) -> None:
    scene.ready("01-100")
    reject(scene, "01-100")
    Batch.objects.update(at=in_seconds(-60))
    tasks.mail()
    assert mail_server.mails() == []

    two_minutes_pass()
    tasks.mail()
    tasks.mail()

    [sent] = mail_server.mails()
    assert "No reason was given." in text(sent)
    assert f"{LIST}?q=01-100" in text(sent)


def test_what_was_undone_is_not_mailed(scene: Scene, mail_server: MailServer) -> None:
    scene.ready("01-100")
    batch = reject(scene, "01-100")
    services.undo_rejection(scene.alice, batch)

    two_minutes_pass()
    tasks.mail()

    assert mail_server.mails() == []


def test_undo_takes_back_a_mail_that_waits_for_its_server(scene: Scene, mail_server: MailServer) -> None:
    scene.ready("01-100")
    batch = reject(scene, "01-100")
    services.set_reason(scene.alice, batch, "Wrong division")
    mail_server.kill()
    tasks.mail()
    assert Mail.objects.count() == 1

    services.undo_rejection(scene.alice, batch)
    mail_server.restart()
    Mail.objects.update(due_at=Now())
    tasks.mail()

    assert mail_server.mails() == []
    assert not Mail.objects.exists()


def test_an_undo_that_comes_too_late_leaves_the_mail(scene: Scene, mail_server: MailServer) -> None:
    [row] = scene.ready("01-100")
    batch = reject(scene, "01-100")
    services.send_codes(scene.dora, scene.connection, [row.item_id])

    assert services.undo_rejection(scene.alice, batch).count == 0
    two_minutes_pass()
    tasks.mail()

    assert mail_server.mails() == [], "but the code is back in review: there is nothing to tell"
    assert not Batch.objects.get(pk=batch.pk).undone_at


def test_each_sender_is_told_of_their_own_codes(scene: Scene, mail_server: MailServer) -> None:
    frank = factories.make_member("frank", admin=Level.ADMIN)
    scene.ready("01-100")
    services.send_codes(frank, scene.connection, scene.add_codes("01-200"))
    reject(scene, "01-100", "01-200")

    two_minutes_pass()
    tasks.mail()

    told = {sent["To"]: text(sent) for sent in mail_server.mails()}
    assert set(told) == {"dora@example.test", "frank@example.test"}
    assert "01-200  " not in told["dora@example.test"]
    assert "01-100  " not in told["frank@example.test"]


def test_a_reason_that_comes_late_is_mailed_too_and_the_same_one_only_once(
    scene: Scene, mail_server: MailServer
) -> None:
    scene.ready("01-100")
    batch = reject(scene, "01-100")
    two_minutes_pass()
    tasks.mail()

    for _ in range(2):
        services.set_reason(scene.alice, batch, "Wrong division")
        tasks.mail()

    assert [("Wrong division" in text(sent)) for sent in mail_server.mails()] == [False, True]


def test_a_long_list_is_cut(scene: Scene, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "LISTED", 2)
    codes = ("01-100", "01-200", "01-300", "01-400")
    scene.ready(*codes)
    reject(scene, *codes)
    two_minutes_pass()
    tasks.mail()

    [sent] = mail_server.mails()
    assert "01-200  " in text(sent)
    assert "01-300  " not in text(sent)
    assert "and 2 more\n" in text(sent)


def test_a_week_old_rejection_is_no_news(scene: Scene, mail_server: MailServer) -> None:
    scene.ready("01-100")
    reject(scene, "01-100")
    Batch.objects.update(at=in_seconds(-8 * 24 * 3600))

    tasks.mail()

    assert mail_server.mails() == []


def test_a_dead_server_holds_up_no_click(scene: Scene, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    scene.ready("01-100")
    batch = reject(scene, "01-100")

    services.set_reason(scene.alice, batch, "Wrong division")

    assert not Mail.objects.exists(), "the click only saves; the worker writes and sends"


# Failures


def test_a_failed_export_is_mailed_once_when_the_export_is_through(scene: Scene, mail_server: MailServer) -> None:
    scene.queue("01-100", "01-200", "01-300")
    scene.books.tell(Rule("refuse", "01-200"), Rule("not sent", "01-300", times=1))
    scene.portion()
    assert scene.states()["01-200"] == "FAILED"
    tasks.mail()
    assert mail_server.mails() == [], "01-300 is still on its way"

    scene.let_time_pass()
    scene.drain()
    tasks.mail()
    tasks.mail()

    [sent] = mail_server.mails()
    assert sent["Subject"] == "1 cost code failed to export: Sample Builders, Scripted ERP"
    assert "01-200  Description 01-200\n    01-200 is refused.\n" in text(sent)


def test_a_retry_that_fails_again_is_mailed_again(scene: Scene, mail_server: MailServer) -> None:
    [row] = scene.queue("01-100")
    scene.books.tell(Rule("refuse", "01-100"))
    scene.portion()
    tasks.mail()

    services.retry_codes(scene.alice, scene.connection, [row.pk])
    scene.drain()
    tasks.mail()

    assert len(mail_server.mails()) == 2


# The daily summary


@pytest.fixture
def summary_is_due(scene: Scene) -> Scene:
    Company.objects.update(summary_due_at=Now())
    return scene


def test_approvers_are_told_what_waits(summary_is_due: Scene, mail_server: MailServer) -> None:
    scene = summary_is_due
    factories.make_bob()
    scene.ready("01-100", "01-200")
    CodeExport.objects.filter(code="01-200").update(status=Status.ATTENTION)
    scene.ready("01-300")
    CodeExport.objects.filter(code="01-300").update(status=Status.SUCCESS, remote_id="R1", drift="orphaned")

    tasks.mail()
    tasks.mail()

    told = {sent["To"]: sent for sent in mail_server.mails()}
    assert len(mail_server.mails()) == 2
    assert set(told) == {"alice@example.test", "dora@example.test"}
    sent = told["alice@example.test"]
    page = "http://localhost:8000/companies/sample-builders/erp-integrations/scripted-erp/standard-cost-codes/"
    assert sent["Subject"] == "ERP Integrations Daily Summary: Sample Builders"
    assert f"Scripted ERP\n  Ready to Export: 1 cost code\n  {page}?filter=ready-to-export\n" in text(sent)
    assert f"  Needs review: 1 cost code\n  {page}?filter=needs-review\n" in text(sent)
    link = page.replace("standard-cost-codes", "link")
    assert f"  Gone or changed in the ERP: 1 cost code\n  {link}\n" in text(sent)
    assert Company.objects.filter(summary_due_at__gt=Now()).exists()


def test_while_nothing_waits_nobody_is_told(summary_is_due: Scene, mail_server: MailServer) -> None:
    tasks.mail()
    summary_is_due.ready("01-100")
    tasks.mail()

    assert mail_server.mails() == []
    assert Company.objects.filter(summary_due_at__gt=Now()).exists()


def test_a_company_that_was_made_just_now_waits_for_the_next_morning(scene: Scene, mail_server: MailServer) -> None:
    scene.ready("01-100")

    tasks.mail()

    assert mail_server.mails() == []
    assert Company.objects.get().summary_due_at


@pytest.mark.parametrize(
    ("now", "then"),
    [("2026-03-07 06:59", "2026-03-07 07:00"), ("2026-03-07 07:00", "2026-03-08 07:00")],
)
def test_it_comes_at_seven_by_the_companys_clock_also_when_clocks_change(now: str, then: str) -> None:
    zone = ZoneInfo("America/Chicago")  # its clocks went forward on 2026-03-08

    due = notifications._next_summary(
        Company(time_zone="America/Chicago"), datetime.fromisoformat(now).replace(tzinfo=zone)
    )

    assert due.astimezone(UTC) == datetime.fromisoformat(then).replace(tzinfo=zone).astimezone(UTC)


# All of it


def test_an_idle_run_costs_the_same_however_much_there_is(scene: Scene) -> None:
    tasks.mail()
    few = len(queries(tasks.mail))
    scene.ready(*(f"01-{number}" for number in range(100, 130)))
    reject(scene, *(f"01-{number}" for number in range(100, 110)))

    assert len(queries(tasks.mail)) == few == 4


def test_the_worker_and_beat_send_it(start_process: Any, scene: Scene, mail_server: MailServer, tmp_path: Any) -> None:
    """The whole way: beat wakes the worker, which speaks with a real server."""
    from tests.servers.celery import Beat, Worker
    from tests.servers.server import wait_until

    scene.ready("01-100")
    batch = reject(scene, "01-100")
    services.set_reason(scene.alice, batch, "Wrong division")
    told = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mail_server.port), "EMAIL_USE_TLS": "false"}
    start_process(Worker, **told)
    start_process(Beat)

    wait_until(lambda: mail.Mail.objects.filter(sent_at__isnull=False).exists(), "The mail")

    assert "Reason: Wrong division" in text(mail_server.mails()[0])
