"""Wake-up calls: they carry an id, may run twice, late or never."""

from __future__ import annotations

from celery import shared_task

from wbs import import_drafts
from wbs.models import ImportDraft


@shared_task
def check_draft(draft_id: int) -> None:
    """Read and check a long list; if nobody comes, whoever looks at the check does it."""
    draft = ImportDraft.objects.select_related("segment").filter(pk=draft_id).first()
    if draft:
        import_drafts.work(draft)
