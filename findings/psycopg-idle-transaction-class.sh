#!/usr/bin/env bash
# psycopg 3.3.9 below Django 5.2.19 (Python 3.11): which class a connection's end has when its transaction idled too long.
#
# PostgreSQL ends a session that idles inside a transaction for longer than idle_in_transaction_session_timeout
# (SQLSTATE 25P03). The connection is gone, as after a restart (57P01).
#
# Guess:     both are OperationalError, as the DB API has it for a lost connection, so one `except` finds both.
# Behaviour: 57P01 is an OperationalError; 25P03 is an InternalError, and Django hands it on as its own InternalError.
#            Its sibling transaction_timeout (25P04, PostgreSQL 17) is an InternalError, too. The class comes from the
#            first two characters of the SQLSTATE.
# For us:    config/trouble.py tells lost connections by their SQLSTATE before it looks at the class.
#
# Output seen:
#   57P01 AdminShutdown -> django OperationalError
#   25P03 IdleInTransactionSessionTimeout -> django InternalError
#   25P04 TransactionTimeout -> django InternalError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'psycopg[binary]==3.3.9' django==5.2.19 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import django
from django.conf import settings
from psycopg import errors

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "none"}})
django.setup()
from django.db import connection  # noqa: E402


def as_django_has_it(kind: type[Exception]) -> str:
    try:
        with connection.wrap_database_errors:
            raise kind("ended")
    except Exception as error:
        return type(error).__name__


found = {}
for sqlstate in ("57P01", "25P03", "25P04"):
    kind = errors.lookup(sqlstate)
    found[sqlstate] = (kind.__name__, as_django_has_it(kind))
    print(sqlstate, kind.__name__, "-> django", found[sqlstate][1])
expected = {
    "57P01": ("AdminShutdown", "OperationalError"),
    "25P03": ("IdleInTransactionSessionTimeout", "InternalError"),
    "25P04": ("TransactionTimeout", "InternalError"),
}
sys.exit(0 if found == expected else 1)
PYTHON
