"""The database itself refuses to change or remove what the audit trail says.

SQLite: a trigger that is lost when a later migration rebuilds the table must be made again there (a test notices).
INSERT OR REPLACE removes the old row without asking a DELETE trigger, hence the one on INSERT.
"""

from __future__ import annotations

from django.db import migrations

POSTGRESQL = [
    """
    CREATE FUNCTION companies_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'The audit trail is append-only.' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER companies_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON companies_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION companies_audit_is_append_only()
    """,
]
POSTGRESQL_UNDO = [
    "DROP TRIGGER companies_audit_append_only ON companies_auditevent",
    "DROP FUNCTION companies_audit_is_append_only()",
]
SQLITE = [
    """
    CREATE TRIGGER companies_audit_no_update BEFORE UPDATE ON companies_auditevent
    BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END
    """,
    """
    CREATE TRIGGER companies_audit_no_delete BEFORE DELETE ON companies_auditevent
    BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END
    """,
    """
    CREATE TRIGGER companies_audit_no_replace BEFORE INSERT ON companies_auditevent
    WHEN EXISTS (SELECT 1 FROM companies_auditevent WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END
    """,
]
SQLITE_UNDO = [
    "DROP TRIGGER companies_audit_no_update",
    "DROP TRIGGER companies_audit_no_delete",
    "DROP TRIGGER companies_audit_no_replace",
]


def guard(apps, schema_editor):
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement)


def unguard(apps, schema_editor):
    for statement in POSTGRESQL_UNDO if schema_editor.connection.vendor == "postgresql" else SQLITE_UNDO:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("companies", "0001_initial")]
    operations = [migrations.RunPython(guard, unguard)]
