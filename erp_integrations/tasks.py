"""Wake-up calls: they carry an id, may run twice, late or never."""

from __future__ import annotations

from celery import shared_task

from erp_integrations import questions


@shared_task
def answer(question_id: int) -> None:
    questions.answer(question_id)


@shared_task
def sweep() -> None:
    questions.sweep()
