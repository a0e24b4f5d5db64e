"""Whether an acceptance still stands when its code is about to leave: the accounts as they were picked, and the person.

The claim looks in its own SELECT, so that nothing leaves that should not; the sweep gives back what no longer stands.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from django.db import OperationalError, transaction
from django.db import connection as database
from django.db.models import BigIntegerField, BooleanField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.expressions import RawSQL

from companies.models import Member
from erp_integrations.base import Capabilities
from erp_integrations.errors import ConfigurationError
from erp_integrations.models import Connection
from exports.models import Batch, CodeExport, Status, fits
from exports.queue.decisions import Next
from exports.queue.transitions import follow

logger = logging.getLogger(__name__)
PORTION = 1000  # rows given back in one transaction
ASKED_ONLY = ~Q(link_to="") | Q(
    ask_first=True, before_update__isnull=False
)  # nothing is sent before their item is seen


def stands(connection: Connection) -> Q:
    """Accepted rows of the connection that may go: whoever accepted them still may, and their accounts still fit.

    To ask about an item that is to be linked, or about an update that may have arrived, no account has to fit.
    For queries of `CodeExport` itself, not of rows that another query refers to.
    """
    sql, params = standing_sql(connection.capabilities)
    return Q(RawSQL(sql, params, BooleanField()), connection=connection)  # noqa: S611 - Django's own words


@lru_cache(maxsize=100)
def standing_sql(able: Capabilities) -> tuple[str, tuple[Any, ...]]:
    """The condition as SQL. Each portion asks it, and to put it together anew costs more than the database's answer."""
    approvers = Member.objects.approvers().filter(company=OuterRef("company"), user=OuterRef("actor"))
    two_pairs = Q(company__four_eyes=False) | Q(sender=None) | ~Q(actor=F("sender"))
    batch = Batch.objects.alias(sender=ExpressionWrapper(OuterRef("sent_by"), BigIntegerField()))
    accepted = batch.filter(Q(actor=None) | Q(Exists(approvers)), two_pairs, pk=OuterRef("export_batch"))
    query = CodeExport.objects.filter(Q(export_batch=None) | Q(Exists(accepted)), fits(able) | ASKED_ONLY).query
    sql, params = query.get_compiler(connection=database).compile(query.where)
    return f"({sql})", tuple(params)


def give_back() -> None:
    """Queued codes whose acceptance no longer stands go back to review; updates fail, so that someone decides anew."""
    queued = CodeExport.objects.filter(status=Status.QUEUED, connection=OuterRef("pk"))
    for connection in Connection.objects.filter(Exists(queued)).select_related("company").defer("credentials"):
        try:
            while _give_back(connection):
                pass
        except ConfigurationError:  # the integration is no longer installed
            continue
        except OperationalError as error:  # someone holds its rows; the others shall not wait for them
            logger.warning("Nothing of %s was given back yet: %s", connection, str(error).partition("\n")[0])


def _give_back(connection: Connection) -> bool:
    """A portion of them; False when there are none."""
    queued = CodeExport.objects.filter(connection=connection, status=Status.QUEUED)
    fallen = queued.exclude(stands(connection))
    if not fallen.exists():  # nearly always
        return False
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).values_list("pk").get(pk=connection.pk)  # as `clicks.click`
        rows = list(fallen.for_review().select_related("connection__company", "export_batch__actor")[:PORTION])
        cleared = {"detail": "", "link_to": "", "link_despite": ""}
        follow([(row, Next(_where_to(row), _why(row), cleared)) for row in rows])
    return bool(rows)


def _where_to(row: CodeExport) -> Status:
    if not row.is_update:
        return Status.READY
    return Status.ATTENTION if row.ask_first else Status.FAILED


def _why(row: CodeExport) -> str:
    if troubles := row.troubles:
        return f"Not sent. {' '.join(troubles)}"
    batch = row.export_batch
    actor = batch.actor if batch else None
    name = actor.get_full_name() or actor.get_username() if actor else "Nobody"
    if row.connection.company.four_eyes and actor and row.sent_by_id == actor.pk:
        return f"Not sent. {name} sent and accepted it, and four eyes are wanted by now. Someone else accepts it."
    return f"Not sent. {name}, who accepted it, may no longer do so. Accept it again."
