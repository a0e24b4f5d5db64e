"""The referee of a soak. It shares no code with the product: when all is quiet it reads our tables in SQL, the audit
trail, and the journal that the ERP kept for itself, and tells every invariant (RELIABILITY, I1 to I10) that is broken.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

LEASE_S = 1.5  # less than the lease of a soak: who starts a call later than this after another may have the next lease
LABELS = {
    "READY": "Ready to Export",
    "QUEUED": "Queued",
    "EXPORTING": "Exporting",
    "UNKNOWN": "Checking with ERP",
    "SUCCESS": "Success",
    "FAILED": "Failed",
    "ATTENTION": "Needs review",
    "REJECTED": "Rejected",
}
STILL = ("export.assigned", "export.reason", "export.change_accepted")  # events that move nothing
OUT_OF_SUCCESS = ("export.unlinked", "export.update_queued")
OUT_OF_REVIEW = ("export.rejected", "export.recalled")
Row = dict[str, Any]


class Scene(NamedTuple):
    """What is judged: rows by id, the events of each in their order, its attempts, and the journals by connection."""

    rows: dict[int, Row]
    events: dict[int, list[Row]]
    attempts: dict[int, list[Row]]
    members: set[tuple[int, int]]
    journals: dict[int, list[Row]]


def violations(database: psycopg.Connection[Any], books: dict[int, Path]) -> list[str]:
    """Of these connections (books by id); empty when all holds."""
    scene = read(database, books)
    return [words for rule in RULES for words in rule(scene)]


def read(database: psycopg.Connection[Any], books: dict[int, Path]) -> Scene:
    with database.cursor(row_factory=dict_row) as cursor:
        ask = _asker(cursor, [*books])
        rows = ask(
            "SELECT e.*, c.company_id AS company_of_connection, i.remote_id AS income, x.remote_id AS expense,"
            " h.status AS held, h.lock FROM exports_codeexport e"
            " JOIN erp_integrations_connection c ON c.id = e.connection_id"
            " LEFT JOIN erp_integrations_glaccount i ON i.id = e.income_account_id"
            " LEFT JOIN erp_integrations_glaccount x ON x.id = e.expense_account_id"
            " LEFT JOIN wbs_hold h ON h.item_id = e.item_id AND h.connection_id = e.connection_id"
            " WHERE e.connection_id = ANY(%s)"
        )
        events = ask(
            "SELECT a.* FROM companies_auditevent a JOIN exports_codeexport e ON e.id = a.subject_id"
            " WHERE a.subject = 'export' AND e.connection_id = ANY(%s) ORDER BY a.id"
        )
        attempts = ask(
            "SELECT a.* FROM exports_attempt a JOIN exports_codeexport e ON e.id = a.export_id"
            " WHERE e.connection_id = ANY(%s) ORDER BY a.id"
        )
        cursor.execute("SELECT company_id, user_id FROM companies_member")
        members = {(row["company_id"], row["user_id"]) for row in cursor.fetchall()}
    return Scene(
        {row["id"]: row for row in rows},
        _grouped(events, "subject_id"),
        _grouped(attempts, "export_id"),
        members,
        {connection: journal(path) for connection, path in books.items()},
    )


def _asker(cursor: psycopg.Cursor[Row], connections: list[int]) -> Callable[[str], list[Row]]:
    def ask(query: str) -> list[Row]:
        cursor.execute(query, [connections])  # type: ignore[arg-type]
        return cursor.fetchall()

    return ask


def _grouped(rows: list[Row], key: str) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def journal(path: Path) -> list[Row]:
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    lines = [dict(line) for line in database.execute("SELECT * FROM journal ORDER BY id")]
    database.close()
    return lines


def one_item_each(scene: Scene) -> Iterator[str]:
    for connection, lines in scene.journals.items():
        seen: set[str] = set()
        for line in lines:
            if line["event"] == "item" and line["reference"]:
                if line["reference"] in seen:
                    yield f"I1 doubled: the ERP of {connection} has {line['code']} twice"
                seen.add(line["reference"])
    held: dict[tuple[int, str], str] = {}
    for row in scene.rows.values():
        if row["remote_id"]:
            other = held.setdefault((row["connection_id"], row["remote_id"]), row["code"])
            if other != row["code"]:
                yield f"I1 one item for two codes: {row['code']} and {other}"


def success_is_true(scene: Scene) -> Iterator[str]:
    items = {
        (connection, f"R{line['id']}"): line
        for connection, lines in scene.journals.items()
        for line in lines
        if line["event"] == "item"
    }
    for row in scene.rows.values():
        if row["status"] != "SUCCESS":
            continue
        item = items.get((row["connection_id"], row["remote_id"]))
        if item and item["reference"] is None and _moves(scene, row)[-1:] == ["export.linked"]:
            continue  # someone else's item, which a person took for this code with the values that it has
        if item is None or item["reference"] != row["reference"]:
            yield f"I2 false Success: the ERP does not have {row['code']} as {row['remote_id']}"
            continue
        on_screen = (row["code"], row["description"], row["income"], row["expense"])
        if on_screen != (item["code"], item["description"], item["income"], item["expense"]):
            yield f"I9 other values than on the screen: {row['code']}"
        sent = [one["payload"] for one in scene.attempts.get(row["id"], []) if one["outcome"] in ("exported", "found")]
        names = ("code", "description", "income_account", "expense_account")
        if on_screen not in [tuple(payload[name] for name in names) for payload in sent]:
            yield f"I2 Success without an attempt of these values: {row['code']}"


def nothing_is_stuck(scene: Scene) -> Iterator[str]:
    for row in scene.rows.values():
        if row["status"] in ("QUEUED", "EXPORTING", "UNKNOWN"):
            yield f"I3 stuck: {row['code']} is {row['status']}"


def rejected_is_not_sent(scene: Scene) -> Iterator[str]:
    for pk, events in scene.events.items():
        for rejected, following in pairwise([*events, None]):
            if rejected and rejected["action"] in OUT_OF_REVIEW:
                later = (one for one in scene.attempts.get(pk, []) if one["started_at"] > rejected["at"])
                if any(following is None or one["started_at"] < following["at"] for one in later):
                    yield f"I4 sent after its rejection: {rejected['label']}"


def success_stays(scene: Scene) -> Iterator[str]:
    for event in _of_all(scene):
        if event["old"] == LABELS["SUCCESS"] and event["action"] not in (*OUT_OF_SUCCESS, *STILL):
            yield f"I5 left Success by {event['action']}: {event['label']}"


def each_move_has_its_event(scene: Scene) -> Iterator[str]:
    for pk, row in scene.rows.items():
        moves = [event for event in scene.events.get(pk, []) if event["action"] not in STILL]
        if not moves or moves[0]["old"] or len(moves) - 1 != row["moves"]:
            told = " ".join(event["action"] for event in moves)
            yield f"I6 {row['moves']} moves and {len(moves)} events: {row['code']} ({told})"
            continue
        for one, following in pairwise(moves):
            if _state(one) != following["old"]:
                yield f"I6 {row['code']} went to {_state(one)} and then left {following['old']}"
        if _state(moves[-1]) != LABELS[row["status"]]:
            yield f"I6 {row['code']} is {row['status']}, by its events {_state(moves[-1])}"
        if row["held"] != row["status"]:
            yield f"I6 the WBS says {row['held']} of {row['code']}, which is {row['status']}"


def companies_are_apart(scene: Scene) -> Iterator[str]:
    for row in scene.rows.values():
        if row["company_id"] != row["company_of_connection"]:
            yield f"I7 {row['code']} of company {row['company_id']} is on another's connection"
    for event in _of_all(scene):
        company = scene.rows[event["subject_id"]]["company_id"]
        if event["company_id"] != company:
            yield f"I7 an event of {event['label']} belongs to another company"
        if event["actor_id"] and (company, event["actor_id"]) not in scene.members:
            yield f"I7 {event['label']} was moved by someone of another company"


def one_speaks_at_a_time(scene: Scene) -> Iterator[str]:
    for connection, lines in scene.journals.items():
        at_it: dict[int, float] = {}
        for line in lines:
            if line["event"] == "export":
                others = [since for pid, since in at_it.items() if pid != line["pid"] and line["at"] - since < LEASE_S]
                if others:
                    yield f"I8 two speak with the ERP of {connection} at once"
                at_it[line["pid"]] = line["at"]
            elif line["event"] == "end":
                at_it.pop(line["pid"], None)


def nothing_is_lost(scene: Scene) -> Iterator[str]:
    references = {row["reference"] for row in scene.rows.values()}
    for connection, lines in scene.journals.items():
        for line in lines:
            if line["event"] == "item" and line["reference"] and line["reference"] not in references:
                yield f"I10 lost: the ERP of {connection} has {line['code']}, which we do not know"
    for pk in scene.events.keys() - scene.rows.keys():
        yield f"I10 lost: export {pk}"
    in_erp = {line["reference"] for lines in scene.journals.values() for line in lines if line["event"] == "item"}
    for pk, row in scene.rows.items():
        ended = scene.attempts.get(pk, [])
        if row["reference"] in in_erp and not ended:
            yield f"I10 sent without an attempt on record: {row['code']}"


def _of_all(scene: Scene) -> Iterator[Row]:
    return (event for events in scene.events.values() for event in events)


def _moves(scene: Scene, row: Row) -> list[str]:
    return [event["action"] for event in scene.events.get(row["id"], []) if event["action"] not in STILL]


def _state(event: Row) -> str:
    return str(event["new"]).split(":")[0]


RULES: tuple[Callable[[Scene], Iterator[str]], ...] = (
    one_item_each,
    success_is_true,
    nothing_is_stuck,
    rejected_is_not_sent,
    success_stays,
    each_move_has_its_event,
    companies_are_apart,
    one_speaks_at_a_time,
    nothing_is_lost,
)
