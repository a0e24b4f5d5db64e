"""An ERP for the soak: it keeps whatever it is sent, twice if it is sent twice, and misbehaves by the dice of a seed.

Its books are a journal of its own, an SQLite file that nothing but the referee reads besides. How a call goes is drawn
from the seed and the number of the call, so a schedule that is replayed meets the same moods in the same order.
"""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django import forms

from erp_integrations.base import Adapter, Capabilities, CodeData, Exists, Exported, Outcome, Receipt, Refused
from erp_integrations.errors import ConfigurationError, TransientError, UncertainError
from tests.patience import PATIENCE_S

TABLE = """
CREATE TABLE IF NOT EXISTS journal (
  id INTEGER PRIMARY KEY, at REAL, pid INTEGER, event TEXT, mood TEXT, reference TEXT, code TEXT,
  description TEXT, income TEXT, expense TEXT
);
CREATE INDEX IF NOT EXISTS by_reference ON journal (reference) WHERE event = 'item';
CREATE INDEX IF NOT EXISTS by_code ON journal (code) WHERE event = 'item';
"""
# How a call that writes goes, in parts of a hundred.
WRITING = {
    "well": 56,
    "slow": 12,
    "lost before": 5,  # nothing is done, and nobody knows
    "lost after": 8,  # all is done, and nobody knows
    "half": 4,  # some are done, and nobody knows
    "silent on some": 4,
    "refused connection": 4,
    "throttled": 2,
    "refuses some": 2,
    "dies": 1,  # with the process that called, some done
    "dies at the end": 1,
    "sleeps": 1,  # until the lease is over
}
ASKING = {"well": 82, "slow": 6, "refused connection": 5, "lost before": 5, "dies": 1, "throttled": 1}
CALL_S = 1  # the call's time-out, by which the lease is reckoned


class Books:
    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Each statement is committed by itself: what is kept is kept, whoever dies next."""
        database = sqlite3.connect(self.path, timeout=PATIENCE_S, isolation_level=None)
        try:
            database.execute("PRAGMA synchronous=OFF")
            database.executescript(TABLE)
            yield database
        finally:
            database.close()

    @property
    def calm(self) -> Path:
        """While this file is there, all goes well."""
        return self.path.with_suffix(".calm")


def note(database: sqlite3.Connection, event: str, mood: str = "", code: CodeData | None = None) -> int:
    values = (code.reference, code.code, code.description, code.income_account, code.expense_account) if code else ()
    row = (time.monotonic(), os.getpid(), event, mood, *(values or (None,) * 5))
    told = database.execute(
        "INSERT INTO journal (at, pid, event, mood, reference, code, description, income, expense)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    return int(told.lastrowid or 0)


class CarelessOptions(forms.Form):
    secret_fields = ()

    books = forms.CharField()
    seed = forms.CharField()


class CarelessAdapter(Adapter):
    key = "careless"
    label = "Careless ERP"
    capabilities = Capabilities(
        item_type="Line in a file",
        proven_against="nothing",
        batch_size=25,
        looks_up_by="reference",
        has_expense_account=True,
        call_timeout_s=CALL_S,
        settle_s=0,
    )

    @classmethod
    def options_form(cls) -> type[forms.Form]:
        return CarelessOptions

    @property
    def books(self) -> Books:
        return Books(self.options["books"])

    def find(self, codes: Sequence[CodeData]) -> dict[str, Receipt]:
        with self.books.open() as database:
            mood, _ = self._begin(database, "find", ASKING)
            found = {code.reference: held for code in codes if (held := self._held(database, code))}
            self._end(database, mood)
        return found

    def export_codes(self, codes: Sequence[CodeData]) -> list[Outcome]:
        with self.books.open() as database:
            mood, dice = self._begin(database, "export", WRITING)
            some = {code.reference for code in codes if dice.random() < 0.5}
            stops_at = dice.randrange(len(codes) + 1) if mood in ("half", "dies") else len(codes)
            outcomes = [self._take(database, code, mood, code.reference in some) for code in codes[:stops_at]]
            self._end(database, mood)
        return [one for one in outcomes if mood != "silent on some" or one.reference not in some]

    def _take(self, database: sqlite3.Connection, code: CodeData, mood: str, is_chosen: bool) -> Outcome:
        if mood == "refuses some" and is_chosen:
            return Refused(code.reference, f"{code.code} is refused.")
        held = self._held(database, code)
        if held and not held.is_ours:
            return Exists(code.reference, held, "Someone else made an item of this code.")
        if held is None:
            note(database, "item", mood, code)
            held = self._held(database, code)
        assert held
        return Exported(code.reference, held)

    def _held(self, database: sqlite3.Connection, code: CodeData) -> Receipt | None:
        query = "SELECT id, code, description, income, expense, reference FROM journal WHERE event = 'item' AND "
        by_reference = database.execute(f"{query} reference = ? ORDER BY id", [code.reference])
        row = by_reference.fetchone() or database.execute(f"{query} code = ? ORDER BY id", [code.code]).fetchone()
        return row and Receipt(f"R{row[0]}", *row[1:5], is_ours=row[5] == code.reference)

    def _begin(self, database: sqlite3.Connection, call: str, moods: dict[str, int]) -> tuple[str, random.Random]:
        number = database.execute("SELECT COUNT(*) FROM journal WHERE event IN ('find', 'export')").fetchone()[0]
        dice = random.Random(f"{self.options['seed']} {number}")  # noqa: S311 (no secret)
        mood = "well" if self.books.calm.exists() else dice.choices([*moods], [*moods.values()])[0]
        note(database, call, mood)
        if mood in ("lost before", "refused connection", "throttled"):
            note(database, "end", mood)
        if mood == "lost before":
            raise UncertainError("The ERP did not answer in time.")
        if mood == "refused connection":
            raise TransientError("The ERP cannot be reached.")
        if mood == "throttled":
            raise TransientError("The ERP asks to wait.", retry_after_s=0)
        return mood, dice

    def _end(self, database: sqlite3.Connection, mood: str) -> None:
        if mood in ("dies", "dies at the end"):
            os.kill(os.getpid(), signal.SIGKILL)
        if mood in ("slow", "sleeps"):
            time.sleep(0.2 if mood == "slow" else 4 * CALL_S)
        note(database, "end", mood)
        if mood in ("lost after", "half"):
            raise UncertainError("The ERP did not answer in time.")

    def check(self) -> None:  # type: ignore[override]
        raise ConfigurationError("Nobody asks this ERP.")

    def fetch_gl_accounts(self) -> list[None]:  # type: ignore[override]
        return []
