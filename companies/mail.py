"""The outbox: a mail is a row, written in the transaction of what it tells, and sent later by a worker.

Before a mail is handed over it is claimed by a conditional UPDATE, so that of several workers one sends it. Only a
process that dies between the server's answer and the UPDATE that notes it leaves a mail to be sent twice, under the
same Message-ID.
"""

from __future__ import annotations

import logging
from smtplib import SMTPRecipientsRefused
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import F
from django.db.models.functions import Now

from companies.models import Company, Mail, Member
from core.clock import InSeconds, in_seconds

CLAIM_S = 600  # after that the claim of a process that died is void
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 3600
MAX_TRIES = 60  # two days, almost

logger = logging.getLogger(__name__)


def write(company: Company, recipient: User, subject: str, body: str, batch_id: int | None = None) -> None:
    """Put a mail into the outbox, in the caller's transaction. Who has no address, or has left, gets none."""
    Mail.objects.create(
        company=company, recipient=recipient, subject=" ".join(subject.split())[:250], body=body, batch_id=batch_id
    )


def withdraw(company_id: int, batch_id: int) -> None:
    """Take back what tells of this click and was not sent yet."""
    Mail.objects.filter(company=company_id, batch_id=batch_id).exclude(due_at=None).delete()


def send_due() -> None:
    """Send what is due. When the server fails, the rest waits with it: a dead server is asked once per wait."""
    server = get_connection()
    try:
        while (mail := _claim()) and _send(mail, server):
            pass
    finally:
        server.close()


def _claim() -> Mail | None:
    """The next mail that is due, ours alone from now on."""
    for mail in Mail.objects.filter(due_at__lte=Now()).select_related("company", "recipient").order_by("due_at")[:50]:
        mine = Mail.objects.filter(pk=mail.pk, tries=mail.tries, due_at__lte=Now())
        if mine.update(due_at=in_seconds(CLAIM_S), tries=F("tries") + 1):
            mail.tries += 1
            return mail
    return None


def _send(mail: Mail, server: BaseEmailBackend) -> bool:
    """Hand one mail over; False when the server failed, not the mail."""
    if not _is_wanted(mail):
        _end(mail, problem="Who was to get it has no address, or has left the company.")
        return True
    try:
        server.open()
        server.send_messages([_message(mail)])
    except SMTPRecipientsRefused as error:
        is_final = all(code >= 500 for code, _ in error.recipients.values())
        _put_off(mail, str(error.recipients), max_tries=0 if is_final else MAX_TRIES)
        return True
    except OSError as error:  # SMTPException is one
        _put_off(mail, f"{type(error).__name__}: {error}")
        Mail.objects.filter(due_at__lte=Now()).update(due_at=_wait(mail))
        return False
    _end(mail, sent_at=Now())
    return True


def _is_wanted(mail: Mail) -> bool:
    member = Member.objects.filter(company=mail.company_id, user=mail.recipient_id, user__is_active=True)
    return bool(mail.recipient.email) and member.exists()


def _message(mail: Mail) -> EmailMessage:
    headers = {
        "Message-ID": f"<{mail.guid.hex}@{urlsplit(settings.SITE_URL).hostname}>",
        "Auto-Submitted": "auto-generated",
    }
    return EmailMessage(mail.subject, mail.body, to=[mail.recipient.email], headers=headers)


def _end(mail: Mail, problem: str = "", **changes: object) -> None:
    Mail.objects.filter(pk=mail.pk, tries=mail.tries).update(due_at=None, problem=problem, **changes)
    if problem:
        logger.warning("Mail %s is given up: %s", mail.pk, problem)


def _put_off(mail: Mail, problem: str, max_tries: int = MAX_TRIES) -> None:
    if mail.tries >= max_tries:
        _end(mail, problem=problem)
        return
    logger.warning("Mail %s was not sent: %s", mail.pk, problem)
    Mail.objects.filter(pk=mail.pk, tries=mail.tries).update(due_at=_wait(mail), problem=problem)


def _wait(mail: Mail) -> InSeconds:
    return in_seconds(min(FIRST_WAIT_S * 2 ** (mail.tries - 1), LONGEST_WAIT_S))
