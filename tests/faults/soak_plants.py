"""Errors that are planted where all was well, one at a time: a referee that does not see them all proves nothing.

Those in our tables are undone by a rollback; those in an ERP's journal are made in a copy of it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.soak_referee import violations

ROW = "(SELECT id FROM exports_codeexport WHERE status = 'SUCCESS' AND {mine} ORDER BY id LIMIT 1)"
EVENT = f"(SELECT MIN(id) FROM companies_auditevent WHERE subject = 'export' AND subject_id = {ROW})"
# What is planted -> (how, the invariant that the referee names)
IN_TABLES = {
    "a row that stays in Exporting": (f"UPDATE exports_codeexport SET status = 'EXPORTING' WHERE id = {ROW}", "I3"),
    "a false Success": (f"UPDATE exports_codeexport SET remote_id = 'R0' WHERE id = {ROW}", "I2"),
    "another description than was sent": (
        f"UPDATE exports_codeexport SET description = 'Another' WHERE id = {ROW}",
        "I9",
    ),
    "another account than was sent": (
        "UPDATE exports_codeexport SET income_account_id = (SELECT id FROM erp_integrations_glaccount"
        " WHERE number = '5000' AND erp_integrations_glaccount.connection_id = exports_codeexport.connection_id)"
        f" WHERE id = {ROW}",
        "I9",
    ),
    "a move without its event": (f"UPDATE exports_codeexport SET moves = moves + 1 WHERE id = {ROW}", "I6"),
    "an event that is gone": (f"DELETE FROM companies_auditevent WHERE id = {EVENT}", "I6"),
    "a way out of Success": (
        "INSERT INTO companies_auditevent (company_id, action, subject, subject_id, label, old, new, answer) SELECT"
        " company_id, 'export.failed', 'export', id, code, 'Success', 'Failed', '' FROM exports_codeexport"
        f" WHERE id = {ROW}",
        "I5",
    ),
    "an actor of nobody's company": (
        "UPDATE companies_auditevent SET actor_id = (SELECT id FROM made) WHERE id = "
        f"(SELECT MIN(id) FROM companies_auditevent WHERE subject = 'export' AND actor_id > 0 AND subject_id = {ROW})",
        "I7",
    ),
    "a sending after its rejection": (
        "WITH rejected AS (INSERT INTO companies_auditevent (company_id, at, action, subject, subject_id, label, old,"
        " new, answer) SELECT company_id,"
        " (SELECT MIN(started_at) - interval '1 ms' FROM exports_attempt WHERE export_id = e.id),"
        f" 'export.rejected', 'export', id, code, 'Queued', 'Rejected', '' FROM exports_codeexport e WHERE id = {ROW}"
        " RETURNING 1) SELECT 1 FROM rejected",
        "I4",
    ),
    "another word in the WBS": (
        "UPDATE wbs_hold SET status = 'FAILED' FROM exports_codeexport e WHERE e.item_id = wbs_hold.item_id AND"
        f" e.connection_id = wbs_hold.connection_id AND e.id = {ROW}",
        "I6",
    ),
    "a sending that is not on record": (f"DELETE FROM exports_attempt WHERE export_id = {ROW}", "I2"),
}
OURS = "(SELECT MIN(id) FROM journal WHERE event = 'item' AND reference IS NOT NULL)"
FIELDS = "at, pid, event, mood, reference, code, description, income, expense"
IN_JOURNALS = {
    "an item that is there twice": (
        f"INSERT INTO journal ({FIELDS}) SELECT {FIELDS} FROM journal WHERE id = {OURS}",
        "I1",
    ),
    "an item that nobody knows": (
        f"INSERT INTO journal ({FIELDS}) SELECT at, pid, event, mood, 'nobody', code, description, income, expense"
        f" FROM journal WHERE id = {OURS}",
        "I10",
    ),
    "two who speak at once": (
        "INSERT INTO journal (at, pid, event)"
        " SELECT at, pid, 'export' FROM (SELECT 1e9 AS at, 1 AS pid UNION ALL SELECT 1e9 + 0.1, 2)",
        "I8",
    ),
}


def plant(connect: Callable[[], psycopg.Connection[Any]], books: dict[int, Path]) -> tuple[int, list[str]]:
    """How many errors were planted, and which of them the referee did not find."""
    unseen = []
    mine = f"connection_id IN ({', '.join(map(str, books))})"
    for name, (statement, invariant) in IN_TABLES.items():
        with connect() as session:
            session.execute("ALTER TABLE companies_auditevent DISABLE TRIGGER USER")
            session.execute("CREATE TEMPORARY TABLE made (id integer) ON COMMIT DROP")
            session.execute(
                "WITH one AS (INSERT INTO auth_user (username, password, is_superuser, first_name, last_name, email,"
                " is_staff, is_active, date_joined) VALUES ('nobody', '', false, '', '', '', false, true, now())"
                " RETURNING id) INSERT INTO made SELECT id FROM one"
            )
            session.execute(statement.format(mine=mine))
            unseen += _unseen(name, invariant, violations(session, books))
            session.rollback()
    for name, (statement, invariant) in IN_JOURNALS.items():
        connection, path = next((pk, path) for pk, path in books.items() if _has_items(path))
        copy = path.with_suffix(".planted")
        shutil.copy(path, copy)
        with sqlite3.connect(copy) as journal:
            journal.execute(statement)
        journal.close()
        with connect() as session:
            unseen += _unseen(name, invariant, violations(session, {**books, connection: copy}))
        copy.unlink()
    return len(IN_TABLES) + len(IN_JOURNALS), unseen


def _has_items(path: Path) -> bool:
    journal = sqlite3.connect(path)
    [number] = journal.execute("SELECT COUNT(*) FROM journal WHERE event = 'item' AND reference IS NOT NULL").fetchone()
    journal.close()
    return bool(number)


def _unseen(name: str, invariant: str, found: list[str]) -> list[str]:
    return [] if any(words.startswith(f"{invariant} ") for words in found) else [name]
