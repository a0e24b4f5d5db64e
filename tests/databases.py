"""On which database a test of the quick run stands.

PostgreSQL has all that is not marked `either`; SQLite has what is marked so, which is a pass through each page, and
what is named here: there the two differ. `bin/test --all` runs everything on both.
"""

from __future__ import annotations

from pathlib import Path

from tests.servers.programs import ROOT

DIFFERS = {  # below tests/, and why
    "core": "Statements and clocks are written by hand for each.",
    "companies/test_audit.py": "The trail's triggers are made by a migration for each.",
    "companies/test_mail.py": "A mail is claimed by an UPDATE that counts its rows.",
    "config": "Each has errors, limits and a way of being away of its own.",
    "erp_integrations/test_connection_state.py": "A call is noted by one conditional UPDATE.",
    "erp_integrations/test_models.py": "Credentials and options are kept as JSON.",
    "erp_integrations/test_questions.py": "It is claimed by a conditional UPDATE, and noted over a lost connection.",
    "exports/pages/test_counts.py": "The counts are an aggregate with conditions.",
    "exports/queue/test_claimed_ahead.py": "What begins is told by a list of ids, which each takes in its own form.",
    "exports/queue/test_leases.py": "A lease is held by statements put together once, with intervals of the clock.",
    "exports/queue/test_portions.py": "What was decided is one statement on PostgreSQL, on SQLite one for each table.",
    "exports/queue/test_standing.py": "Whether an acceptance stands is SQL that is compiled once.",
    "exports/queue/test_sweeper.py": "The sweep compares stored moments with the clock.",
    "exports/services/test_auto_save.py": "A save is one statement on PostgreSQL, on SQLite one for each table.",
    "exports/services/test_link.py": "Receipts are written as JSON by a CASE for each row.",
    "exports/services/test_review.py": "Clicks are guarded UPDATEs with sentences put together in SQL.",
    "exports/services/test_send.py": "Rows are made by INSERT ... SELECT, their references by text functions.",
    "exports/services/test_sendable.py": "The ERP's rules are SQL over text.",
    "exports/services/test_update.py": "The values of before are taken out of JSON, where SQLite reads the word null.",
    "exports/test_defaults.py": "Inherited accounts are sub-queries over the tree.",
    "exports/test_identity.py": "What an account reads like is put together in SQL.",
    "exports/test_models.py": "Constraints with conditions.",
    "test_security.py": "Nothing of it is another's; it takes no time.",
    "wbs/test_default_accounts.py": "Those of many codes are written from one JSON parameter.",
    "wbs/test_drafts.py": "A check is claimed by a conditional UPDATE.",
    "wbs/test_migrations.py": "Each changes its tables in its own way.",
    "wbs/test_models.py": "A whole branch is renamed by text functions in one UPDATE.",
    "wbs/test_projects.py": "Codes are added by INSERT ... SELECT.",
}


def differs(path: Path) -> bool:
    """Whether the tests of this file run on both."""
    below = path.relative_to(ROOT / "tests")
    return any(str(place) in DIFFERS for place in (below, *below.parents))
