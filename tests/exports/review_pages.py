"""The review page of one connection, as a person's browser asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from companies.models import Member
from erp_integrations import questions
from erp_integrations.models import Question
from exports import answering
from exports.models import CodeExport
from tests import factories

PAGE = "/companies/sample-builders/erp-integrations/practice-erp/standard-cost-codes/"


class Desk:
    """Alice at her desk, and others at theirs."""

    def __init__(self) -> None:
        self.alice = factories.make_alice()
        self.dora = factories.make_dora()
        self.connection = factories.make_connection(self.alice.company)
        self.income = factories.make_account(self.connection, "4000", name="Contract Revenue")
        self.expense = factories.make_account(self.connection, "5000", "cost_of_goods_sold", name="Job Labor")
        self.client = self.client_of(self.alice)

    def client_of(self, member: Member) -> Client:
        client = Client()
        client.force_login(member.user)
        return client

    def ready(self, code: str, **values: Any) -> CodeExport:
        """A code in Ready to Export with an income account, unless told otherwise."""
        values = {"income_account": self.income, "sent_by": self.dora.user, **values}
        return factories.make_export(code, self.connection, **values)

    def get(self, path: str = "", client: Client | None = None) -> HttpResponse:
        return (client or self.client).get(PAGE + path)

    def post(self, path: str, client: Client | None = None, htmx: bool = True, **data: Any) -> HttpResponse:
        """What the page's form posts, with the moment at which the list is read now."""
        headers = {"HX-Request": "true"} if htmx else {}
        if "seen_at" not in data:
            data["seen_at"] = self.seen_at()
        return (client or self.client).post(PAGE + path, data, headers=headers)

    def seen_at(self) -> str:
        found = re.search(r'name="seen_at" value="([^"]+)"', self.get().content.decode())
        assert found
        return found[1]


def let_a_worker_answer() -> None:
    """What a page asked of the ERP about items is asked, as a worker does it."""
    for pk in Question.objects.waiting().values_list("pk", flat=True):
        questions.answer(pk, answering.ACTS)


def seen(*rows: CodeExport) -> list[str]:
    """What the page tells about these rows, as it shows them."""
    return [f"{row.pk}:{row.moves}:{row.version}" for row in rows]


def shown_in(html: str) -> list[str]:
    """The same of all rows of a page, or of an answer, with what their accounts show."""
    found = re.findall(r'<tr id="export-(\d+)".*?data-seen="([^"]+)"', html, re.DOTALL)
    return [f"{pk}:{shows}" for pk, shows in found]


@contextmanager
def queries() -> Iterator[list[str]]:
    """The SQL that ran inside, without BEGIN, COMMIT and savepoints."""
    ran: list[str] = []
    with CaptureQueriesContext(database) as captured:
        yield ran
    around = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
    ran += [query["sql"] for query in captured if not query["sql"].startswith(around)]
