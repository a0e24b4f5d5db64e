"""The referee: reads our tables, the audit trail and the ERP's own journal, and tells where an invariant is broken.

RELIABILITY names the invariants I1 to I10. It shares no code with the services; call it when all is quiet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from companies.models import AuditEvent
from erp_integrations.models import Connection
from exports.models import Attempt, CodeExport, Status
from tests.exports.scripted import Books
from wbs.models import Hold

NO_MOVE = {"export.assigned", "export.reason", "export.change_accepted"}


def check_invariants(connection: Connection, books: Books) -> None:
    rows = list(CodeExport.objects.filter(connection=connection).select_related("income_account", "expense_account"))
    check_books(rows, books)
    check_history(rows)
    check_calls(books)
    holds = {hold.item_id: hold for hold in Hold.objects.filter(connection=connection)}
    assert set(holds) == {row.item_id for row in rows}, "I10: each code that was sent has its row and its hold"
    for row in rows:
        lock = {Status.SUCCESS: Hold.Lock.CODE, Status.REJECTED: Hold.Lock.NONE}.get(Status(row.status), Hold.Lock.ALL)
        hold = holds[row.item_id]
        assert (hold.status, hold.note, hold.lock) == (row.status, row.message, lock), f"hold of {row}"


def check_books(rows: list[CodeExport], books: Books) -> None:
    ours = [item for item in books.items() if item["reference"]]
    twice = [name for name, count in Counter(item["reference"] for item in ours).items() if count > 1]
    assert not twice, f"I1: twice in the ERP: {twice}"
    items = {item["remote_id"]: item for item in books.written()}
    attempts = _by("export_id", Attempt.objects.filter(export__in=rows, outcome__in=("exported", "found")))
    for row in rows:
        if row.status != Status.SUCCESS:
            continue
        item = items.get(row.remote_id or "")
        assert item, f"I2: {row} is Success, but the ERP has no {row.remote_id}"
        if item["reference"] is None and not any(attempt.payload["remote_id"] for attempt in attempts[row.pk]):
            continue  # linked and never updated: its values are the ERP's own
        on_screen = (
            row.code if item["reference"] else item["code"],
            row.description,
            row.income_account and row.income_account.remote_id,
            row.expense_account and row.expense_account.remote_id,
        )
        assert attempts[row.pk], f"I2: {row} is Success without an attempt"
        sent = attempts[row.pk][0]
        names = ("code", "description", "income_account", "expense_account")
        assert tuple(item[name] for name in names) == on_screen, f"I9: {row}"
        assert tuple(sent.payload[name] for name in names) == on_screen, f"I2: {row}"


def check_history(rows: list[CodeExport]) -> None:
    ids = [row.pk for row in rows]
    told = _by("subject_id", AuditEvent.objects.filter(subject="export", subject_id__in=ids).order_by("id"))
    attempts = _by("export_id", Attempt.objects.filter(export__in=ids))
    for row in rows:
        events = told[row.pk]
        assert all(event.company_id == row.company_id for event in events), f"I7: {row}"
        moves = [event for event in events if event.action not in NO_MOVE]
        assert len([move for move in moves if move.old]) == row.moves, f"I6: {row} has {row.moves} moves"
        for one, next_one in pairwise(moves):
            assert one.new.split(":")[0] == next_one.old, f"I6: {row} went {one.new} and then from {next_one.old}"
        out = ("export.unlinked", "export.update_queued")
        left = [move for move in moves if move.old == Status.SUCCESS.label and move.action not in out]
        assert not left, f"I5: {row} left Success"
        for one, next_one in pairwise([*moves, None]):
            if one and one.action in ("export.rejected", "export.recalled"):
                late = [attempt.started_at for attempt in attempts[row.pk] if attempt.started_at > one.at]
                assert not [at for at in late if not next_one or at < next_one.at], (
                    f"I4: {row} was sent after rejection"
                )


def _by(name: str, found: Iterable[Any]) -> dict[int, list[Any]]:
    """In the order in which they were read."""
    groups = defaultdict(list)
    for one in found:
        groups[getattr(one, name)].append(one)
    return groups


def check_calls(books: Books) -> None:
    """I8: no call starts while another process is at one, unless that process is dead for the lease's time."""
    at_it: dict[int, float] = {}
    for event in books.events():
        if event["event"] == "start":
            others = [pid for pid, since in at_it.items() if pid != event["pid"] and event["at"] - since < 1]
            assert not others, f"I8: two processes speak with the ERP at {event['at']}"
            at_it[event["pid"]] = event["at"]
        elif event["event"] == "end":
            at_it.pop(event["pid"], None)
