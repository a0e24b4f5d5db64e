"""Who is written to, and when: the senders of rejected and failed codes, daily the approvers. What is due is a row.

A click's mails are written into the outbox (`companies.mail`) in the transaction that marks its batch as mailed, so
twice is harmless and never is made good by the next run.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse

from companies import mail
from companies.models import Company
from core.clock import in_seconds
from core.numbers import counted
from erp_integrations.models import Connection
from exports.models import UNFINISHED, Batch, CodeExport, CodeExportQuerySet, Status

NEWS_FOR_S = 7 * 24 * 3600  # what is older when mail works again is no news
LISTED = 100  # codes in one mail
SUMMARY_HOUR = 7  # of the company's day
WAITING = {  # state -> its filter
    Status.READY: "ready-to-export",
    Status.FAILED: "failed-to-export",
    Status.ATTENTION: "needs-review",
}


def tell() -> None:
    """Write the mails that are due by now."""
    for batch in _rejections():
        with transaction.atomic():
            if _claim(batch):
                _write_to_senders(batch, CodeExport.objects.filter(batch=batch, status=Status.REJECTED), "rejected")
    for batch in _with_failures():
        with transaction.atomic():
            if _claim(batch):
                _write_to_senders(batch, CodeExport.objects.filter(export_batch=batch, status=Status.FAILED), "failed")
    for company in Company.objects.filter(Q(summary_due_at=None) | Q(summary_due_at__lte=Now())).annotate(clock=Now()):
        _summarise(company, company.clock)


def _rejections() -> QuerySet[Batch]:
    """Rejections whose reason was saved, or for which nobody gave one in time; not those that were undone."""
    told = ~Q(reason="") | Q(at__lte=in_seconds(-settings.REJECTION_MAIL_DELAY_S))
    recent = Batch.objects.filter(at__gt=in_seconds(-NEWS_FOR_S))
    return recent.filter(told, kind=Batch.Kind.REJECT, mailed_at=None, undone_at=None)


def _with_failures() -> QuerySet[Batch]:
    """Exports that are through, with codes that failed."""
    failed = CodeExport.objects.filter(status=Status.FAILED).order_by()
    running = CodeExport.objects.filter(export_batch=OuterRef("pk"), status__in=UNFINISHED)
    through = Batch.objects.filter(~Exists(running), pk__in=failed.values("export_batch"), mailed_at=None)
    return through.filter(at__gt=in_seconds(-NEWS_FOR_S))


def _claim(batch: Batch) -> bool:
    """False when another worker was first, or someone undid it just now."""
    return bool(Batch.objects.filter(pk=batch.pk, mailed_at=None, undone_at=None).update(mailed_at=Now()))


def _write_to_senders(batch: Batch, rows: CodeExportQuerySet, template: str) -> None:
    """One mail to each sender, with the codes that are theirs."""
    batch = Batch.objects.select_related("company", "connection", "actor").get(pk=batch.pk)
    by_sender: dict[User, list[CodeExport]] = defaultdict(list)
    for row in rows.filter(sent_by__isnull=False).select_related("sent_by").order_by("sort_key", "id"):
        by_sender[row.sent_by].append(row)  # type: ignore[index]
    mail.withdraw(batch.company_id, batch.pk)
    for sender, codes in by_sender.items():
        context = {
            "batch": batch,
            "count": len(codes),
            "codes": codes[:LISTED],
            "more": len(codes) - LISTED if len(codes) > LISTED else 0,
            "list": url("wbs:cost_codes", batch.company.slug),
        }
        verb = "rejected" if template == "rejected" else "failed to export"
        subject = f"{counted(len(codes))} {verb}: {batch.company}, {batch.connection}"
        mail.write(batch.company, sender, subject, _body(template, context), batch.pk)


def _summarise(company: Company, now: datetime) -> None:
    """Once a day what waits, to each approver; never at once for a company that was made just now."""
    with transaction.atomic():
        mine = Company.objects.filter(pk=company.pk, summary_due_at=company.summary_due_at)
        is_ours = mine.update(summary_due_at=_next_summary(company, now))
        if not is_ours or company.summary_due_at is None or not (waiting := _what_waits(company)):
            return
        body = _body("summary", {"company": company, "waiting": waiting})
        for member in company.members.approvers().select_related("user"):
            mail.write(company, member.user, f"ERP Integrations Daily Summary: {company}", body)


def _next_summary(company: Company, now: datetime) -> datetime:
    local = company.local(now)
    today = local.replace(hour=SUMMARY_HOUR, minute=0, second=0, microsecond=0)
    return today if local < today else today + timedelta(days=1)


def _what_waits(company: Company) -> list[dict[str, Any]]:
    """Per connection how many codes wait for an approver, and why, with the address of each list."""
    told: dict[Connection, list[tuple[str, int, str]]] = defaultdict(list)
    connections = {connection.pk: connection for connection in company.connections.defer("credentials")}
    rows = CodeExport.objects.filter(company=company).order_by()
    waiting = rows.filter(status__in=WAITING).values_list("connection", "status").annotate(Count("pk"))
    for pk, status, count in sorted(waiting, key=lambda row: list(WAITING).index(row[1])):
        told[connections[pk]].append(
            (Status(status).label, count, f"{list_of(connections[pk])}?filter={WAITING[status]}")
        )
    for pk, count in rows.exclude(drift="").values_list("connection").annotate(Count("pk")):
        told[connections[pk]].append(
            ("Gone or changed in the ERP", count, url("exports:link_page", company.slug, connections[pk].slug))
        )
    return [
        {"connection": connection, "lines": told[connection]}
        for connection in connections.values()
        if connection in told
    ]


def list_of(connection: Connection) -> str:
    return url("exports:standard_cost_codes", connection.company.slug, connection.slug)


def url(name: str, *parts: str) -> str:
    return settings.SITE_URL + reverse(name, args=parts)


def _body(template: str, context: dict[str, Any]) -> str:
    return render_to_string(f"exports/mail/{template}.txt", context)
