"""Sites to measure at: a company whose cost codes all wait in Ready to Export, in a database of its own.

With one database for all, a query that reads a whole table would be as slow at the smallest site as at the largest.
"""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from itertools import count
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection as session
from django.http import HttpResponse
from django.test import Client

from erp_integrations.base import EXPENSE_KINDS, INCOME_KINDS
from exports import services
from exports.models import Attempt, CodeExport, Status
from tests.factories import make_alice, make_connection, make_dora
from wbs.lists.checking import NewCode
from wbs.models import Segment

HOST = settings.ALLOWED_HOSTS[0]
BROWSER = {"X-Forwarded-Proto": "https", "Origin": f"https://{HOST}", "Accept-Encoding": "gzip"}
DIVISION = 25  # codes in each
NUMBERS = count()


@contextmanager
def own_database(template: str = "template1") -> Iterator[str]:
    name = f"tieback_benchmark_{os.getpid()}_{next(NUMBERS)}"
    session.close()
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield name
        session.close()
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def enter(database: str) -> None:
    """Work with this database from now on."""
    if session.settings_dict["NAME"] != database:
        session.close()
        session.settings_dict["NAME"] = database


class Site:
    def __init__(self, database: str, codes: int, **connection: Any) -> None:
        self.database, self.codes = database, codes
        self.enter()
        self.alice, dora = make_alice(), make_dora()
        self.connection = make_connection(name="ERP", slug="erp", **connection)
        self.read_accounts()
        Segment.of(dora.company).add_codes(new_codes(codes), "-", dora.user)
        services.send_codes(dora, self.connection, None)
        self.use_all_accounts()
        self.reset()
        self.client = Client(enforce_csrf_checks=True, headers=BROWSER, SERVER_NAME=HOST)
        self.client.force_login(self.alice.user)
        self.address = f"/companies/{dora.company.slug}/erp-integrations/erp/standard-cost-codes/"

    def enter(self) -> None:
        enter(self.database)

    def read_accounts(self) -> None:
        self.connection.sync_gl_accounts(None)

    def get(self, query: str = "") -> HttpResponse:
        return succeeded(self.client.get(self.address + query))

    def post(self, path: str, fields: dict[str, Any]) -> HttpResponse:
        headers = {"HX-Request": "true", "X-CSRFToken": self.client.cookies["csrftoken"].value}
        return succeeded(self.client.post(self.address + path, fields, headers=headers))

    def fields(self) -> dict[str, Any]:
        """What the page's form says of a list that was read just now."""
        page = gzip.decompress(self.get().content).decode()
        seen_at = re.findall(r'name="seen_at" value="([^"]+)"', page)[0]
        return {"filter": "ready-to-export", "seen_at": unescape(seen_at)}

    def use_all_accounts(self) -> None:
        sets, values = [], []
        for field, kinds in (("income", INCOME_KINDS), ("expense", EXPENSE_KINDS)):
            accounts = list(self.connection.gl_accounts.active().of_kinds(kinds).values_list("pk", flat=True))
            sets.append(f"{field}_account_id = (%s::bigint[])[1 + id * 7 %% %s]")
            values += [accounts, len(accounts)]
        with session.cursor() as cursor:
            cursor.execute(f"UPDATE exports_codeexport SET {', '.join(sets)}", values)  # noqa: S608

    def reset(self) -> None:
        """Everything back in Ready to Export, and the tables as a resting database has them."""
        Attempt.objects.all().delete()
        clicks = {"batch": None, "export_batch": None, "moves": 0, "previous_status": "", "cause": ""}
        CodeExport.objects.update(status=Status.READY, remote_id=None, receipt=None, **clicks)
        with session.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def new_codes(number: int) -> list[NewCode]:
    """However many there are, the first ones are the same: so the first page looks the same everywhere."""
    codes = [
        NewCode((f"{n // DIVISION:04}", f"{100 + n % DIVISION * 10}"), f"Works of the {n % 97}th kind, part {n}")
        for n in range(number)
    ]
    divisions = [NewCode((f"{n:04}",), f"Division {n}") for n in range(-(-number // DIVISION))]
    return divisions + codes


def succeeded(response: HttpResponse) -> HttpResponse:
    if response.status_code != 200:
        raise RuntimeError(f"Answered {response.status_code}: {response.content[:300]!r}")
    return response
