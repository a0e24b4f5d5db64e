"""Writing the audit trail: one event per change, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import F, Value
from django.db.models.expressions import Combinable

from companies.models import AuditEvent, Company
from core.bulk import insert_each, insert_from, own_fields


def record(
    company: Company,
    actor: AbstractBaseUser | None,
    action: str,
    subject: models.Model | None = None,
    *,
    kind: str = "",
    label: str = "",
    old: object = "",
    new: object = "",
    batch_id: int | None = None,
    answer: str = "",
) -> None:
    """Record one change. `kind` is the noun of the subject ("connection"); it defaults to the model's name."""
    AuditEvent.objects.create(
        company=company,
        actor_id=actor.pk if actor else None,
        action=action,
        subject=kind or (subject._meta.model_name if subject else "company") or "",
        subject_id=subject.pk if subject else None,
        label=(label or str(subject or ""))[:255],
        old=str(old),
        new=str(new),
        batch_id=batch_id,
        answer=answer,
    )


def record_changes(
    company: Company,
    actor: AbstractBaseUser | None,
    action: str,
    kind: str,
    changes: Iterable[tuple[int, str, str, str]],
) -> None:
    """Record many changes, each with the id of its subject, label, old and new, in one INSERT for 5,000."""
    shared: dict[str, Any] = {
        "company_id": company.pk,
        "actor_id": actor.pk if actor else None,
        "action": action,
        "subject": kind,
    }
    events = [
        AuditEvent(**shared, subject_id=subject_id, label=label[:255], old=old, new=new)
        for subject_id, label, old, new in changes
    ]
    insert_each(events, own_fields(AuditEvent))


def record_each(
    rows: models.QuerySet[Any],
    actor_id: int | None,
    action: str | Combinable,
    *,
    kind: str,
    label: str,
    old: str | Combinable = "",
    new: str | Combinable = "",
    answer: str | Combinable = "",
    batch_id: int | None = None,
) -> None:
    """Record one event for each row of a model with a company, in one INSERT ... SELECT. `label` names a field."""
    values: dict[str, Any] = {
        "company_id": F("company_id"),
        "actor_id": Value(actor_id, models.BigIntegerField()),
        "action": action,
        "subject": kind,
        "subject_id": F("pk"),
        "label": F(label),
        "old": old,
        "new": new,
        "answer": answer,
        "batch_id": Value(batch_id, models.BigIntegerField()),
    }
    insert_from(AuditEvent, rows, values)
